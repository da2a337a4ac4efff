//! `DELETE /api/v1/plans/{plan}`: a plan that nobody has goes away.
//!
//! `free` stays: it is what everybody has at first, and what an ended plan counts as.

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;

use super::{entry, told};
use crate::api::Api;
use crate::commands::run::{Command, Failure, to_its_end};
use crate::domain::account_id::AccountId;
use crate::domain::plan::{FREE, PlanId};
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::path::PlanPath;
use crate::edge::version::IfMatch;
use crate::problem::{Code, Problem, ProblemView, Refusals};

/// Takes a plan away.
#[utoipa::path(
    delete, path = "/api/v1/plans/{plan}", operation_id = "deletePlan",
    tag = "plans", security(("bearer" = [])),
    params(
        ("plan" = String, Path, description = "The plan's name"),
        ("If-Match" = Option<String>, Header,
            description = "The `ETag` of it as you know it: refused if it changed since"),
    ),
    responses(
        (status = 204, description = "It is gone"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "Somebody has it, or it is `free`"),
        (status = 412, body = ProblemView, content_type = "application/problem+json",
            description = "It changed since"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    PlanPath(plan): PlanPath,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    account.require(Right::ManagePlans)?;
    let actor = account.id();
    let delete = Delete {
        actor,
        plan,
        if_match,
    };
    to_its_end(&api, &delete).await?;
    Ok(StatusCode::NO_CONTENT)
}

struct Delete {
    actor: AccountId,
    plan: PlanId,
    if_match: IfMatch,
}

impl Command for Delete {
    type Done = ();

    async fn once(&self, api: &Api) -> Result<(), Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("delete_plan").await?;
        let plan = self.plan.as_str();
        let before = tx.lock_plan(plan).await?;
        let before = before.ok_or_else(Problem::unknown_plan)?;
        self.if_match.check(before.version)?;
        // Nobody is given the plan while its row is held.
        if plan == FREE || tx.is_plan_in_use(plan).await? {
            let detail = "accounts or organizations have the plan; give them another one first";
            return Err(Problem::new(Code::PlanInUse, detail).into());
        }
        tx.delete_plan(plan).await?;
        let entry = entry(self.actor, "plan.delete", plan);
        tx.audit(entry.changed(told(&before), json!({}))).await?;
        Ok(tx.commit().await?)
    }
}
