//! `POST /publish`: a message from the API, not subject to any authorization (contract 4).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::Management;
use super::refused::Refused;
use crate::core::ApiMessage;

/// Reason code of MQTT 5, "no matching subscribers".
const NO_MATCHING_SUBSCRIBERS: u8 = 16;

/// Body of the call.
#[derive(Debug, Deserialize)]
pub(super) struct NewMessage {
    topic: String,
    payload: String,
    #[serde(default)]
    qos: u8,
    #[serde(default)]
    retain: bool,
    #[serde(default)]
    payload_encoding: Encoding,
}

/// How the payload is written.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    #[default]
    Plain,
    Base64,
}

/// `POST /publish`.
pub(super) async fn publish(
    State(management): State<Arc<Management>>,
    body: Result<Json<NewMessage>, JsonRejection>,
) -> Result<Response, Refused> {
    let Json(new) = body.map_err(|error| Refused::bad_request(error.body_text()))?;
    if new.topic.is_empty() || new.topic.contains(['+', '#', '\0']) {
        return Err(Refused::bad_request(
            "the topic must be a topic name without wildcards",
        ));
    }
    if new.qos > 2 {
        return Err(Refused::bad_request("qos must be 0, 1 or 2"));
    }
    let payload = match new.payload_encoding {
        Encoding::Plain => new.payload.into_bytes(),
        Encoding::Base64 => STANDARD
            .decode(&new.payload)
            .map_err(|_| Refused::bad_request("the payload is not base64"))?,
    };
    let message = ApiMessage {
        topic: new.topic,
        payload: payload.into(),
        qos: new.qos,
        retain: new.retain,
    };
    if management.core.publish(message).await == 0 {
        let body = json!({ "reason_code": NO_MATCHING_SUBSCRIBERS,
                           "message": "no_matching_subscribers" });
        return Ok((StatusCode::ACCEPTED, Json(body)).into_response());
    }
    let id = Uuid::new_v4().simple().to_string().to_uppercase();
    Ok(Json(json!({ "id": id })).into_response())
}
