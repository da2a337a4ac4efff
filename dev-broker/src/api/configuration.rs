//! The pages that tell the configuration, in the shapes of EMQX 5.8.9 (read in its source).
//!
//! Only looks: no page changes anything. As on EMQX, `GET /configs` leaves `zones` out.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use emqx_config::hocon::{Value as Conf, render};
use emqx_config::{Authorization, DenyAction, EmqxConf, Kind, Listener, NoMatch};
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Map, Value, json};

use super::refused::Refused;
use super::{Management, NODE};

/// Roots that EMQX never tells (`emqx_conf_cli:hidden_roots/0`).
const HIDDEN: [&str; 5] = ["trace", "stats", "broker", "plugins", "zones"];

/// Roots of the JSON form, which is kept for old callers (`emqx_mgmt_api_configs`).
const JSON_ROOTS: [&str; 6] = [
    "dashboard",
    "alarm",
    "sys_topics",
    "sysmon",
    "log",
    "broker",
];

type Shared = State<Arc<Management>>;

/// The routes.
pub(super) fn router() -> Router<Arc<Management>> {
    Router::new()
        .route("/configs", get(configs))
        .route("/configs/global_zone", get(global_zone))
        .route("/listeners", get(listeners))
        .route("/listeners/{id}", get(listener))
        .route("/authentication", get(authentication))
        .route("/authorization/settings", get(authorization_settings))
        .route("/authorization/sources", get(authorization_sources))
        .route("/mqtt/delayed", get(delayed))
        .route("/mqtt/topic_rewrite", get(topic_rewrite))
}

/// `GET /configs?node=`: HOCON, or a few roots in JSON for who accepts nothing else.
async fn configs(
    State(management): Shared,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    if let Some(node) = query.get("node").filter(|node| *node != NODE) {
        return Err(Refused::not_found(format!(
            "Bad node {node}, reason not found"
        )));
    }
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    let accept = accept.unwrap_or("*/*");
    if accept.contains("*/*") || accept.contains("text/plain") {
        let shown = filtered(&management.conf, |root| !HIDDEN.contains(&root));
        return Ok(([(CONTENT_TYPE, "text/plain")], render(&shown)).into_response());
    }
    if accept.contains("application/json") {
        let shown = filtered(&management.conf, |root| JSON_ROOTS.contains(&root));
        return Ok(Json(json_of(&shown)).into_response());
    }
    Err(Refused::bad_request("no_suitable_accept"))
}

fn filtered(conf: &EmqxConf, keep: impl Fn(&str) -> bool) -> Conf {
    match conf.raw() {
        Conf::Object(roots) => Conf::Object(
            roots
                .iter()
                .filter(|(root, _)| keep(root))
                .map(|(root, value)| (root.clone(), value.clone()))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// `GET /configs/global_zone`: what holds where a zone says nothing.
async fn global_zone(State(management): Shared) -> Json<Value> {
    let shown = filtered(&management.conf, |root| {
        matches!(
            root,
            "mqtt" | "flapping_detect" | "force_shutdown" | "force_gc"
        )
    });
    Json(json_of(&shown))
}

/// `GET /listeners`: a summary of each.
async fn listeners(State(management): Shared) -> Json<Value> {
    let shown = management.conf.listeners.iter().map(|listener| {
        let status = json!({
            "running": listener.enable,
            "current_connections": connections(&management, listener),
            "max_connections": max_connections(listener),
        });
        json!({
            "id": id(listener), "type": kind(listener.kind), "name": listener.name,
            "enable": listener.enable, "number": 1, "acceptors": 16, "bind": bind(listener),
            "status": status, "node_status": [{ "node": NODE, "status": status }],
        })
    });
    Json(shown.collect())
}

/// `GET /listeners/{id}`: its configuration, which does not tell its authenticators (5.3 to 6.3).
async fn listener(State(management): Shared, Path(wanted): Path<String>) -> Response {
    let mut all = management.conf.listeners.iter();
    let Some(listener) = all.find(|listener| id(listener) == wanted) else {
        let body = json!({ "code": "BAD_LISTENER_ID", "message": "Listener id not found" });
        return (http::StatusCode::NOT_FOUND, Json(body)).into_response();
    };
    let path = format!("listeners.{}.{}", kind(listener.kind), listener.name);
    let mut shown = match management.conf.raw().get(&path).map(json_of) {
        Some(Value::Object(entries)) => entries,
        _ => Map::new(),
    };
    shown.remove("authentication");
    shown.insert("id".to_owned(), json!(wanted));
    shown.insert("type".to_owned(), json!(kind(listener.kind)));
    shown.insert("bind".to_owned(), json!(bind(listener)));
    shown.insert("running".to_owned(), json!(listener.enable));
    let connections = connections(&management, listener);
    shown.insert("current_connections".to_owned(), json!(connections));
    Json(Value::Object(shown)).into_response()
}

/// `GET /authentication`: the global chain with the id of each authenticator.
async fn authentication(State(management): Shared) -> Json<Value> {
    let chain = management.conf.raw().get("authentication").map(json_of);
    let mut chain = chain.unwrap_or_else(|| json!([]));
    for authenticator in chain.as_array_mut().into_iter().flatten() {
        let of = |key: &str| authenticator[key].as_str().unwrap_or_default().to_owned();
        authenticator["id"] = json!(format!("{}:{}", of("mechanism"), of("backend")));
    }
    Json(chain)
}

/// `GET /authorization/settings`: all but the sources.
async fn authorization_settings(State(management): Shared) -> Json<Value> {
    let Authorization {
        no_match,
        deny_action,
        cache_enable,
        ..
    } = management.conf.authorization;
    Json(json!({
        "no_match": match no_match { NoMatch::Allow => "allow", NoMatch::Deny => "deny" },
        "deny_action": match deny_action {
            DenyAction::Ignore => "ignore",
            DenyAction::Disconnect => "disconnect",
        },
        "cache": { "enable": cache_enable, "max_size": 32, "ttl": "1m", "excludes": [] },
    }))
}

/// `GET /authorization/sources`.
async fn authorization_sources(State(management): Shared) -> Json<Value> {
    let sources = management.conf.raw().get("authorization.sources");
    Json(json!({ "sources": sources.map_or_else(|| json!([]), json_of) }))
}

/// `GET /mqtt/delayed`.
async fn delayed(State(management): Shared) -> Json<Value> {
    Json(json!({ "enable": management.conf.delayed_enable, "max_delayed_messages": 0 }))
}

/// `GET /mqtt/topic_rewrite`.
async fn topic_rewrite(State(management): Shared) -> Json<Value> {
    let rules = management.conf.raw().get("rewrite");
    Json(rules.map_or_else(|| json!([]), json_of))
}

fn id(listener: &Listener) -> String {
    format!("{}:{}", kind(listener.kind), listener.name)
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Tcp => "tcp",
        Kind::Ssl => "ssl",
        Kind::Ws => "ws",
        Kind::Wss => "wss",
    }
}

/// What the file says; the ports of this broker are its own.
fn bind(listener: &Listener) -> String {
    listener
        .bind
        .map_or_else(String::new, |bind| bind.to_string())
}

fn max_connections(listener: &Listener) -> Value {
    match listener.max_connections {
        None | Some(u64::MAX) => json!("infinity"),
        Some(most) => json!(most),
    }
}

fn connections(management: &Management, listener: &Listener) -> usize {
    let id = id(listener);
    let holders = management.peers.holders();
    holders
        .iter()
        .filter(|peer| peer.client().listener == id)
        .count()
}

fn json_of(value: &Conf) -> Value {
    match value {
        Conf::Null => Value::Null,
        Conf::Bool(flag) => json!(flag),
        Conf::Int(number) => json!(number),
        Conf::Float(number) => json!(number),
        Conf::String(text) => json!(text),
        Conf::Array(items) => items.iter().map(json_of).collect(),
        Conf::Object(entries) => Value::Object(
            entries
                .iter()
                .map(|(name, value)| (name.clone(), json_of(value)))
                .collect(),
        ),
    }
}
