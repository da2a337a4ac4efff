//! Where a request's access token is, and whether the request may use it.
//!
//! A program puts its token into the request itself. A browser behind OAuth2-Proxy sends a cookie, and
//! the proxy puts the token in: then any page that the browser shows could make it send a request with
//! its user's token. So a request that changes something and whose token a proxy brought must come
//! from a page of our own.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};

use super::listener::Peer;
use super::proxies::TrustedProxies;
use crate::problem::{Code, Problem};

/// The token that OAuth2-Proxy passes on (its `--set-xauthrequest` with `--pass-access-token`).
const PROXY_TOKEN: HeaderName = HeaderName::from_static("x-auth-request-access-token");

/// From where a browser says that a request comes (W3C Fetch Metadata).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The name that the browser asked for, as a proxy passes it on.
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The request's access token, not looked at yet.
pub(super) fn token_of<'a>(parts: &'a Parts, proxies: &TrustedProxies) -> Result<&'a str, Problem> {
    let headers = &parts.headers;
    let peer = parts.extensions.get::<Peer>();
    let is_proxied = peer.is_some_and(|peer| proxies.is_trusted(peer.0));
    let own = headers.contains_key(header::AUTHORIZATION);
    let token = if is_proxied && !own {
        only(headers, &PROXY_TOKEN).ok_or_else(missing)?
    } else {
        bearer(headers)?
    };
    // OAuth2-Proxy can turn a cookie into `Authorization` too, so the cookie alone is enough to ask.
    let by_cookie = is_proxied && (!own || headers.contains_key(header::COOKIE));
    if by_cookie && !parts.method.is_safe() && !is_same_origin(headers) {
        let detail = "a request that a browser's session signs must come from a page of this service: \
                      its `Origin` or `Sec-Fetch-Site` says otherwise, or nothing";
        return Err(Problem::new(Code::CrossSite, detail));
    }
    Ok(token)
}

/// The token of the one `Authorization: Bearer` header (RFC 6750 section 2.1). Tokens in a query or
/// a form are not read: they end up in logs.
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let value = only(headers, &header::AUTHORIZATION).ok_or_else(missing)?;
    let (scheme, token) = value.split_once(' ').ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    Ok(token.trim())
}

/// The text of a header that is there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// Whether the browser says that one of our own pages made the request. Saying nothing is not enough:
/// every browser of the last years says at least one of the two where it matters.
fn is_same_origin(headers: &HeaderMap) -> bool {
    if headers.contains_key(&SEC_FETCH_SITE) {
        return only(headers, &SEC_FETCH_SITE) == Some("same-origin");
    }
    let origin = only(headers, &header::ORIGIN).and_then(|origin| origin.split_once("://"));
    let host = only(headers, &FORWARDED_HOST).or_else(|| only(headers, &header::HOST));
    match (origin, host) {
        (Some((_, origin)), Some(host)) => origin.eq_ignore_ascii_case(host),
        _ => false,
    }
}

fn missing() -> Problem {
    let detail = "send an access token in one header: Authorization: Bearer <token>";
    Problem::new(Code::TokenMissing, detail)
}

#[cfg(test)]
mod tests {
    use axum::http::{Method, Request};

    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn ask(method: Method, peer: &str, headers: &[(&str, &str)]) -> Result<String, String> {
        let mut request = Request::builder().method(method).uri("/x");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(Peer(peer.parse().unwrap()));
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let token = token_of(&parts, &proxies).map(str::to_owned);
        token.map_err(|problem| problem.code().as_str().to_owned())
    }

    const TOKEN: (&str, &str) = ("x-auth-request-access-token", "t");
    const COOKIE: (&str, &str) = ("cookie", "_oauth2_proxy=c");
    const BEARER: (&str, &str) = ("authorization", "Bearer t");

    #[test]
    fn only_a_trusted_proxy_brings_a_token_for_somebody() {
        let got = Ok("t".to_owned());
        assert_eq!(ask(Method::GET, PROXY, &[TOKEN]), got);
        let missing = Err("token_missing".to_owned());
        assert_eq!(ask(Method::GET, "192.0.2.1", &[TOKEN]), missing);
        assert_eq!(ask(Method::GET, PROXY, &[TOKEN, TOKEN]), missing);
        // Names without a token are nothing.
        for name in [
            "x-auth-request-user",
            "x-auth-request-email",
            "x-forwarded-user",
        ] {
            assert_eq!(
                ask(Method::GET, PROXY, &[(name, "admin")]),
                missing,
                "{name}"
            );
        }
        let both = [("authorization", "Bearer own"), TOKEN];
        assert_eq!(ask(Method::GET, PROXY, &both), Ok("own".to_owned()));
    }

    #[test]
    fn what_a_cookie_signs_must_come_from_our_own_page() {
        let ours = [
            ("host", "hub.example.com"),
            ("origin", "https://hub.example.com"),
        ];
        let theirs = [
            ("host", "hub.example.com"),
            ("origin", "https://evil.example"),
        ];
        let same = ("sec-fetch-site", "same-origin");
        let cross = ("sec-fetch-site", "cross-site");
        let refused = Err("cross_site".to_owned());
        let got = Ok("t".to_owned());
        for (headers, expected) in [
            (vec![TOKEN, same], &got),
            (vec![TOKEN, ours[0], ours[1]], &got),
            (vec![TOKEN], &refused),
            (vec![TOKEN, cross], &refused),
            (vec![TOKEN, ("sec-fetch-site", "same-site")], &refused),
            (vec![TOKEN, cross, ours[0], ours[1]], &refused),
            (vec![TOKEN, theirs[0], theirs[1]], &refused),
            (vec![TOKEN, ("host", "h"), ("origin", "null")], &refused),
            (vec![BEARER, COOKIE], &refused),
            (vec![BEARER, COOKIE, same], &got),
            // A program's own token: no browser adds it by itself.
            (vec![BEARER], &got),
        ] {
            assert_eq!(&ask(Method::POST, PROXY, &headers), expected, "{headers:?}");
            assert_eq!(
                &ask(Method::DELETE, PROXY, &headers),
                expected,
                "{headers:?}"
            );
        }
        assert_eq!(ask(Method::GET, PROXY, &[TOKEN, cross]), got);
        assert_eq!(ask(Method::POST, "192.0.2.1", &[BEARER, COOKIE]), got);
    }
}
