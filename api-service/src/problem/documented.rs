//! The refusals that stand in the `OpenAPI` document at every path of an account.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use utoipa::IntoResponses;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{ContentBuilder, Ref, RefOr};

/// Who calls is not known, may not or calls too often, something of the request is wrong, or the database
/// does not answer. A path names its other refusals itself.
pub(crate) struct Refusals;

const STATUSES: [StatusCode; 5] = [
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
    StatusCode::UNPROCESSABLE_ENTITY,
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::SERVICE_UNAVAILABLE,
];

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        STATUSES
            .iter()
            .map(|status| (status.as_str().to_owned(), refusal().into()))
            .collect()
    }
}

/// A refusal as the document shows it; what it is for is told by the document's one table.
pub(crate) fn refusal() -> Response {
    let view = Ref::from_schema_name("ProblemView");
    let content = ContentBuilder::new().schema(Some(view)).build();
    ResponseBuilder::new()
        .content("application/problem+json", content)
        .build()
}
