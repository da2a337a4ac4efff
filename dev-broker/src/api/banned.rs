//! `/banned`: set, list, lift. A ban of a client id ends its session without publishing the will.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Management;
use super::refused::Refused;
use super::time_text::{self, Time};
use crate::bans::{Ban, BanKind, BanRefused};
use crate::clock::unix_seconds;

/// Body of `POST /banned`.
#[derive(Debug, Deserialize)]
pub(super) struct NewBan {
    r#as: String,
    who: String,
    by: Option<String>,
    reason: Option<String>,
    at: Option<Value>,
    until: Option<Value>,
}

/// `POST /banned`.
pub(super) async fn set(
    State(management): State<Arc<Management>>,
    body: Result<Json<NewBan>, JsonRejection>,
) -> Result<Json<Value>, Refused> {
    let Json(new) = body.map_err(|_| Refused::bad_request("`as` and `who` are wanted"))?;
    let kind = BanKind::parse(&new.r#as)
        .ok_or_else(|| Refused::bad_request("`as` must be clientid, username or peerhost"))?;
    let now = unix_seconds();
    let time = |value: &Option<Value>, default: Time| match value {
        None => Ok(default),
        Some(value) => time_text::parse(value)
            .ok_or_else(|| Refused::bad_request("times are Unix seconds or RFC 3339")),
    };
    let at = match time(&new.at, Time::Second(now))? {
        Time::Second(at) => at,
        Time::Never => return Err(Refused::bad_request("`at` must be a time")),
    };
    let until = match time(&new.until, Time::Never)? {
        Time::Second(until) => Some(until),
        Time::Never => None,
    };
    if until.is_some_and(|until| until <= at) {
        return Err(Refused::bad_request("`until` must be later than `at`"));
    }
    let ban = Ban {
        by: new.by.unwrap_or_else(|| "mgmt_api".to_owned()),
        reason: new.reason.unwrap_or_default(),
        at,
        until,
    };
    let shown = show(kind, &new.who, &ban);
    management
        .bans
        .set(kind, &new.who, ban, now)
        .map_err(|refused| match refused {
            BanRefused::Exists => {
                Refused::already_exists("the ban exists; its `until` is unchanged")
            }
            BanRefused::Full => Refused::bad_request("too many bans"),
        })?;
    if kind == BanKind::ClientId {
        management.core.kick(&new.who, true).await;
    }
    Ok(Json(shown))
}

/// Paging of `GET /banned`.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    page: Option<usize>,
    limit: Option<usize>,
    /// Only the ban of this client id (EMQX 5.8.1 and later).
    clientid: Option<String>,
}

/// `GET /banned`.
pub(super) async fn list(
    State(management): State<Arc<Management>>,
    Query(wanted): Query<Wanted>,
) -> Json<Value> {
    let limit = wanted.limit.unwrap_or(100).clamp(1, 10_000);
    let page = wanted.page.unwrap_or(1).max(1);
    let mut bans = management.bans.list(unix_seconds());
    if let Some(client_id) = wanted.clientid {
        bans.retain(|(kind, who, _)| *kind == BanKind::ClientId && *who == client_id);
    }
    let count = bans.len();
    let shown = bans
        .iter()
        .skip((page - 1).saturating_mul(limit))
        .take(limit);
    let data: Vec<Value> = shown
        .map(|(kind, who, ban)| show(*kind, who, ban))
        .collect();
    Json(json!({ "data": data, "meta": { "page": page, "limit": limit, "count": count } }))
}

/// `DELETE /banned/{as}/{who}`.
pub(super) async fn remove(
    State(management): State<Arc<Management>>,
    Path((kind, who)): Path<(String, String)>,
) -> Result<StatusCode, Refused> {
    let removed = BanKind::parse(&kind).is_some_and(|kind| management.bans.remove(kind, &who));
    if removed {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Refused::not_found(format!("{kind}: {who} not found")))
}

/// `DELETE /banned`.
pub(super) async fn clear(State(management): State<Arc<Management>>) -> StatusCode {
    management.bans.clear();
    StatusCode::NO_CONTENT
}

fn show(kind: BanKind, who: &str, ban: &Ban) -> Value {
    let until = ban
        .until
        .map_or_else(|| "infinity".to_owned(), time_text::second);
    json!({ "as": kind.as_str(), "who": who, "by": ban.by, "reason": ban.reason,
            "at": time_text::second(ban.at), "until": until })
}
