//! The one place where an error becomes an HTTP body: RFC 9457 problem documents.
//!
//! A [`Problem`] carries a [`Code`], a sentence that we wrote for the caller, and the cause for the
//! log. The cause never reaches the caller. Rendering waits for [`render`], which knows the request's
//! id; until then a problem travels inside its response.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use self::code::Code;
pub(crate) use self::documented::{Refusals, refusal};
use crate::domain::enrolment::Refusal;
use crate::store::StoreError;

mod code;
mod documented;
mod lifecycle;

/// When a caller may try again after the service was busy or lacked something, in seconds.
const RETRY_AFTER_S: u32 = 2;

/// Most wrong parts of one request that are told. A body or a query can hold tens of thousands.
pub(crate) const ERRORS_MAX: usize = 100;

/// A refusal or failure on its way to the caller.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    retry_after_s: Option<u32>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// One wrong part of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// The field of the body, the parameter or the header.
    #[schema(example = "deviceId")]
    pub(crate) field: String,
    /// What would be right.
    pub(crate) detail: String,
}

/// What the caller sees.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProblemView {
    /// `urn:iot-hub:problem:<code>`.
    r#type: String,
    /// The same words for every problem of a code.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The stable name of the problem; programs compare this and nothing else.
    #[schema(value_type = String, example = "device_exists")]
    code: &'static str,
    /// What happened this time, for people.
    detail: String,
    /// The request's id, as in the header `x-request-id` and in our log.
    request_id: String,
    /// Every wrong part of the request, if that is the problem, or everything in the way of it; at most
    /// the first 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

impl Problem {
    /// A problem with a sentence of its own.
    pub(crate) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_s: (code.status() == StatusCode::SERVICE_UNAVAILABLE)
                .then_some(RETRY_AFTER_S),
            cause: None,
        }
    }

    /// A request with wrong parts.
    pub(crate) fn invalid(mut errors: Vec<FieldError>) -> Self {
        let detail = if errors.len() > ERRORS_MAX {
            errors.truncate(ERRORS_MAX);
            "the request has fields that are missing, unknown or wrong; `errors` lists the first 100"
        } else {
            "the request has fields that are missing, unknown or wrong; `errors` lists all"
        };
        Self {
            errors,
            ..Self::new(Code::InvalidRequest, detail)
        }
    }

    /// With the time after which a repetition may fare better, in seconds.
    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// What it is.
    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// The wrong parts.
    #[cfg(test)]
    pub(crate) fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// Whether the request was refused, and not merely failed.
    pub(crate) fn is_refusal(&self) -> bool {
        !self.code.status().is_server_error()
    }

    /// What of it can be told in a line of a longer answer.
    pub(crate) fn into_parts(self) -> (Code, String, Vec<FieldError>) {
        (self.code, self.detail.into_owned(), self.errors)
    }

    /// Something that must not happen. The caller learns only that it did.
    pub(crate) fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let detail = "the service failed; our log has the reason under the request's id";
        Self::new(Code::Internal, detail).because(cause)
    }

    /// Names each thing that it is about.
    pub(crate) fn naming(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// Keeps the cause for the log.
    pub(crate) fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(Arc::from(cause.into()));
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Turns a response that carries a problem, or that the router made itself, into its final form.
pub(crate) fn render(mut response: Response, request_id: &str) -> (Response, Option<Code>) {
    let problem = response
        .extensions_mut()
        .remove::<Problem>()
        .or_else(|| from_router(&response));
    let Some(problem) = problem else {
        return (response, None);
    };
    log(&problem);
    let code = problem.code;
    let view = ProblemView {
        r#type: format!("urn:iot-hub:problem:{}", code.as_str()),
        title: code.title(),
        status: code.status().as_u16(),
        code: code.as_str(),
        detail: problem.detail.into_owned(),
        request_id: request_id.to_owned(),
        errors: problem.errors,
    };
    let body = serde_json::to_vec(&view).expect("texts and numbers have a JSON form");
    let mut rendered = (code.status(), body).into_response();
    let headers = rendered.headers_mut();
    // What the router said, `allow` above all, stays.
    headers.extend(response.headers().clone());
    headers.remove(header::CONTENT_LENGTH);
    let media_type = HeaderValue::from_static("application/problem+json");
    headers.insert(header::CONTENT_TYPE, media_type);
    if let Some(challenge) = code.challenge() {
        headers.insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static(challenge),
        );
    }
    if let Some(seconds) = problem.retry_after_s {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    (rendered, Some(code))
}

/// The router's own refusal has no body.
fn from_router(response: &Response) -> Option<Problem> {
    (response.status() == StatusCode::METHOD_NOT_ALLOWED).then(|| {
        Problem::new(
            Code::MethodNotAllowed,
            "this path has other methods; `allow` lists them",
        )
    })
}

/// Once, where it is handled: our own failures as errors, a lack of something as a warning.
fn log(problem: &Problem) {
    let code = problem.code.as_str();
    let cause = problem.cause.as_ref().map(|cause| chain(cause.as_ref()));
    match problem.code.status() {
        StatusCode::INTERNAL_SERVER_ERROR => tracing::error!(code, cause, "the request failed"),
        StatusCode::SERVICE_UNAVAILABLE => tracing::warn!(code, cause, "the request must wait"),
        _ => tracing::debug!(code, cause, "the request was refused"),
    }
}

/// An error with its causes in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Arc::new(error).into()
    }
}

/// The failure of a read that several requests waited for.
impl From<Arc<StoreError>> for Problem {
    fn from(error: Arc<StoreError>) -> Self {
        match *error {
            StoreError::Busy => {
                Self::new(Code::Busy, "too many requests wait for the database").because(error)
            }
            StoreError::Unavailable(_) | StoreError::Retry(_) => Self::new(
                Code::DatabaseUnavailable,
                "the database does not answer; try again",
            )
            .because(error),
            StoreError::Database(_) | StoreError::Row { .. } | StoreError::Count { .. } => {
                Self::internal(error)
            }
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Exists => Self::new(
                Code::DeviceExists,
                "a device of this id is registered; say `\"renew\": true` to renew its certificate",
            ),
            Refusal::Unknown => Self::unknown_device(),
            Refusal::Revoked => Self::new(
                Code::DeviceRevoked,
                "the device is revoked for good and gets no certificate",
            ),
            Refusal::OtherModel => Self::new(
                Code::ModelMismatch,
                "the device is registered with another model",
            ),
            Refusal::OtherKey => Self::new(
                Code::KeyChangeForbidden,
                "the request is for another key than the device's; only an admin may replace it",
            ),
        }
    }
}

impl Problem {
    /// No such device.
    pub(crate) fn unknown_device() -> Self {
        Self::new(Code::DeviceNotFound, "no device of this id is registered")
    }

    /// No such certificate, or none that the caller may see.
    pub(crate) fn unknown_certificate() -> Self {
        let detail = "no device has or had a certificate of this fingerprint";
        Self::new(Code::CertificateNotFound, detail)
    }

    /// No such account.
    pub(crate) fn unknown_account() -> Self {
        Self::new(Code::AccountNotFound, "there is no account of this id")
    }

    /// An account whose holder was erased stays as it is.
    pub(crate) fn account_erased() -> Self {
        let detail = "the account's holder was erased; nobody can come back as this account";
        Self::new(Code::AccountErased, detail)
    }

    /// No such plan.
    pub(crate) fn unknown_plan() -> Self {
        Self::new(Code::PlanNotFound, "there is no such plan")
    }

    /// No such organization, or none that the caller may see.
    pub(crate) fn unknown_organization() -> Self {
        Self::new(Code::OrganizationNotFound, "there is no such organization")
    }

    /// No such group, or none that the caller may see.
    pub(crate) fn unknown_group() -> Self {
        Self::new(Code::GroupNotFound, "there is no such group")
    }
}
