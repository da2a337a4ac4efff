//! `POST /api/v1/hook-replicas/{uuid}/declare-dead`: nobody waits for a replica any more.
//!
//! A process that was killed leaves its lease behind, and every fence waits for the lease to be
//! proven lapsed. Whoever knows that the process is gone may say so. Said of a process that lives and
//! is cut off from the database, it makes a revocation count as fenced while that process may still
//! let the device in, for as long as its lease ran: so it is refused while the counter moves, and a
//! lease is only taken with its counter where it stood.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::run::{Command, Failure, to_its_end};
use crate::api::Api;
use crate::domain::audit::{Actor, Entry};
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::OptionalBody;
use crate::edge::fields::Fields;
use crate::edge::path::ReplicaPath;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::queries::hook_replicas::milliseconds;
use crate::replicas::{Judged, ReplicaState};

/// What the caller may send.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = DeclareReplicaDead,
    example = json!({"force": false})
)]
#[expect(
    dead_code,
    reason = "describes the body that `read` reads field by field"
)]
pub(crate) struct Wire {
    /// Take the lease of a process that seems to live. Dangerous unless the process is known to be
    /// stopped or cut off from every broker: until its lease runs out it may let in what is revoked,
    /// and revocations do not wait for it. A process that still reaches the database notices at its
    /// next renewal, denies, and comes back under a new lease.
    #[schema(default = false)]
    force: Option<bool>,
}

/// A replica that nobody waits for any more.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReplicaDeclaredDead {
    /// The run of the process.
    #[schema(value_type = String, format = "uuid")]
    process_uuid: Uuid,
    /// Its configured name.
    name: String,
    /// What it seemed to be. Only a `lapsed` one is proven not to allow anything.
    state: ReplicaState,
    /// For how long its counter had stood, in milliseconds.
    still_for_ms: u64,
}

/// Declares a replica of hook-service dead.
#[utoipa::path(
    post, path = "/api/v1/hook-replicas/{uuid}/declare-dead", operation_id = "declareReplicaDead",
    tag = "operations", security(("bearer" = [])),
    params(("uuid" = String, Path, description = "The process's uuid")),
    request_body = Option<Wire>,
    responses(
        (status = 200, body = ReplicaDeclaredDead, description = "Its lease is gone"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json",
            description = "There is no such lease, or not any more"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "It seems to live"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    ReplicaPath(process): ReplicaPath,
    OptionalBody(fields): OptionalBody,
) -> Result<Json<ReplicaDeclaredDead>, Problem> {
    account.require(Right::Operate)?;
    let force = read(fields)?;
    let judged = api.replicas.look(&api).await?;
    let judged = judged
        .into_iter()
        .find(|judged| judged.row.process == process)
        .ok_or_else(unknown)?;
    if judged.state == ReplicaState::Live && !force {
        return Err(alive());
    }
    let declare = Declare {
        actor: account.actor(),
        judged: &judged,
        force,
    };
    to_its_end(&api, &declare).await?;
    tracing::warn!(
        %process,
        replica = judged.row.name,
        state = ?judged.state,
        force,
        "a hook replica was declared dead"
    );
    Ok(Json(ReplicaDeclaredDead {
        process_uuid: process,
        name: judged.row.name,
        state: judged.state,
        still_for_ms: milliseconds(judged.still_for),
    }))
}

struct Declare<'a> {
    actor: Actor,
    judged: &'a Judged,
    force: bool,
}

impl Command for Declare<'_> {
    type Done = ();

    async fn once(&self, api: &Api) -> Result<(), Failure> {
        let row = &self.judged.row;
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("declare_replica_dead").await?;
        let unmoved_at = (!self.force).then_some(row.renewals);
        if !tx.remove_hook_replica(row.process, unmoved_at).await? {
            // Forced, nothing but its absence keeps a row from going; else it has just renewed or gone.
            return Err(if self.force { unknown() } else { alive() }.into());
        }
        let id = row.process.to_string();
        let entry = Entry::done(self.actor, "replica.declare_dead", "replica", &id);
        let seemed = json!({
            "name": row.name,
            "state": self.judged.state,
            "stillForMs": milliseconds(self.judged.still_for),
        });
        tx.audit(entry.changed(seemed, json!({"force": self.force})))
            .await?;
        Ok(tx.commit().await?)
    }
}

fn read(mut fields: Fields) -> Result<bool, Problem> {
    let force = fields.flag("force");
    fields.finish()?;
    Ok(force)
}

fn unknown() -> Problem {
    let detail = "no process of hook-service holds a lease of this uuid";
    Problem::new(Code::ReplicaNotFound, detail)
}

fn alive() -> Problem {
    let detail = "the replica renewed within a third of its lease, or was not watched for that long; \
                  stop it or wait, or read what `force` risks";
    Problem::new(Code::ReplicaAlive, detail)
}
