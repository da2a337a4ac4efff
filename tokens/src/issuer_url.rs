//! The address of an issuer, as an operator configures it.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// An issuer's URL, kept exactly as given: tokens must carry the same text in `iss`
/// (`OpenID` Connect Discovery 1.0, section 4.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IssuerUrl(String);

/// Why a text is not an issuer's URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssuerUrlError {
    /// Not a URL at all.
    #[error("issuer {0:?} is not a URL: give one like https://login.example.com/realms/iot-hub")]
    NotUrl(String),
    /// Plain http to another machine would let anyone on the way sign for everybody.
    #[error("issuer {0:?} must use https (plain http is accepted for this machine only)")]
    NotHttps(String),
    /// User info, a query or a fragment have no meaning in an issuer.
    #[error("issuer {0:?} must have neither a user, a query nor a fragment: remove them")]
    Extras(String),
}

impl IssuerUrl {
    /// The text as configured.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the discovery document is (`OpenID` Connect Discovery 1.0, section 4).
    pub fn discovery(&self) -> String {
        let base = self.0.strip_suffix('/').unwrap_or(&self.0);
        format!("{base}/.well-known/openid-configuration")
    }
}

/// Whether keys may be fetched from there: https, or plain http on this very machine.
pub(crate) fn is_secure(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        },
        _ => false,
    }
}

impl FromStr for IssuerUrl {
    type Err = IssuerUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_| IssuerUrlError::NotUrl(text.to_owned()))?;
        if url.host().is_none() {
            return Err(IssuerUrlError::NotUrl(text.to_owned()));
        }
        let has_user = !url.username().is_empty() || url.password().is_some();
        if has_user || url.query().is_some() || url.fragment().is_some() {
            // The text is not repeated: it may hold a password.
            return Err(IssuerUrlError::Extras(
                url.host_str().unwrap_or("").to_owned(),
            ));
        }
        if !is_secure(&url) {
            return Err(IssuerUrlError::NotHttps(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for IssuerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_anywhere_and_http_on_loopback_are_accepted() {
        for good in [
            "https://login.example.com/realms/iot-hub",
            "https://login.example.com",
            "http://127.0.0.1:9000",
            "http://[::1]:9000/realms/x",
            "http://localhost:8180/realms/x",
        ] {
            assert_eq!(good.parse::<IssuerUrl>().unwrap().as_str(), good);
        }
    }

    #[test]
    fn plain_http_to_another_machine_is_refused() {
        for bad in [
            "http://login.example.com/",
            "http://10.0.0.1/",
            "http://localhost.example.com/",
            "http://128.0.0.1/",
            "ftp://localhost/",
            "file:///etc/passwd",
            "login.example.com",
            "",
        ] {
            assert!(bad.parse::<IssuerUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_user_a_query_or_a_fragment_is_refused_without_repeating_it() {
        for bad in [
            "https://u:geheim@h/",
            "https://h/?a=geheim",
            "https://h/#geheim",
        ] {
            let error = bad.parse::<IssuerUrl>().unwrap_err();
            assert!(!error.to_string().contains("geheim"), "{error}");
        }
    }

    #[test]
    fn the_discovery_address_has_one_slash() {
        let with: IssuerUrl = "https://h/realms/x/".parse().unwrap();
        let without: IssuerUrl = "https://h/realms/x".parse().unwrap();
        assert_eq!(with.discovery(), without.discovery());
    }
}
