//! Whether a certificate is accepted: `certificate.state`.

/// A certificate's state. Only `Active` ones are accepted; a device may have two during renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CertificateState {
    /// Accepted until its end.
    Active,
    /// Replaced by a newer one, without suspicion.
    Retired,
    /// On the revocation list, for good.
    Revoked,
}

crate::sql_text::words!(CertificateState, "certificate state", {
    Active => "active",
    Retired => "retired",
    Revoked => "revoked",
});
