//! `POST /api/v1/operations/{id}/retry`: a dead operation is tried again, from its first attempt.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::abandon_operation::OPERATION;
use super::run::{Command, Failure, to_its_end};
use crate::api::Api;
use crate::domain::audit::{Actor, Entry};
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::OptionalBody;
use crate::edge::path::OperationPath;
use crate::outbox::{OperationState, worker};
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::queries::operation::{read_view, unknown};
use crate::views::OperationView;

/// Puts a dead operation back to work. What it does depends on the device's state by then.
#[utoipa::path(
    post, path = "/api/v1/operations/{id}/retry", operation_id = "retryOperation",
    tag = "operations", security(("bearer" = [])),
    params(("id" = i64, Path, description = "The operation's id")),
    responses(
        (status = 202, body = OperationView, description = "Pending again"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "It is not dead"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    OperationPath(id): OperationPath,
    OptionalBody(fields): OptionalBody,
) -> Result<(StatusCode, Json<OperationView>), Problem> {
    account.require(Right::Operate)?;
    fields.finish()?;
    let actor = account.actor();
    to_its_end(&api, &Retry { actor, id }).await?;
    worker::wake(&api.outbox_wake);
    Ok((StatusCode::ACCEPTED, read_view(&api, id).await?))
}

struct Retry {
    actor: Actor,
    id: i64,
}

impl Command for Retry {
    type Done = ();

    async fn once(&self, api: &Api) -> Result<(), Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("retry_operation").await?;
        let row = tx.lock_operation(self.id).await?.ok_or_else(unknown)?;
        if row.state != OperationState::Dead {
            let detail = "only a dead operation is retried; a pending one is tried again by itself";
            return Err(Problem::new(Code::OperationNotDead, detail).into());
        }
        tx.retry_operation(self.id).await?;
        let id = self.id.to_string();
        let entry = Entry::done(self.actor, "operation.retry", OPERATION, &id);
        tx.audit(entry).await?;
        Ok(tx.commit().await?)
    }
}
