//! Answers of queries are compressed for who asks so (gzip).
//!
//! What is compressed tells by its length what it holds twice: whoever may choose a part of an answer and
//! see how long it is can guess a secret beside it (BREACH). So no answer of a command is compressed, which
//! is where secrets are told, and nothing that says `no-transform`.

use axum::http::{Extensions, HeaderMap, Method, StatusCode, Version, header};
use axum::response::Response;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, Predicate, SizeAbove};

/// Below this it fits in a packet anyway, in bytes.
const SIZE_MIN: u64 = 1024;

/// What lists and documents are sent as.
const TYPES: [&str; 3] = [
    "application/json",
    "application/problem+json",
    "application/x-ndjson",
];

/// Marks the answer of a query.
#[derive(Debug, Clone, Copy)]
struct OfQuery;

type Worthwhile = And<SizeAbove, fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool>;

/// Compresses what [`mark`] allowed.
pub(crate) fn layer() -> CompressionLayer<Worthwhile> {
    let is_right: fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool = may_be_compressed;
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(SIZE_MIN).and(is_right))
}

/// Notes that an answer is that of a query.
pub(super) fn mark(response: &mut Response, method: &Method) {
    if *method == Method::GET {
        response.extensions_mut().insert(OfQuery);
    }
}

fn may_be_compressed(
    _: StatusCode,
    _: Version,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let media_type = text(header::CONTENT_TYPE).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let control = text(header::CACHE_CONTROL).unwrap_or_default();
    extensions.get::<OfQuery>().is_some()
        && TYPES.contains(&essence)
        && !control.contains("no-transform")
        // A strong tag names these very bytes (RFC 9110 section 8.8.3.3).
        && !headers.contains_key(header::ETAG)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn answer(method: &Method, headers: &[(&str, &str)]) -> bool {
        let mut response = axum::http::Response::builder();
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let mut response = response.body(Body::empty()).unwrap();
        mark(&mut response, method);
        let (parts, _) = response.into_parts();
        may_be_compressed(
            parts.status,
            parts.version,
            &parts.headers,
            &parts.extensions,
        )
    }

    #[test]
    fn only_answers_of_queries_without_a_tag_are_compressed() {
        let json = ("content-type", "application/json; charset=utf-8");
        assert!(answer(&Method::GET, &[json]));
        for method in [Method::POST, Method::PATCH, Method::PUT, Method::DELETE] {
            assert!(!answer(&method, &[json]), "{method}");
        }
        for more in [
            ("cache-control", "no-store, no-transform"),
            ("etag", "\"1\""),
        ] {
            assert!(!answer(&Method::GET, &[json, more]), "{more:?}");
        }
        assert!(!answer(
            &Method::GET,
            &[("content-type", "application/x-pem-file")]
        ));
    }
}
