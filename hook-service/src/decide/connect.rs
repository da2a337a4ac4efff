//! What EMQX sends of a CONNECT.

/// A CONNECT as the authn templates render it. An empty or unexpanded value counts as absent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Connect<'a> {
    /// The client id of the CONNECT.
    pub client_id: Option<&'a str>,
    /// The user name of the CONNECT.
    pub username: Option<&'a str>,
    /// The password of the CONNECT; read only in the mode that needs it.
    pub password: Option<&'a str>,
    /// The common name of the TLS peer certificate.
    pub cert_common_name: Option<&'a str>,
    /// Base64 of that certificate's DER on one line, in spite of the placeholder's name (EMQX
    /// 5.8.0 and later).
    pub cert_pem: Option<&'a str>,
}
