//! The headers that answers have, for the `OpenAPI` document.

use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::response::Response;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr};

/// Every answer of the API: name, type, words.
const ALWAYS: [(&str, Type, &str); 1] = [(
    "x-request-id",
    Type::String,
    "The request's id, as in our log",
)];

/// Answers that tell how often the caller may ask.
const COUNTED: [(&str, Type, &str); 2] = [
    (
        "RateLimit-Policy",
        Type::String,
        "What may be asked: `q` requests at once, all of them back in `w` seconds (draft-ietf-httpapi-ratelimit-headers-09)",
    ),
    (
        "RateLimit",
        Type::String,
        "What is left of it: `r` requests, all of them back in `t` seconds",
    ),
];

/// Answers that tell when to come again.
const LATER: (&str, Type, &str) = (
    "Retry-After",
    Type::Integer,
    "Seconds to wait before the next try; of a conflict only where waiting helps",
);

/// How somebody is asked to sign in.
const CHALLENGE: (&str, Type, &str) = (
    "WWW-Authenticate",
    Type::String,
    "How to sign in (RFC 6750 section 3)",
);

/// The headers among the components of the document.
pub(super) fn components() -> impl Iterator<Item = (String, Header)> {
    let all = ALWAYS.into_iter().chain(COUNTED).chain([LATER, CHALLENGE]);
    all.map(|(name, kind, words)| {
        let schema = ObjectBuilder::new().schema_type(kind).build();
        let header = HeaderBuilder::new()
            .schema(Some(schema))
            .description(Some(words));
        (name.to_owned(), header.build())
    })
}

/// Adds those that an answer of a status has. Revocation lists are not counted.
pub(super) fn describe(status: &str, is_counted: bool, response: &mut Response) {
    let mut names = vec![ALWAYS[0].0];
    if is_counted && (status.starts_with('2') || status == "429") {
        names.extend(COUNTED.map(|(name, ..)| name));
    }
    if matches!(status, "409" | "429" | "503") {
        names.push(LATER.0);
    }
    if status == "401" {
        names.push(CHALLENGE.0);
    }
    for name in names {
        let header = Ref::new(format!("#/components/headers/{name}"));
        response.headers.insert(name.to_owned(), RefOr::Ref(header));
    }
}
