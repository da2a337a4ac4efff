//! `PUT /api/v1/users/{id}/plan` and `PUT /api/v1/organizations/{id}/plan`: who has which plan, and
//! until when.
//!
//! A smaller plan takes nothing away: what is there stays, and nothing more comes.

use axum::Json;
use axum::extract::State;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

use crate::api::Api;
use crate::commands::run::{Command, Failure, to_its_end};
use crate::domain::account_id::AccountId;
use crate::domain::audit::{Actor, Entry};
use crate::domain::holder::Holder;
use crate::domain::plan::PlanId;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::fields::Fields;
use crate::edge::organization_path::OrganizationPath;
use crate::edge::path::AccountPath;
use crate::problem::{FieldError, Problem, ProblemView, Refusals};
use crate::queries::plan_use::read_plan_use;
use crate::store::Tx;
use crate::views::plan::PlanUseView;

/// What the caller sends.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = GivePlan,
    example = json!({"plan": "free", "expiresAt": null})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct Wire {
    /// The plan.
    #[schema(min_length = 1, max_length = 32, example = "pro")]
    plan: String,
    /// After that it counts as `free`; without end if absent or `null`.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// Gives an account a plan.
#[utoipa::path(
    put, path = "/api/v1/users/{id}/plan", operation_id = "giveUserPlan",
    tag = "plans", security(("bearer" = [])),
    params(("id" = String, Path, format = "uuid", description = "The account's id")),
    request_body = Wire,
    responses(
        (status = 200, body = PlanUseView, description = "What it has now"),
        Refusals,
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "The account is erased"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn to_user(
    State(api): State<Api>,
    account: Account,
    AccountPath(id): AccountPath,
    Body(fields): Body,
) -> Result<Json<PlanUseView>, Problem> {
    give(&api, &account, Holder::Account(id), fields).await
}

/// Gives an organization a plan.
#[utoipa::path(
    put, path = "/api/v1/organizations/{id}/plan", operation_id = "giveOrganizationPlan",
    tag = "plans", security(("bearer" = [])),
    params(("id" = String, Path, format = "uuid", description = "The organization's id")),
    request_body = Wire,
    responses(
        (status = 200, body = PlanUseView, description = "What it has now"),
        Refusals,
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn to_organization(
    State(api): State<Api>,
    account: Account,
    OrganizationPath(id): OrganizationPath,
    Body(fields): Body,
) -> Result<Json<PlanUseView>, Problem> {
    give(&api, &account, Holder::Organization(id, None), fields).await
}

async fn give(
    api: &Api,
    account: &Account,
    holder: Holder,
    mut fields: Fields,
) -> Result<Json<PlanUseView>, Problem> {
    account.require(Right::ManagePlans)?;
    let plan = fields.required("plan", PlanId::parse);
    let expires_at = fields.optional("expiresAt", |text| {
        OffsetDateTime::parse(text, &Rfc3339)
            .map_err(|_| "must be a time like 2026-01-31T12:00:00Z")
    });
    fields.finish()?;
    let give = Give {
        actor: account.id(),
        holder,
        plan: plan.ok_or_else(|| Problem::internal("a missing field was not noted"))?,
        expires_at,
    };
    to_its_end(api, &give).await?;
    read_plan_use(api, holder).await.map(Json)
}

struct Give {
    actor: AccountId,
    holder: Holder,
    plan: PlanId,
    expires_at: Option<OffsetDateTime>,
}

impl Give {
    /// What the holder had before; refuses if there is none.
    async fn before(&self, tx: &Tx<'_>) -> Result<(String, Option<OffsetDateTime>), Failure> {
        match self.holder {
            Holder::Account(account) => {
                let row = tx.lock_user(account).await?;
                let row = row.ok_or_else(Problem::unknown_account)?;
                if row.erased_at.is_some() {
                    return Err(Problem::account_erased().into());
                }
                Ok((row.plan, row.plan_expires_at))
            }
            Holder::Organization(organization, _) => {
                let row = tx.lock_organization(organization).await?;
                let row = row.ok_or_else(Problem::unknown_organization)?;
                Ok((row.plan, row.plan_expires_at))
            }
        }
    }
}

impl Command for Give {
    type Done = ();

    async fn once(&self, api: &Api) -> Result<(), Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("give_plan").await?;
        let (plan, expires_at) = self.before(&tx).await?;
        let (new, until) = (self.plan.as_str(), self.expires_at);
        if (&*plan, expires_at) == (new, until) {
            return Ok(());
        }
        if tx.plan(new).await?.is_none() {
            return Err(Problem::invalid(vec![FieldError {
                field: "plan".to_owned(),
                detail: "there is no such plan".to_owned(),
            }])
            .into());
        }
        let (action, kind, id) = match self.holder {
            Holder::Account(account) => {
                tx.give_account_plan(account, new, until).await?;
                ("account.set_plan", "account", account.to_string())
            }
            Holder::Organization(organization, _) => {
                tx.give_organization_plan(organization, new, until).await?;
                (
                    "organization.set_plan",
                    "organization",
                    organization.to_string(),
                )
            }
        };
        let told = |plan: &str, until: Option<OffsetDateTime>| {
            let until = until.and_then(|at| at.format(&Rfc3339).ok());
            json!({"plan": plan, "expiresAt": until})
        };
        let actor = Actor::Account(self.actor.uuid());
        let entry = Entry::done(actor, action, kind, &id);
        tx.audit(entry.changed(told(&plan, expires_at), told(new, until)))
            .await?;
        Ok(tx.commit().await?)
    }
}
