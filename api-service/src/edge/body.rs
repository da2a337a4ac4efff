//! The body of a request: JSON, an object, at most 64 KiB, or 1 MiB where lists are sent.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::Map;

use super::fields::Fields;
use super::object::Object;
use crate::problem::{Code, Problem};

/// A longer body is refused, in bytes. A registration has about 1 KiB.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;

/// The same for a path that takes lists, in bytes: 10,000 device ids of the longest kind have 670 kB.
pub(crate) const LONG_BODY_BYTES_MAX: usize = 1024 * 1024;

/// The fields of a body that must be there.
pub(crate) struct Body(pub(crate) Fields);

/// The fields of a body that must be there and may hold long lists. Its path raises the limit.
pub(crate) struct LongBody(pub(crate) Fields);

/// The fields of a body that may be left out altogether.
pub(crate) struct OptionalBody(pub(crate) Fields);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let json = is_json(request.headers());
        let bytes = read(request, state, BODY_BYTES_MAX).await?;
        parse(json, &bytes).map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for LongBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let json = is_json(request.headers());
        let bytes = read(request, state, LONG_BODY_BYTES_MAX).await?;
        parse(json, &bytes).map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for OptionalBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let json = is_json(request.headers());
        let bytes = read(request, state, BODY_BYTES_MAX).await?;
        if bytes.is_empty() {
            return Ok(Self(Fields::new(Map::new())));
        }
        parse(json, &bytes).map(Self)
    }
}

async fn read<S: Send + Sync>(
    request: Request,
    state: &S,
    bytes_max: usize,
) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection: BytesRejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                let detail = format!("a body of this path has at most {bytes_max} bytes");
                Problem::new(Code::BodyTooLarge, detail)
            } else {
                Problem::new(Code::JsonMalformed, "the body ended early").because(rejection)
            }
        })
}

fn parse(json: bool, bytes: &[u8]) -> Result<Fields, Problem> {
    if !json {
        let detail = "send the body as application/json";
        return Err(Problem::new(Code::MediaTypeUnsupported, detail));
    }
    match serde_json::from_slice::<Object>(bytes) {
        Ok(Object(map)) => Ok(Fields::new(map)),
        // The library's words name a place and a kind, never a value of the body.
        Err(error) => Err(Problem::new(
            Code::JsonMalformed,
            format!(
                "the body is not a JSON object: {:?} error at line {}, column {}",
                error.classify(),
                error.line(),
                error.column()
            ),
        )),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value.unwrap_or("").split(';').next().unwrap_or("").trim();
    essence.eq_ignore_ascii_case("application/json")
}
