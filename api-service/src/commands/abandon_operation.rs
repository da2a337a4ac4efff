//! `POST /api/v1/operations/{id}/abandon`: a pending operation is given up and stays as a dead one.
//!
//! For what cannot succeed any more, such as a broker that is gone for good. It frees the later
//! operations of the device, which wait for the earlier ones. A session that was to be ended is not:
//! it lives until it ends by itself, at most a day.

use axum::Json;
use axum::extract::State;
use serde_json::json;
use utoipa::ToSchema;

use super::reason_body::free_reason;
use super::run::{Command, Failure, to_its_end};
use crate::api::Api;
use crate::domain::audit::{Actor, Entry};
use crate::domain::label::Label;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::OptionalBody;
use crate::edge::path::OperationPath;
use crate::outbox::{OperationState, worker};
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::queries::operation::{read_view, unknown};
use crate::views::OperationView;

/// What an audit entry about an operation is about.
pub(super) const OPERATION: &str = "operation";

/// What the caller may send.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = AbandonOperation,
    example = json!({"reason": "that broker is gone"})
)]
#[expect(
    dead_code,
    reason = "describes the body that `free_reason` reads field by field"
)]
pub(crate) struct Wire {
    /// Why, for the record: it becomes the operation's `lastError`.
    #[schema(min_length = 1, max_length = 64, example = "that broker is gone")]
    reason: Option<String>,
}

/// Gives a pending operation up. A dead one stays as it is.
#[utoipa::path(
    post, path = "/api/v1/operations/{id}/abandon", operation_id = "abandonOperation",
    tag = "operations", security(("bearer" = [])),
    params(("id" = i64, Path, description = "The operation's id")),
    request_body = Option<Wire>,
    responses(
        (status = 200, body = OperationView, description = "Dead; `retry` brings it back"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "It is done"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    OperationPath(id): OperationPath,
    OptionalBody(fields): OptionalBody,
) -> Result<Json<OperationView>, Problem> {
    account.require(Right::Operate)?;
    let reason = free_reason(fields)?;
    let abandon = Abandon {
        actor: account.actor(),
        id,
        reason,
    };
    to_its_end(&api, &abandon).await?;
    // The device's next operation may be due now.
    worker::wake(&api.outbox_wake);
    read_view(&api, id).await
}

struct Abandon {
    actor: Actor,
    id: i64,
    reason: Option<Label>,
}

impl Command for Abandon {
    type Done = ();

    async fn once(&self, api: &Api) -> Result<(), Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("abandon_operation").await?;
        let row = tx.lock_operation(self.id).await?.ok_or_else(unknown)?;
        match row.state {
            OperationState::Dead => return Ok(()),
            OperationState::Pending => {}
            OperationState::Done | OperationState::Superseded => {
                let detail = "the operation is done; there is nothing to give up";
                return Err(Problem::new(Code::OperationDone, detail).into());
            }
        }
        let why = match &self.reason {
            Some(reason) => format!("given up by an operator: {}", reason.as_str()),
            None => "given up by an operator".to_owned(),
        };
        tx.abandon_operation(self.id, &why).await?;
        let id = self.id.to_string();
        let entry = Entry::done(self.actor, "operation.abandon", OPERATION, &id);
        let reason = self.reason.as_ref().map(Label::as_str);
        tx.audit(entry.changed(None, json!({"reason": reason})))
            .await?;
        Ok(tx.commit().await?)
    }
}
