//! Why a request was refused.

/// The reasons, for metrics and logs. The client learns only that it was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deny {
    /// The body is not what the templates send.
    Malformed,
    /// The body is longer than the limit or did not arrive in time.
    Body,
    /// The shared secret is missing or wrong.
    Secret,
    /// No such path, or the global chain, which lets nobody in.
    NoSuchHook,
    /// The table was never loaded.
    NotReady,
    /// The table may be out of date by more than the bound.
    Stale,
    /// The client id is not of the name space that this hook is for.
    ClientId,
    /// Client id, username and common name are not the same, or the token is another account's.
    Mismatch,
    /// There is no certificate, or it was not sent.
    NoCertificate,
    /// The certificate or fingerprint cannot be read.
    BadCertificate,
    /// No such device, service client or account.
    Unknown,
    /// The device is revoked.
    Revoked,
    /// The device is suspended, or the service client or account disabled.
    Suspended,
    /// The certificate is not an active one of this client.
    CertificateNotActive,
    /// The certificate has ended.
    CertificateExpired,
    /// The topic is not within the client's rights.
    Topic,
    /// No issuer of tokens is configured, so no person is let in.
    People,
    /// The token is not one of a configured issuer for this audience, or has ended.
    Token,
    /// The token's key is not known yet, or no keys of its issuer are: they are fetched behind.
    TokenKey,
    /// The token was issued before its account was signed out everywhere.
    SignedOut,
    /// The device is not one that this person may see.
    Invisible,
    /// There was more to do than could be done in time; the request was not looked at.
    Overload,
}

impl Deny {
    /// Every reason, in the order of [`Deny::index`].
    pub const ALL: [Self; 22] = [
        Self::Malformed,
        Self::Body,
        Self::Secret,
        Self::NoSuchHook,
        Self::NotReady,
        Self::Stale,
        Self::ClientId,
        Self::Mismatch,
        Self::NoCertificate,
        Self::BadCertificate,
        Self::Unknown,
        Self::Revoked,
        Self::Suspended,
        Self::CertificateNotActive,
        Self::CertificateExpired,
        Self::Topic,
        Self::People,
        Self::Token,
        Self::TokenKey,
        Self::SignedOut,
        Self::Invisible,
        Self::Overload,
    ];

    /// Its place in [`Deny::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// The metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Body => "body",
            Self::Secret => "secret",
            Self::NoSuchHook => "no_such_hook",
            Self::NotReady => "not_ready",
            Self::Stale => "stale",
            Self::ClientId => "client_id",
            Self::Mismatch => "mismatch",
            Self::NoCertificate => "no_certificate",
            Self::BadCertificate => "bad_certificate",
            Self::Unknown => "unknown",
            Self::Revoked => "revoked",
            Self::Suspended => "suspended",
            Self::CertificateNotActive => "certificate_not_active",
            Self::CertificateExpired => "certificate_expired",
            Self::Topic => "topic",
            Self::People => "people",
            Self::Token => "token",
            Self::TokenKey => "token_key",
            Self::SignedOut => "signed_out",
            Self::Invisible => "invisible",
            Self::Overload => "overload",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Deny;

    #[test]
    fn every_reason_stands_at_its_place_with_a_label_of_its_own() {
        let mut labels = std::collections::BTreeSet::new();
        for (index, reason) in Deny::ALL.into_iter().enumerate() {
            assert_eq!(reason.index(), index);
            assert!(labels.insert(reason.as_str()));
        }
    }
}
