//! A stub of EMQX's management API: the calls we use, and ways to misbehave.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// What `iot-hub:geheim` is as `Basic` credentials.
const BASIC: &str = "Basic aW90LWh1YjpnZWhlaW0=";

/// The key that the stub accepts.
pub const KEY: &str = "iot-hub:geheim";

/// The stub; dropping it stops it.
pub struct StubBroker {
    pub address: SocketAddr,
    state: Arc<Stage>,
    server: tokio::task::JoinHandle<()>,
}

/// What happened, and what is to happen.
#[derive(Default)]
pub struct Played {
    /// Calls in order, like `ban dev-1`, `kick dev-1`, `look dev-1`.
    pub calls: Vec<String>,
    /// Bodies of bans.
    pub bans: Vec<Value>,
    /// Bans that stand, by client id.
    pub banned: BTreeMap<String, Value>,
    /// Client ids with a session.
    pub sessions: BTreeSet<String>,
    /// The certificate that a session was opened with.
    pub fingerprints: BTreeMap<String, String>,
    /// So many kicks do nothing before one works.
    pub deaf_kicks: u32,
    /// Every call is answered so.
    pub refuse_all: Option<u16>,
    /// Client ids whose session appears after the first look that finds none.
    pub late: BTreeSet<String>,
    /// The version that is told; 5.8.9 if empty.
    pub version: &'static str,
    /// A node of the cluster does not run.
    pub is_node_down: bool,
    /// Calls of this word do not go on while it stands here.
    pub hold: Option<&'static str>,
    /// Calls of this word do what they do and then do not answer while it stands here.
    pub mute: Option<&'static str>,
    /// Messages published.
    pub published: Vec<Value>,
}

/// The play, and who waits for the test to let it go on.
#[derive(Default)]
struct Stage {
    played: Mutex<Played>,
    directed: Notify,
}

type Shared = State<Arc<Stage>>;

impl Stage {
    fn lock(&self) -> MutexGuard<'_, Played> {
        self.played.lock().unwrap()
    }

    /// Waits for as long as the play asks for it.
    async fn waits_while(&self, mut waits: impl FnMut(&Played) -> bool) {
        loop {
            let directed = self.directed.notified();
            tokio::pin!(directed);
            // From here on no direction is missed, so the look comes after it.
            directed.as_mut().enable();
            if !waits(&self.lock()) {
                return;
            }
            directed.await;
        }
    }
}

impl StubBroker {
    pub async fn start() -> Self {
        let state = Arc::new(Stage::default());
        let router = Router::new()
            .route("/api/v5/banned", post(ban).get(bans))
            .route("/api/v5/banned/clientid/{id}", delete(lift))
            .route("/api/v5/clients", get(list))
            .route("/api/v5/clients/{id}", get(look).delete(kick))
            .route("/api/v5/clients/kickout/bulk", post(kick_many))
            .route("/api/v5/nodes", get(nodes))
            .route("/api/v5/publish", post(publish))
            .route("/api/v5/authentication/node_cache/reset", post(reset))
            .route("/api/v5/authorization/node_cache/reset", post(reset))
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
        let result = act(&mut self.state.lock());
        self.state.directed.notify_waiters();
        result
    }

    pub fn calls(&self) -> Vec<String> {
        self.play(|played| played.calls.clone())
    }

    pub fn count(&self, call: &str) -> usize {
        self.play(|played| played.calls.iter().filter(|each| *each == call).count())
    }

    /// Whether a call of this word came.
    pub fn was_called(&self, word: &str) -> bool {
        self.play(|played| played.calls.iter().any(|call| is_of(call, word)))
    }
}

impl Drop for StubBroker {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn is_of(call: &str, word: &str) -> bool {
    call.split(' ').next() == Some(word)
}

async fn guard(State(state): Shared, request: Request, next: Next) -> Response {
    let refuse = state.lock().refuse_all;
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

/// Notes a call and goes on when nothing holds it.
async fn called(state: &Stage, word: &str, whom: &str) {
    let call = format!("{word} {whom}");
    state.lock().calls.push(call.trim().to_owned());
    state.waits_while(|played| played.hold == Some(word)).await;
}

/// Answers when nothing mutes it.
async fn answer(state: &Stage, word: &str, response: Response) -> Response {
    state.waits_while(|played| played.mute == Some(word)).await;
    response
}

fn no_client() -> Response {
    (
        StatusCode::NOT_FOUND,
        Json(json!({"code": "CLIENTID_NOT_FOUND"})),
    )
        .into_response()
}

async fn ban(State(state): Shared, Json(body): Json<Value>) -> Response {
    let who = body["who"].as_str().unwrap().to_owned();
    called(&state, "ban", &who).await;
    let response = {
        let mut played = state.lock();
        played.bans.push(body.clone());
        if played.banned.contains_key(&who) {
            let exists = Json(json!({"code": "ALREADY_EXISTS"}));
            (StatusCode::BAD_REQUEST, exists).into_response()
        } else {
            if played.deaf_kicks == 0 {
                played.sessions.remove(&who);
            }
            played.banned.insert(who, body.clone());
            Json(body).into_response()
        }
    };
    answer(&state, "ban", response).await
}

async fn bans(State(state): Shared, Query(query): Query<BTreeMap<String, String>>) -> Response {
    called(&state, "bans", query.get("clientid").map_or("", |id| id)).await;
    let played = state.lock();
    let data: Vec<&Value> = played
        .banned
        .iter()
        .filter(|(who, _)| query.get("clientid").is_none_or(|wanted| wanted == *who))
        .map(|(_, ban)| ban)
        .collect();
    Json(json!({"data": data, "meta": {}})).into_response()
}

async fn lift(State(state): Shared, Path(id): Path<String>) -> Response {
    called(&state, "lift", &id).await;
    if state.lock().banned.remove(&id).is_some() {
        return StatusCode::NO_CONTENT.into_response();
    }
    (StatusCode::NOT_FOUND, Json(json!({"code": "NOT_FOUND"}))).into_response()
}

async fn kick(State(state): Shared, Path(id): Path<String>) -> Response {
    called(&state, "kick", &id).await;
    let was_there = {
        let mut played = state.lock();
        if played.deaf_kicks > 0 {
            played.deaf_kicks -= 1;
            true
        } else {
            played.sessions.remove(&id)
        }
    };
    let response = if was_there {
        StatusCode::NO_CONTENT.into_response()
    } else {
        no_client()
    };
    answer(&state, "kick", response).await
}

async fn kick_many(State(state): Shared, Json(ids): Json<Vec<String>>) -> Response {
    called(&state, "bulk", &ids.join(",")).await;
    let mut played = state.lock();
    for id in ids {
        played.sessions.remove(&id);
    }
    StatusCode::NO_CONTENT.into_response()
}

async fn look(State(state): Shared, Path(id): Path<String>) -> Response {
    called(&state, "look", &id).await;
    let mut played = state.lock();
    if played.sessions.contains(&id) {
        let attributes = match played.fingerprints.get(&id) {
            Some(fingerprint) => json!({ "fingerprint": fingerprint }),
            None => json!({}),
        };
        let client = json!({"clientid": id, "connected": true, "client_attrs": attributes});
        return Json(client).into_response();
    }
    if played.late.remove(&id) {
        played.sessions.insert(id);
    }
    no_client()
}

/// Whatever contains the text, as EMQX answers.
async fn list(State(state): Shared, Query(query): Query<BTreeMap<String, String>>) -> Response {
    let part = &query["like_clientid"];
    called(&state, "list", part).await;
    let number = |name: &str| query[name].parse::<usize>().unwrap();
    let (page, limit) = (number("page"), number("limit"));
    let mut played = state.lock();
    let found: Vec<Value> = played
        .sessions
        .iter()
        .filter(|id| id.contains(part))
        .skip((page - 1) * limit)
        .take(limit)
        .map(|id| json!({"clientid": id, "connected": id.ends_with("live")}))
        .collect();
    if found.is_empty() {
        let late = std::mem::take(&mut played.late);
        played.sessions.extend(late);
    }
    Json(json!({"data": found, "meta": {"page": page, "limit": limit}})).into_response()
}

async fn nodes(State(state): Shared) -> Response {
    called(&state, "nodes", "").await;
    let played = state.lock();
    let version = match played.version {
        "" => "5.8.9",
        version => version,
    };
    let mut nodes = vec![json!({"node": "a@1", "node_status": "running", "version": version})];
    if played.is_node_down {
        nodes.push(json!({"node": "b@1", "node_status": "stopped", "version": version}));
    }
    Json(nodes).into_response()
}

async fn publish(State(state): Shared, Json(message): Json<Value>) -> Response {
    let topic = message["topic"].as_str().unwrap().to_owned();
    called(&state, "publish", &topic).await;
    state.lock().published.push(message);
    (StatusCode::ACCEPTED, Json(json!({"reason_code": 16}))).into_response()
}

async fn reset(State(state): Shared) -> Response {
    called(&state, "reset", "").await;
    StatusCode::NO_CONTENT.into_response()
}
