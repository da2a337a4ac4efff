//! The listener for operators: `/livez`, `/readyz`, `/metrics`.
//!
//! It is apart from the service's own listener, so that it can be kept inside the cluster and
//! stays answerable when the service is flooded.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{Encoder, Registry, TextEncoder};

/// Says whether the service is ready, or one sentence why it is not.
pub type Readiness = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// Runs just before metrics are gathered: the place to set gauges that are computed from state.
pub type BeforeGather = Arc<dyn Fn() + Send + Sync>;

/// What the operators' listener reads.
#[derive(Clone)]
pub struct Ops {
    /// Where the metrics are.
    pub registry: Registry,
    /// Whether the service is ready.
    pub readiness: Readiness,
    /// What to compute before metrics are shown.
    pub before_gather: BeforeGather,
}

impl Ops {
    /// The routes of the operators' listener.
    pub fn router(self) -> Router {
        Router::new()
            .route("/livez", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .with_state(self)
    }
}

async fn ready(State(ops): State<Ops>) -> Response {
    match (ops.readiness)() {
        Ok(()) => "ready\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

async fn metrics(State(ops): State<Ops>) -> Response {
    (ops.before_gather)();
    let encoder = TextEncoder::new();
    let mut text = Vec::new();
    match encoder.encode(&ops.registry.gather(), &mut text) {
        Ok(()) => (
            [(header::CONTENT_TYPE, encoder.format_type().to_owned())],
            text,
        )
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics could not be encoded");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
