//! The headers that answers have, for the `OpenAPI` document.

use utoipa::Modify;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{OpenApi, Ref, RefOr};

/// Answers that are given, and those that tell to ask less: name, type, words. All others have them too, and
/// a problem document has the request's id in itself.
const GIVEN: [(&str, Type, &str); 3] = [
    (
        "x-request-id",
        Type::String,
        "The request's id, as in our log",
    ),
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

/// Adds them. Revocation lists are left alone.
pub(super) struct Headers;

impl Modify for Headers {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        for (name, kind, words) in GIVEN.into_iter().chain([LATER]) {
            let schema = ObjectBuilder::new().schema_type(kind).build();
            let header = HeaderBuilder::new()
                .schema(Some(schema))
                .description(Some(words));
            let header = RefOr::T(header.build());
            components.headers.insert(name.to_owned(), header);
        }
        for (path, item) in &mut document.paths.paths {
            if !path.starts_with("/crl/") {
                operations(item).for_each(describe);
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let all = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.patch,
        &mut item.delete,
    ];
    all.into_iter().flatten()
}

fn describe(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else {
            continue;
        };
        let mut names = Vec::new();
        if status.starts_with('2') || status == "429" {
            names.extend(GIVEN.map(|(name, ..)| name));
        }
        if matches!(status.as_str(), "409" | "429" | "503") {
            names.push(LATER.0);
        }
        for name in names {
            let header = Ref::new(format!("#/components/headers/{name}"));
            response.headers.insert(name.to_owned(), RefOr::Ref(header));
        }
    }
}
