//! The few calls of EMQX's management API that this project makes (contract 4), with Basic
//! authentication by API key. Anything else is answered with 404, as EMQX does.

mod auth;
mod banned;
mod clients;
mod configuration;
mod publish;
mod refused;
mod time_text;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post};
use axum::{Json, Router, middleware};
use emqx_config::EmqxConf;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::bans::Bans;
use crate::core::Core;
use crate::options::ApiKey;
use crate::peers::Peers;

/// EMQX's own limit is larger; no call of ours comes near this one.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;
/// The node's name in answers.
const NODE: &str = "dev-broker@127.0.0.1";
/// The version whose behaviour is imitated.
pub const VERSION: &str = "5.8.9-dev";

/// What the calls work on.
pub(crate) struct Management {
    core: Core,
    peers: Arc<Peers>,
    bans: Arc<Bans>,
    key: ApiKey,
    conf: EmqxConf,
}

impl Management {
    /// Puts the parts together.
    pub(crate) fn new(
        core: Core,
        peers: Arc<Peers>,
        bans: Arc<Bans>,
        key: ApiKey,
        conf: EmqxConf,
    ) -> Arc<Self> {
        Arc::new(Self {
            core,
            peers,
            bans,
            key,
            conf,
        })
    }
}

/// Serves until the task is dropped.
pub(crate) async fn serve(socket: TcpListener, management: Arc<Management>) {
    if let Err(error) = axum::serve(socket, router(management)).await {
        tracing::error!(%error, "the management API stopped");
    }
}

fn router(management: Arc<Management>) -> Router {
    let guarded = Router::new()
        .route("/clients", get(clients::list))
        .route("/clients/kickout/bulk", post(clients::kick_many))
        .route("/clients/{id}", get(clients::show).delete(clients::kick))
        .route(
            "/banned",
            get(banned::list).post(banned::set).delete(banned::clear),
        )
        .route("/banned/{kind}/{who}", delete(banned::remove))
        .route("/publish", post(publish::publish))
        .route("/nodes", get(nodes))
        .merge(configuration::router())
        .fallback(refused::unknown_path)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&management),
            auth::require_key,
        ))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(management);
    Router::new()
        .route("/status", get(status))
        .route("/api/v5/status", get(status))
        .nest("/api/v5", guarded)
        .fallback(refused::unknown_path)
}

/// Open to everybody, as on EMQX.
async fn status() -> String {
    format!("Node {NODE} is started\nemqx is running")
}

async fn nodes() -> Json<Value> {
    Json(
        json!([{ "node": NODE, "node_status": "running", "version": VERSION,
                  "edition": "Development broker" }]),
    )
}
