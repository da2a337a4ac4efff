//! Where a revocation list is fetched.

use std::fmt;
use std::str::FromStr;

/// Most characters of the URL; it is repeated in each certificate.
pub const MAX_CRL_URL_CHARS: usize = 512;

/// An `http://` URL of a revocation list.
///
/// Plain http on purpose: EMQX fetches nothing else, and the list is signed anyway.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CrlUrl(String);

impl CrlUrl {
    /// The URL as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not the URL of a revocation list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a revocation list is fetched at a URL like http://crl.example.com/device.pem: http only, \
     a host, printable ASCII, no user, no fragment, at most {MAX_CRL_URL_CHARS} characters"
)]
pub struct CrlUrlError;

impl FromStr for CrlUrl {
    type Err = CrlUrlError;

    fn from_str(text: &str) -> Result<Self, CrlUrlError> {
        let rest = text.strip_prefix("http://").ok_or(CrlUrlError)?;
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let host = authority
            .rsplit_once(':')
            .map_or(authority, |(host, _)| host);
        let plain = |c: u8| c.is_ascii_graphic() && !matches!(c, b'#' | b'"' | b'<' | b'>' | b'\\');
        let fits = text.len() <= MAX_CRL_URL_CHARS
            && !host.is_empty()
            && !authority.contains('@')
            && text.bytes().all(plain);
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(CrlUrlError)
        }
    }
}

impl fmt::Display for CrlUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{CrlUrl, CrlUrlError};

    #[test]
    fn plain_http_urls_pass_and_others_do_not() {
        for url in [
            "http://crl/device.pem",
            "http://127.0.0.1:8080/crl/0.pem?x=1",
        ] {
            assert_eq!(
                url.parse::<CrlUrl>().map(|url| url.to_string()),
                Ok(url.to_owned())
            );
        }
        let long = format!("http://crl/{}", "x".repeat(502));
        for url in [
            "",
            "https://crl/x",
            "http://",
            "http:///x",
            "http://:80/x",
            "http://u@crl/x",
            "http://crl/a b",
            "http://crl/\u{e9}",
            "http://crl/#x",
            &long,
        ] {
            assert_eq!(url.parse::<CrlUrl>(), Err(CrlUrlError), "{url:?}");
        }
    }
}
