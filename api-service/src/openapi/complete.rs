//! What all operations of the document have alike, put in at one place by what each of them is: who
//! has a body can be told that it is too large, who is in a hurry can be told to wait.
//!
//! A handler names what is its own, with [`Refusals`](crate::problem::Refusals) for who calls; it never
//! repeats what stands here.

use axum::http::StatusCode;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::response::Response;
use utoipa::openapi::{OpenApi, PathItem, Ref, RefOr};

use super::{bounds, closed, headers};
use crate::problem::refusal;

/// What an operation is, as far as that decides how it can be refused.
struct Shape {
    /// Whether callers may ask only so often.
    is_counted: bool,
    is_signed_in: bool,
    has_body: bool,
    has_parameters: bool,
    names_something: bool,
}

/// A status that operations of some shape can answer with.
struct Shared {
    /// Its name among the components of the document.
    name: &'static str,
    status: StatusCode,
    when: &'static str,
    stands_at: fn(&Shape) -> bool,
}

/// One line for each. A handler that says when in words of its own keeps them.
const SHARED: [Shared; 12] = [
    shared(
        "Malformed",
        StatusCode::BAD_REQUEST,
        "The body is not one JSON object, or not whole",
        |shape| shape.has_body,
    ),
    shared(
        "Unauthorized",
        StatusCode::UNAUTHORIZED,
        "No token, or none that is accepted",
        |shape| shape.is_signed_in,
    ),
    shared(
        "Forbidden",
        StatusCode::FORBIDDEN,
        "The account is disabled, or lacks the role or the right",
        |shape| shape.is_signed_in,
    ),
    shared(
        "NotFound",
        StatusCode::NOT_FOUND,
        "What the path names is not there, or not for the caller to see",
        |shape| shape.names_something,
    ),
    shared(
        "Conflict",
        StatusCode::CONFLICT,
        "It is not in a state for this",
        |_| false,
    ),
    shared(
        "PreconditionFailed",
        StatusCode::PRECONDITION_FAILED,
        "`If-Match` names another version than there is",
        |_| false,
    ),
    shared(
        "TooLarge",
        StatusCode::PAYLOAD_TOO_LARGE,
        "The body is too large",
        |shape| shape.has_body,
    ),
    shared(
        "UnsupportedMediaType",
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "The body is sent as another media type",
        |shape| shape.has_body,
    ),
    shared(
        "Invalid",
        StatusCode::UNPROCESSABLE_ENTITY,
        "Something is missing, unknown or wrong; `errors` lists all",
        |shape| shape.has_body || (shape.is_signed_in && shape.has_parameters),
    ),
    shared(
        "TooMany",
        StatusCode::TOO_MANY_REQUESTS,
        "Too much at once; try again later",
        |shape| shape.is_counted,
    ),
    shared(
        "Failed",
        StatusCode::INTERNAL_SERVER_ERROR,
        "Our failure; our log has the reason under `requestId`",
        |_| true,
    ),
    shared(
        "Unavailable",
        StatusCode::SERVICE_UNAVAILABLE,
        "Busy, too slow, or without the database; try again",
        |_| true,
    ),
];

const fn shared(
    name: &'static str,
    status: StatusCode,
    when: &'static str,
    stands_at: fn(&Shape) -> bool,
) -> Shared {
    Shared {
        name,
        status,
        when,
        stands_at,
    }
}

/// Puts into every operation what it shares with others.
pub(super) fn complete(document: &mut OpenApi) {
    closed::close_requests(document);
    for (path, item) in &mut document.paths.paths {
        let is_counted = !path.starts_with("/crl/");
        for operation in operations(item) {
            for parameter in operation.parameters.iter_mut().flatten() {
                bounds::bound(path, parameter);
            }
            refuse(operation, is_counted);
            for (status, response) in &mut operation.responses.responses {
                describe(status, is_counted, response);
            }
        }
    }
    let components = document.components.get_or_insert_default();
    let known = headers::components().map(|(name, header)| (name, RefOr::T(header)));
    components.headers.extend(known);
    for shared in &SHARED {
        let mut response = refusal();
        shared.when.clone_into(&mut response.description);
        headers::describe(shared.status.as_str(), true, &mut response);
        let responses = &mut components.responses;
        responses.insert(shared.name.to_owned(), response.into());
    }
}

/// Those that a path has.
pub(super) fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let methods = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.patch,
        &mut item.delete,
    ];
    methods.into_iter().flatten()
}

fn refuse(operation: &mut Operation, is_counted: bool) {
    let shape = shape(operation, is_counted);
    for shared in &SHARED {
        if (shared.stands_at)(&shape) {
            let status = shared.status.as_str().to_owned();
            let responses = &mut operation.responses.responses;
            responses.entry(status).or_insert_with(|| refusal().into());
        }
    }
}

fn shape(operation: &Operation, is_counted: bool) -> Shape {
    let parameters = || operation.parameters.iter().flatten();
    Shape {
        is_counted,
        is_signed_in: operation.security.is_some(),
        has_body: operation.request_body.is_some(),
        has_parameters: parameters().next().is_some(),
        names_something: parameters().any(|each| match each {
            RefOr::T(parameter) => parameter.parameter_in == ParameterIn::Path,
            RefOr::Ref(_) => false,
        }),
    }
}

/// A refusal for which the handler has no words of its own is the shared one; every other answer gets
/// the headers that all of its status have.
fn describe(status: &str, is_counted: bool, response: &mut RefOr<Response>) {
    let RefOr::T(own) = response else {
        return;
    };
    let known = SHARED.iter().find(|each| each.status.as_str() == status);
    match known {
        Some(shared) if own.description.is_empty() && own.headers.is_empty() => {
            let place = format!("#/components/responses/{}", shared.name);
            *response = RefOr::Ref(Ref::new(place));
        }
        _ => headers::describe(status, is_counted, own),
    }
}
