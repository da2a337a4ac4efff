//! `GET /api/v1/audit/head`: the newest seal, to be written down elsewhere.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Api;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::problem::{Problem, Refusals};
use crate::views::SealView;

/// How far the audit is sealed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct AuditHeadView {
    /// The newest seal; absent while nothing was sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    seal: Option<SealView>,
    /// Entries that wait for the next seal.
    unsealed: i64,
}

/// The newest seal.
#[utoipa::path(
    get, path = "/api/v1/audit/head", operation_id = "getAuditHead",
    tag = "audit", security(("bearer" = [])),
    responses(
        (status = 200, body = AuditHeadView, description = "How far the audit is sealed"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
) -> Result<Json<AuditHeadView>, Problem> {
    account.require(Right::ReadAudit)?;
    let connection = api.store.connect().await?;
    Ok(Json(AuditHeadView {
        seal: connection.audit_head().await?.map(SealView::from),
        unsealed: connection.unsealed_audit_entries().await?,
    }))
}
