//! `GET /api/v1/auth/plan`, `/users/{id}/plan` and `/organizations/{id}/plan`: a plan and what is used
//! of it. Everybody sees their own, and that of an organization that they see.

use axum::Json;
use axum::extract::State;

use crate::api::Api;
use crate::domain::access::Level;
use crate::domain::holder::Holder;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::organization_path::OrganizationPath;
use crate::edge::path::AccountPath;
use crate::edge::require::require_organization;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::reader::Reader;
use crate::views::plan::PlanUseView;

/// The caller's own plan.
#[utoipa::path(
    get, path = "/api/v1/auth/plan", operation_id = "getOwnPlan",
    tag = "plans", security(("bearer" = [])),
    responses(
        (status = 200, body = PlanUseView, description = "The plan and what is used of it"),
        Refusals,
    )
)]
pub(crate) async fn own(
    State(api): State<Api>,
    account: Account,
) -> Result<Json<PlanUseView>, Problem> {
    let holder = Holder::Account(account.id());
    read_plan_use(&api, holder).await.map(Json)
}

/// An account's plan, for admins.
#[utoipa::path(
    get, path = "/api/v1/users/{id}/plan", operation_id = "getUserPlan",
    tag = "plans", security(("bearer" = [])),
    params(("id" = String, Path, format = "uuid", description = "The account's id")),
    responses(
        (status = 200, body = PlanUseView, description = "The plan and what is used of it"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn of_user(
    State(api): State<Api>,
    account: Account,
    AccountPath(id): AccountPath,
) -> Result<Json<PlanUseView>, Problem> {
    account.require(Right::ManagePlans)?;
    read_plan_use(&api, Holder::Account(id)).await.map(Json)
}

/// An organization's plan. Needs the right `see` on it.
#[utoipa::path(
    get, path = "/api/v1/organizations/{id}/plan", operation_id = "getOrganizationPlan",
    tag = "plans", security(("bearer" = [])),
    params(("id" = String, Path, format = "uuid", description = "The organization's id")),
    responses(
        (status = 200, body = PlanUseView, description = "The plan and what is used of it"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn of_organization(
    State(api): State<Api>,
    account: Account,
    OrganizationPath(id): OrganizationPath,
) -> Result<Json<PlanUseView>, Problem> {
    let connection = api.store.connect().await?;
    require_organization(&connection, account.asker(), id, Level::See).await?;
    drop(connection);
    let holder = Holder::Organization(id, None);
    read_plan_use(&api, holder).await.map(Json)
}

/// Reads a plan and what is used of it.
pub(crate) async fn read_plan_use(api: &Api, holder: Holder) -> Result<PlanUseView, Problem> {
    let connection = api.store.connect().await?;
    let reader = Reader::from(&connection);
    let allowed = reader.allowed(holder).await?;
    let allowed = allowed.ok_or_else(|| match holder {
        Holder::Account(_) => Problem::unknown_account(),
        Holder::Organization(..) => Problem::unknown_organization(),
    })?;
    let devices = reader.devices_used(holder).await?;
    let members = match holder.organization() {
        Some(organization) => Some(reader.members_used(organization).await?),
        None => None,
    };
    Ok(PlanUseView::new(allowed, devices, members))
}
