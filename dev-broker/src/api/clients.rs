//! `/clients`: look and kick.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::refused::Refused;
use super::{Management, NODE, time_text};
use crate::client::Protocol;
use crate::core::SessionState;
use crate::peers::Peer;

/// Most clients of one page.
const MAX_LIMIT: usize = 10_000;

/// `GET /clients/{id}`: connected, or offline with a kept session.
pub(super) async fn show(
    State(management): State<Arc<Management>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refused> {
    let state = management
        .core
        .session_state(&id)
        .await
        .ok_or_else(Refused::no_client)?;
    let peer = management
        .peers
        .holder(&id)
        .ok_or_else(Refused::no_client)?;
    Ok(Json(client(&peer, state)))
}

/// Query of the list.
#[derive(Debug, Deserialize)]
pub(super) struct Filter {
    page: Option<usize>,
    limit: Option<usize>,
    clientid: Option<String>,
    like_clientid: Option<String>,
    username: Option<String>,
    conn_state: Option<String>,
}

impl Filter {
    fn admits(&self, peer: &Peer) -> bool {
        let client = peer.client();
        self.clientid
            .as_ref()
            .is_none_or(|id| *id == client.client_id)
            && self
                .like_clientid
                .as_ref()
                .is_none_or(|part| client.client_id.contains(part))
            && self
                .username
                .as_ref()
                .is_none_or(|name| client.username.as_ref() == Some(name))
    }
}

/// `GET /clients?page=&limit=...`, ordered by client id.
pub(super) async fn list(
    State(management): State<Arc<Management>>,
    Query(filter): Query<Filter>,
) -> Result<Json<Value>, Refused> {
    let page = filter.page.unwrap_or(1).max(1);
    let limit = filter.limit.unwrap_or(100);
    if limit == 0 || limit > MAX_LIMIT {
        return Err(Refused::bad_request("limit must be 1 to 10000"));
    }
    let mut peers = management.peers.holders();
    peers.retain(|peer| filter.admits(peer));
    peers.sort_by(|a, b| a.client().client_id.cmp(&b.client().client_id));
    let mut clients = Vec::new();
    for peer in peers {
        let Some(state) = management
            .core
            .session_state(&peer.client().client_id)
            .await
        else {
            continue;
        };
        let wanted = match filter.conn_state.as_deref() {
            Some("connected") => state.connected,
            Some("disconnected") => !state.connected,
            _ => true,
        };
        if wanted {
            clients.push(client(&peer, state));
        }
    }
    let count = clients.len();
    let first = (page - 1).saturating_mul(limit);
    let data: Vec<Value> = clients.into_iter().skip(first).take(limit).collect();
    let hasnext = first.saturating_add(data.len()) < count;
    Ok(Json(json!({ "data": data,
        "meta": { "page": page, "limit": limit, "count": count, "hasnext": hasnext } })))
}

/// `DELETE /clients/{id}`: DISCONNECT 0x98, the will is published, the session is gone.
pub(super) async fn kick(
    State(management): State<Arc<Management>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    if management.core.kick(&id, false).await {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Refused::no_client())
}

/// `POST /clients/kickout/bulk`: 204 whatever the ids are.
pub(super) async fn kick_many(
    State(management): State<Arc<Management>>,
    ids: Result<Json<Vec<String>>, JsonRejection>,
) -> Result<StatusCode, Refused> {
    let Json(ids) = ids.map_err(|_| Refused::bad_request("an array of client ids is wanted"))?;
    let mut kicks = tokio::task::JoinSet::new();
    for id in ids {
        let core = management.core.clone();
        kicks.spawn(async move { core.kick(&id, false).await });
    }
    while kicks.join_next().await.is_some() {}
    Ok(StatusCode::NO_CONTENT)
}

fn client(peer: &Peer, state: SessionState) -> Value {
    let client = peer.client();
    let (proto_name, proto_ver) = match client.protocol {
        Protocol::V5 => ("MQTT", 5),
        Protocol::V3(3) => ("MQIsdp", 3),
        Protocol::V3(level) => ("MQTT", level),
    };
    json!({
        "node": NODE,
        "clientid": client.client_id,
        "username": client.username,
        "proto_name": proto_name,
        "proto_ver": proto_ver,
        "ip_address": client.peer.ip().to_string(),
        "port": client.peer.port(),
        "listener": client.listener,
        "zone": client.zone,
        "connected": state.connected,
        "connected_at": time_text::moment(peer.connected_at()),
        "keepalive": client.keep_alive,
        "clean_start": client.clean_start,
        "expiry_interval": client.expiry_interval,
        "is_bridge": false,
        "is_superuser": peer.grant().is_superuser,
        "client_attrs": peer.grant().client_attrs,
        "mqueue_len": state.queued,
        "inflight_cnt": state.in_flight,
        "subscriptions_cnt": state.subscriptions,
    })
}
