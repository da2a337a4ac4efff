//! `PATCH /api/v1/plans/{plan}`: a plan's title and limits.
//!
//! Who is over a lowered limit keeps what they have and gets nothing more.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use utoipa::ToSchema;

use super::{Max, entry, read_limits, told};
use crate::api::Api;
use crate::commands::run::{Command, Failure, to_its_end};
use crate::domain::account_id::AccountId;
use crate::domain::label::Label;
use crate::domain::plan::PlanId;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::path::PlanPath;
use crate::edge::version::{IfMatch, etag};
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::plan::{PlanRow, PlanWrite};
use crate::views::plan::PlanView;

/// What is to change; what is left out stays.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = ChangePlan,
    example = json!({"title": "Pro", "devicesMax": 100})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct Wire {
    /// What people call it.
    #[schema(min_length = 1, max_length = 64, example = "Pro")]
    title: Option<String>,
    /// Most devices; `null`: any number.
    #[schema(minimum = 0, maximum = 10_000_000)]
    devices_max: Option<u32>,
    /// Most people in an organization; `null`: any number.
    #[schema(minimum = 1, maximum = 1_000_000)]
    members_max: Option<u32>,
}

/// Changes a plan. Nothing is taken from anybody.
#[utoipa::path(
    patch, path = "/api/v1/plans/{plan}", operation_id = "changePlan",
    tag = "plans", security(("bearer" = [])),
    params(
        ("plan" = String, Path, description = "The plan's name"),
        ("If-Match" = Option<String>, Header,
            description = "The `ETag` of it as you know it: refused if it changed since"),
    ),
    request_body = Wire,
    responses(
        (status = 200, body = PlanView, description = "As it is now, with its `ETag`"),
        Refusals,
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 412, body = ProblemView, content_type = "application/problem+json",
            description = "It changed since"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    PlanPath(plan): PlanPath,
    if_match: IfMatch,
    Body(mut fields): Body,
) -> Result<Response, Problem> {
    account.require(Right::ManagePlans)?;
    let title = fields.optional("title", Label::parse);
    let (devices_max, members_max) = read_limits(&mut fields);
    fields.finish()?;
    let change = Change {
        actor: account.id(),
        plan,
        if_match,
        title,
        devices_max,
        members_max,
    };
    let row = to_its_end(&api, &change).await?;
    let tag = etag(row.version);
    Ok(([tag], Json(PlanView::from(row))).into_response())
}

struct Change {
    actor: AccountId,
    plan: PlanId,
    if_match: IfMatch,
    title: Option<Label>,
    devices_max: Max,
    members_max: Max,
}

impl Command for Change {
    type Done = PlanRow;

    async fn once(&self, api: &Api) -> Result<PlanRow, Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("change_plan").await?;
        let plan = self.plan.as_str();
        let before = tx.lock_plan(plan).await?;
        let before = before.ok_or_else(Problem::unknown_plan)?;
        self.if_match.check(before.version)?;
        let title = self.title.as_ref().map_or(&*before.title, Label::as_str);
        let devices_max = self.devices_max.unwrap_or(before.devices_max);
        let members_max = self.members_max.unwrap_or(before.members_max);
        let is_same = (title, devices_max, members_max)
            == (&*before.title, before.devices_max, before.members_max);
        if is_same {
            return Ok(before);
        }
        let write = PlanWrite {
            plan,
            title,
            devices_max,
            members_max,
        };
        tx.update_plan(write).await?;
        let row = tx.plan(plan).await?.ok_or_else(Problem::unknown_plan)?;
        let entry = entry(self.actor, "plan.change", plan);
        tx.audit(entry.changed(told(&before), told(&row))).await?;
        tx.commit().await?;
        Ok(row)
    }
}
