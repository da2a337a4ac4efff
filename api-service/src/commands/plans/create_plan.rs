//! `POST /api/v1/plans`: a new plan.

use axum::extract::State;
use axum::http::{StatusCode, header};
use utoipa::ToSchema;

use super::{entry, read_limits, told};
use crate::api::Api;
use crate::commands::keyed::{Answer, Given, Keyed, once_by_key};
use crate::commands::run::Failure;
use crate::domain::account_id::AccountId;
use crate::domain::idempotency::request_hash;
use crate::domain::label::Label;
use crate::domain::plan::PlanId;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::key::{KeyHeader, MaybeKey};
use crate::edge::version::etag;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::store::Tx;
use crate::store::plan::PlanWrite;
use crate::views::plan::PlanView;

/// What the caller sends.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = CreatePlan,
    example = json!({"plan": "pro", "title": "Pro", "devicesMax": 100, "membersMax": 10})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct Wire {
    /// Its name for programs; it never changes.
    #[schema(
        min_length = 1,
        max_length = 32,
        pattern = "^[a-z0-9-]{1,32}$",
        example = "pro"
    )]
    plan: String,
    /// What people call it.
    #[schema(min_length = 1, max_length = 64, example = "Pro")]
    title: String,
    /// Most devices; any number without.
    #[schema(minimum = 0, maximum = 10_000_000, example = 100)]
    devices_max: Option<u32>,
    /// Most people in an organization; any number without.
    #[schema(minimum = 1, maximum = 1_000_000, example = 10)]
    members_max: Option<u32>,
}

/// Makes a plan.
#[utoipa::path(
    post, path = "/api/v1/plans", operation_id = "createPlan",
    tag = "plans", security(("bearer" = [])),
    params(KeyHeader),
    request_body = Wire,
    responses(
        (status = 201, body = PlanView, description = "Made; `ETag` is its version"),
        Refusals,
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "There is a plan of this name"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    key: MaybeKey,
    Body(mut fields): Body,
) -> Result<Given, Problem> {
    account.require(Right::ManagePlans)?;
    let hash = request_hash(&[b"create_plan", &fields.hash()]);
    let plan = fields.required("plan", PlanId::parse);
    let title = fields.required("title", Label::parse);
    let (devices_max, members_max) = read_limits(&mut fields);
    fields.finish()?;
    let unnoted = || Problem::internal("a missing field was not noted");
    let create = Create {
        actor: account.id(),
        plan: plan.ok_or_else(unnoted)?,
        title: title.ok_or_else(unnoted)?,
        devices_max: devices_max.flatten(),
        members_max: members_max.flatten(),
    };
    once_by_key(&api, key.claim(&account, hash), &create).await
}

struct Create {
    actor: AccountId,
    plan: PlanId,
    title: Label,
    devices_max: Option<i32>,
    members_max: Option<i32>,
}

impl Keyed for Create {
    const NAME: &'static str = "create_plan";

    async fn work(&self, _: &Api, tx: &Tx<'_>) -> Result<Answer, Failure> {
        let plan = self.plan.as_str();
        let write = PlanWrite {
            plan,
            title: self.title.as_str(),
            devices_max: self.devices_max,
            members_max: self.members_max,
        };
        if !tx.insert_plan(write).await? {
            let detail = "there is a plan of this name; change that one";
            return Err(Problem::new(Code::PlanExists, detail).into());
        }
        let row = tx.plan(plan).await?.ok_or_else(Problem::unknown_plan)?;
        let entry = entry(self.actor, "plan.create", plan);
        tx.audit(entry.changed(None, told(&row))).await?;
        let location = format!("/api/v1/plans/{}", row.plan.as_str());
        let version = etag(row.version);
        let answer = Answer::new(StatusCode::CREATED, &PlanView::from(row))?.header(version);
        Ok(answer.header((header::LOCATION, location)))
    }
}
