//! Identifiers in a path, parsed before a handler sees them.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use certs::Fingerprint;
use uuid::Uuid;

use crate::domain::account_id::{AccountId, NotAnAccountId};
use crate::domain::plan::PlanId;
use crate::problem::{Code, FieldError, Problem};
use schema::DeviceId;

/// `{id}` of a device's path.
pub(crate) struct DevicePath(pub(crate) DeviceId);

/// `{id}` of an account's path.
pub(crate) struct AccountPath(pub(crate) AccountId);

/// `{id}` of an operation's path.
pub(crate) struct OperationPath(pub(crate) i64);

/// `{id}` of a bulk revocation's path.
pub(crate) struct RevocationPath(pub(crate) i64);

/// `{id}` of a notification's path.
pub(crate) struct NotificationPath(pub(crate) i64);

/// `{fingerprint}` of a certificate's path.
pub(crate) struct FingerprintPath(pub(crate) Fingerprint);

/// `{plan}` of a plan's path.
pub(crate) struct PlanPath(pub(crate) PlanId);

/// `{uuid}` of a hook replica's path.
pub(crate) struct ReplicaPath(pub(crate) Uuid);

async fn segment<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<String, Problem> {
    match Path::<String>::from_request_parts(parts, state).await {
        Ok(Path(text)) => Ok(text),
        Err(rejection) => {
            let detail = "the path is not percent-encoded UTF-8";
            Err(Problem::new(Code::RouteNotFound, detail).because(rejection))
        }
    }
}

fn invalid(field: &str, detail: String) -> Problem {
    Problem::invalid(vec![FieldError {
        field: field.to_owned(),
        detail,
    }])
}

async fn number<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<i64, Problem> {
    let text = segment(parts, state).await?;
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(invalid("id", "must be a positive number".to_owned())),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for DevicePath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = segment(parts, state).await?;
        DeviceId::parse(&text)
            .map(Self)
            .map_err(|error| invalid("id", error.to_string()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AccountPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = segment(parts, state).await?;
        let id = text.parse();
        id.map(Self)
            .map_err(|error: NotAnAccountId| invalid("id", error.to_string()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OperationPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        number(parts, state).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RevocationPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        number(parts, state).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for NotificationPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        number(parts, state).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for FingerprintPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = segment(parts, state).await?;
        Fingerprint::parse(&text)
            .map(Self)
            .map_err(|error| invalid("fingerprint", error.to_string()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PlanPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = segment(parts, state).await?;
        PlanId::parse(&text)
            .map(Self)
            .map_err(|error| invalid("plan", error.to_string()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ReplicaPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = segment(parts, state).await?;
        Uuid::try_parse(&text)
            .map(Self)
            .map_err(|_| invalid("uuid", "must be a uuid".to_owned()))
    }
}
