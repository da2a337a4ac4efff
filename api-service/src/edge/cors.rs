//! Which pages of other origins may call (W3C Fetch, CORS): those that an operator lists, with a token
//! of their own. Cookies are not theirs to use.

use std::str::FromStr;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::CorsLayer;
use url::{Host, Url};

use super::key::{IDEMPOTENCY_KEY, REPLAYED};

/// Browsers may remember the answer to a preflight this long; a listed origin that is taken away
/// is out after that.
const REMEMBERED: Duration = Duration::from_mins(10);

/// One origin, `https://console.example.com`: scheme, host and perhaps a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin(HeaderValue);

/// Why a text is no origin that can be listed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an origin like https://console.example.com: no path, no `*`, \
         plain http for this machine only"
)]
pub(crate) struct NotAnOrigin(String);

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let refused = || NotAnOrigin(text.to_owned());
        let url = Url::parse(text).map_err(|_| refused())?;
        let is_here = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        let is_safe = url.scheme() == "https" || url.scheme() == "http" && is_here;
        // Browsers send exactly this text, so no other can ever match.
        if !is_safe || text.contains('*') || url.origin().ascii_serialization() != text {
            return Err(refused());
        }
        text.parse().map(Self).map_err(|_| refused())
    }
}

/// Lets pages of these origins call, and no others.
pub(crate) fn layer(origins: &[Origin]) -> CorsLayer {
    let methods = [
        Method::GET,
        Method::POST,
        Method::PATCH,
        Method::PUT,
        Method::DELETE,
    ];
    let headers = [
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::IF_MATCH,
        header::IF_NONE_MATCH,
        HeaderName::from_static(IDEMPOTENCY_KEY),
        HeaderName::from_static("x-request-id"),
    ];
    let shown = [
        header::ETAG,
        header::LOCATION,
        header::RETRY_AFTER,
        header::WWW_AUTHENTICATE,
        REPLAYED,
        HeaderName::from_static("x-request-id"),
        HeaderName::from_static("ratelimit"),
        HeaderName::from_static("ratelimit-policy"),
    ];
    CorsLayer::new()
        .allow_origin(
            origins
                .iter()
                .map(|origin| origin.0.clone())
                .collect::<Vec<_>>(),
        )
        .allow_methods(methods)
        .allow_headers(headers)
        .expose_headers(shown)
        .max_age(REMEMBERED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        for good in [
            "https://console.example.com",
            "https://console.example.com:8443",
            "http://localhost:5173",
            "http://127.0.0.1:5173",
        ] {
            assert!(good.parse::<Origin>().is_ok(), "{good}");
        }
        for bad in [
            "*",
            "null",
            "https://console.example.com/",
            "https://Console.example.com",
            "https://console.example.com:443",
            "http://console.example.com",
            "https://*.example.com",
            "console.example.com",
            "file:///",
            "",
        ] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
    }
}
