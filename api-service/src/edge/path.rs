//! Identifiers in a path, parsed before a handler sees them.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::problem::{Code, FieldError, Problem};
use schema::DeviceId;

/// `{id}` of a device's path.
pub(crate) struct DevicePath(pub(crate) DeviceId);

/// `{id}` of an operation's path.
pub(crate) struct OperationPath(pub(crate) i64);

async fn segment<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<String, Problem> {
    match Path::<String>::from_request_parts(parts, state).await {
        Ok(Path(text)) => Ok(text),
        Err(rejection) => {
            let detail = "the path is not percent-encoded UTF-8";
            Err(Problem::new(Code::RouteNotFound, detail).because(rejection))
        }
    }
}

fn invalid(detail: String) -> Problem {
    Problem::invalid(vec![FieldError {
        field: "id".to_owned(),
        detail,
    }])
}

impl<S: Send + Sync> FromRequestParts<S> for DevicePath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = segment(parts, state).await?;
        DeviceId::parse(&text)
            .map(Self)
            .map_err(|error| invalid(error.to_string()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OperationPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = segment(parts, state).await?;
        match text.parse() {
            Ok(number) if number > 0 => Ok(Self(number)),
            _ => Err(invalid("must be a positive number".to_owned())),
        }
    }
}
