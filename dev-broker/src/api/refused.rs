//! EMQX's error bodies: `{"code": .., "message": ..}`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

/// A refused call.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refused {
    pub(super) fn bad_key() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: "BAD_API_KEY_OR_SECRET",
            message: "Check api_key/api_secret".to_owned(),
        }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "BAD_REQUEST",
            message: message.into(),
        }
    }

    pub(super) fn already_exists(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "ALREADY_EXISTS",
            message: message.into(),
        }
    }

    pub(super) fn no_client() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: "CLIENTID_NOT_FOUND",
            message: "Client ID not found".to_owned(),
        }
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: "NOT_FOUND",
            message: message.into(),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (
            self.status,
            Json(json!({ "code": self.code, "message": self.message })),
        )
            .into_response()
    }
}

/// The fallback: calls of other EMQX versions, `node_cache/reset` among them, end here.
pub(super) async fn unknown_path() -> Refused {
    Refused::not_found("Request Path Not Found")
}
