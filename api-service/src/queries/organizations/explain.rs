//! `POST /api/v1/access/explain`: may somebody do something with a device or a topic, and which fact
//! decides.
//!
//! The same rows and the same function as every path. To somebody who may not see the thing it is the
//! same answer whether it exists or not.

use axum::Json;
use axum::extract::State;
use schema::{Action, DeviceId};
use serde::Serialize;
use utoipa::ToSchema;

use super::explain_fact::FactView;
use crate::api::Api;
use crate::domain::access::{Because, Level};
use crate::domain::account_id::AccountId;
use crate::domain::person_topic::{self, TopicRule};
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::require::require_device;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::access::Asker;
use crate::store::reader::Reader;
use crate::views::organization::LevelView;

/// Longest topic, in bytes (MQTT allows 65,535; ours have less than a hundred).
const TOPIC_BYTES_MAX: usize = 1024;

/// Who, what, on which device or topic: exactly one of `deviceId` and `topic`.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = ExplainAccess,
    example = json!({"deviceId": "tent-0001", "level": "control"})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct Wire {
    /// Whose access; the caller's if left out. About others only those are told who manage the device.
    /// The platform-wide role of another stands in their token and is not known here.
    #[schema(format = "uuid")]
    account_id: Option<String>,
    /// On which device.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "tent-0001")]
    device_id: Option<String>,
    /// What for: `see`, `control`, `manage` or `own`; `see` if left out. Not with a topic.
    #[schema(example = "control", pattern = "^(see|control|manage|own)$")]
    level: Option<String>,
    /// Or on which topic.
    #[schema(min_length = 1, max_length = 1024, example = "tent-0001/telemetry")]
    topic: Option<String>,
    /// What for: `subscribe` or `publish`; `subscribe` if left out. Only with a topic.
    #[schema(example = "subscribe", pattern = "^(subscribe|publish)$")]
    action: Option<String>,
}

/// Whether it is allowed, and the chain that decided.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExplanationView {
    /// Whether.
    allowed: bool,
    /// What it needs; absent where no level would do.
    #[serde(skip_serializing_if = "Option::is_none")]
    needs: Option<LevelView>,
    /// What they have; absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    has: Option<LevelView>,
    /// The fact that decided, if one gives them anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<FactView>,
    /// Every fact that gives them anything, the deciding one among them.
    facts: Vec<FactView>,
    /// The rule for people's topics that decided before any fact was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'static str>,
}

/// Explains an access.
#[utoipa::path(
    post, path = "/api/v1/access/explain", operation_id = "explainAccess",
    tag = "access", security(("bearer" = [])),
    request_body = Wire,
    responses(
        (status = 200, body = ExplanationView, description = "Whether, and why"),
        Refusals,
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json",
            description = "Another's access to a device that the caller does not see"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    Body(mut fields): Body,
) -> Result<Json<ExplanationView>, Problem> {
    // Reading a field takes it out, so what was given is looked at first.
    let (has_topic, has_device) = (fields.has("topic"), fields.has("deviceId"));
    let who = fields.optional("accountId", str::parse::<AccountId>);
    let device = fields.optional("deviceId", DeviceId::parse);
    if has_topic && fields.has("level") {
        fields.refuse("level", "goes with a device; a topic goes with an action");
    }
    if !has_topic && fields.has("action") {
        fields.refuse("action", "goes with a topic; a device goes with a level");
    }
    let level = fields.optional("level", str::parse::<Level>);
    let action = fields.optional("action", str::parse::<Action>);
    let topic = fields.optional("topic", read_topic);
    if device.is_some() || topic.is_some() {
        if has_topic && has_device {
            fields.refuse("topic", "exactly one of `deviceId` and `topic` is given");
        }
    } else if !has_topic && !has_device {
        fields.refuse("deviceId", "exactly one of `deviceId` and `topic` is given");
    }
    fields.finish()?;

    let (device, level) = match (device, topic) {
        (Some(device), _) => (device, level.unwrap_or(Level::See)),
        (None, Some(topic)) => {
            match person_topic::judge(action.unwrap_or(Action::Subscribe), &topic) {
                TopicRule::AsDevice(device) => (device, Level::See),
                TopicRule::Never(rule) => return Ok(Json(ExplanationView::never(rule))),
            }
        }
        (None, None) => return Err(Problem::internal("a missing field was not noted")),
    };
    explain(&api, account.asker(), who, &device, level).await
}

async fn explain(
    api: &Api,
    asker: Asker,
    who: Option<AccountId>,
    device: &DeviceId,
    level: Level,
) -> Result<Json<ExplanationView>, Problem> {
    let connection = api.store.connect().await?;
    let mut about = asker;
    if let Some(who) = who.filter(|who| *who != asker.account) {
        require_device(&connection, asker, device, Level::Manage).await?;
        about = Asker {
            account: who,
            is_admin: false,
        };
    }
    let found = Reader::from(&connection)
        .device_standing(about, device)
        .await?;
    let (access, facts) = match found {
        Some((_, standing)) => (standing.access(), standing.facts()),
        None => (None, Vec::new()),
    };
    Ok(Json(ExplanationView {
        allowed: access.is_some_and(|access| access.level >= level),
        needs: Some(level.into()),
        has: access.map(|access| access.level.into()),
        because: access.map(|access| access.because.into()),
        facts: facts.into_iter().map(Because::into).collect(),
        rule: None,
    }))
}

fn read_topic(text: &str) -> Result<String, &'static str> {
    if (1..=TOPIC_BYTES_MAX).contains(&text.len()) && !text.contains('\0') {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 1024 bytes without NUL characters")
    }
}

impl ExplanationView {
    fn never(rule: &'static str) -> Self {
        Self {
            allowed: false,
            needs: None,
            has: None,
            because: None,
            facts: Vec::new(),
            rule: Some(rule),
        }
    }
}
