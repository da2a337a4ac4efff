//! A stub of EMQX's management API: the four calls we use, and ways to misbehave.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What `iot-hub:geheim` is as `Basic` credentials.
const BASIC: &str = "Basic aW90LWh1YjpnZWhlaW0=";

/// The key that the stub accepts.
pub const KEY: &str = "iot-hub:geheim";

/// The stub; dropping it stops it.
pub struct StubBroker {
    pub address: SocketAddr,
    pub state: Arc<Mutex<Played>>,
    server: tokio::task::JoinHandle<()>,
}

/// What happened, and what is to happen.
#[derive(Default)]
pub struct Played {
    /// Calls in order, like `ban dev-1`, `kick dev-1`, `look dev-1`.
    pub calls: Vec<String>,
    /// Bodies of bans.
    pub bans: Vec<Value>,
    /// Client ids with a session.
    pub sessions: BTreeSet<String>,
    /// So many kicks do nothing before one works.
    pub deaf_kicks: u32,
    /// Every call is answered so.
    pub refuse_all: Option<u16>,
    /// Bans are answered with `ALREADY_EXISTS`.
    pub ban_exists: bool,
}

type Shared = State<Arc<Mutex<Played>>>;

impl StubBroker {
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(Played::default()));
        let router = Router::new()
            .route("/api/v5/banned", post(ban))
            .route("/api/v5/clients/{id}", get(look).delete(kick))
            .layer(from_fn_with_state(Arc::clone(&state), guard))
            .with_state(Arc::clone(&state));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            state,
            server,
        }
    }

    pub fn settings(&self) -> [(&'static str, String); 2] {
        let url = format!("http://{}", self.address);
        [("API_BROKER_URL", url), ("API_BROKER_KEY", KEY.to_owned())]
    }

    pub fn play<T>(&self, act: impl FnOnce(&mut Played) -> T) -> T {
        act(&mut self.state.lock().unwrap())
    }

    pub fn calls(&self) -> Vec<String> {
        self.play(|played| played.calls.clone())
    }
}

impl Drop for StubBroker {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn guard(State(state): Shared, request: Request, next: Next) -> Response {
    let refuse = state.lock().unwrap().refuse_all;
    if let Some(status) = refuse {
        return StatusCode::from_u16(status).unwrap().into_response();
    }
    if request
        .headers()
        .get(header::AUTHORIZATION)
        .is_none_or(|value| value != BASIC)
    {
        return (
            StatusCode::UNAUTHORIZED,
            Json(json!({"code": "BAD_API_KEY_OR_SECRET"})),
        )
            .into_response();
    }
    next.run(request).await
}

async fn ban(State(state): Shared, Json(body): Json<Value>) -> Response {
    let mut played = state.lock().unwrap();
    let who = body["who"].as_str().unwrap().to_owned();
    played.calls.push(format!("ban {who}"));
    played.bans.push(body);
    if played.ban_exists {
        return (
            StatusCode::BAD_REQUEST,
            Json(json!({"code": "ALREADY_EXISTS"})),
        )
            .into_response();
    }
    if played.deaf_kicks == 0 {
        played.sessions.remove(&who);
    }
    Json(json!({})).into_response()
}

async fn kick(State(state): Shared, Path(id): Path<String>) -> Response {
    let mut played = state.lock().unwrap();
    played.calls.push(format!("kick {id}"));
    if played.deaf_kicks > 0 {
        played.deaf_kicks -= 1;
        return StatusCode::NO_CONTENT.into_response();
    }
    if played.sessions.remove(&id) {
        return StatusCode::NO_CONTENT.into_response();
    }
    (
        StatusCode::NOT_FOUND,
        Json(json!({"code": "CLIENTID_NOT_FOUND"})),
    )
        .into_response()
}

async fn look(State(state): Shared, Path(id): Path<String>) -> Response {
    let mut played = state.lock().unwrap();
    played.calls.push(format!("look {id}"));
    if played.sessions.contains(&id) {
        return Json(json!({"clientid": id, "connected": true})).into_response();
    }
    (
        StatusCode::NOT_FOUND,
        Json(json!({"code": "CLIENTID_NOT_FOUND"})),
    )
        .into_response()
}
