//! `GET /api/v1/plans` and `/plans/{plan}`: which plans there are, for admins.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::domain::plan::PlanId;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::list::{Page, PageParameters, Place};
use crate::edge::path::PlanPath;
use crate::edge::version::etag;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::views::plan::PlanView;

/// One page of plans.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlansView {
    /// The plans of this page.
    plans: Vec<PlanView>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Plans in the order of their names.
#[utoipa::path(
    get, path = "/api/v1/plans", operation_id = "listPlans",
    tag = "plans", security(("bearer" = [])),
    params(PageParameters),
    responses(
        (status = 200, body = PlansView, description = "One page"),
        Refusals,
    )
)]
pub(crate) async fn list(
    State(api): State<Api>,
    account: Account,
    page: Page<PlanId>,
) -> Result<Json<PlansView>, Problem> {
    account.require(Right::ManagePlans)?;
    let connection = api.store.connect().await?;
    let after = page.after.as_ref().map(PlanId::as_str);
    let rows = connection.plans(after, page.rows_to_read()).await?;
    let (rows, next_cursor) = page.cut(rows, |last| last.plan.clone());
    Ok(Json(PlansView {
        plans: rows.into_iter().map(PlanView::from).collect(),
        next_cursor,
    }))
}

/// A plan.
#[utoipa::path(
    get, path = "/api/v1/plans/{plan}", operation_id = "getPlan",
    tag = "plans", security(("bearer" = [])),
    params(("plan" = String, Path, description = "The plan's name")),
    responses(
        (status = 200, body = PlanView, description = "The plan; `ETag` is its version"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn one(
    State(api): State<Api>,
    account: Account,
    PlanPath(plan): PlanPath,
) -> Result<Response, Problem> {
    account.require(Right::ManagePlans)?;
    let row = api.store.connect().await?.plan(plan.as_str()).await?;
    let row = row.ok_or_else(Problem::unknown_plan)?;
    Ok(([etag(row.version)], Json(PlanView::from(row))).into_response())
}

impl Place for PlanId {
    fn to_bytes(&self) -> Vec<u8> {
        self.as_str().into()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::parse(std::str::from_utf8(bytes).ok()?).ok()
    }
}
