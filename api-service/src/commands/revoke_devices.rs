//! `POST /api/v1/revocations`: many devices are out for good, chosen by what they have in common.
//!
//! The call stores what is to be done and answers; `bulk` carries it out in chunks. A dry run stores
//! nothing and says what a call would do now. There is no way back from a revocation, so the answer
//! of a dry run is worth a look.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schema::DeviceId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use self::request::{Request, Wire};
use super::keyed::{Answer, Keyed, once_by_key};
use super::run::Failure;
use crate::api::Api;
use crate::domain::account_id::AccountId;
use crate::domain::audit::{Actor, Entry};
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::LongBody;
use crate::edge::key::{KeyHeader, MaybeKey};
use crate::problem::{Problem, ProblemView, Refusals};
use crate::queries::revocation::RevocationView;
use crate::store::Tx;
use crate::store::bulk::NewBulk;
use crate::store::progress::PhaseCounts;

mod request;

/// Most ids of a sample.
const SAMPLE_MAX: i64 = 20;

/// What a call would do now.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WouldRevoke {
    /// `true`: nothing was changed.
    dry_run: bool,
    /// So many devices would be revoked.
    selected: i64,
    /// The first of them in the order of their ids, at most 20.
    sample: Vec<String>,
    /// So many of the given ids are no devices.
    unknown: i64,
    /// The first of those, at most 20.
    unknown_sample: Vec<String>,
}

/// Revokes many devices for good.
#[utoipa::path(
    post, path = "/api/v1/revocations", operation_id = "revokeDevices",
    tag = "devices", security(("bearer" = [])),
    params(KeyHeader),
    request_body = Wire,
    responses(
        (status = 200, body = WouldRevoke, description = "With `dryRun`: nothing was changed"),
        (status = 202, body = RevocationView,
            description = "Begun: `GET /api/v1/revocations/{revocation}` tells how far it is"),
        Refusals,
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "A request with this key is being answered"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    key: MaybeKey,
    LongBody(fields): LongBody,
) -> Result<Response, Problem> {
    account.require(Right::Revoke)?;
    let request = Request::read(fields)?;
    if request.dry_run {
        return Ok(Json(dry_run(&api, &request).await?).into_response());
    }
    let (selected, unknown) = chosen(&api, &request).await?;
    let claim = key.claim(&account, request.hash());
    let command = RevokeDevices {
        actor: account.actor(),
        account: account.id(),
        request: &request,
        selected,
        unknown,
    };
    let given = once_by_key(&api, claim, &command).await?;
    api.bulk_wake.notify_one();
    Ok(given.into_response())
}

/// How many are chosen and how many ids are none. Outside the transaction: it only tells the caller, each
/// chunk looks for itself.
async fn chosen(api: &Api, request: &Request) -> Result<(i64, i64), Problem> {
    let connection = api.store.connect().await?;
    let (unknown, _) = connection.unknown_ids(&request.selector, 1).await?;
    Ok((connection.count_selected(&request.selector).await?, unknown))
}

async fn dry_run(api: &Api, request: &Request) -> Result<WouldRevoke, Problem> {
    let connection = api.store.connect().await?;
    let selector = &request.selector;
    let (unknown, unknown_sample) = connection.unknown_ids(selector, SAMPLE_MAX).await?;
    let sample = connection.first_selected(selector, SAMPLE_MAX).await?;
    Ok(WouldRevoke {
        dry_run: true,
        selected: connection.count_selected(selector).await?,
        sample: sample.iter().map(DeviceId::to_string).collect(),
        unknown,
        unknown_sample,
    })
}

struct RevokeDevices<'a> {
    actor: Actor,
    account: AccountId,
    request: &'a Request,
    selected: i64,
    unknown: i64,
}

impl Keyed for RevokeDevices<'_> {
    const NAME: &'static str = "revoke_devices";

    async fn work(&self, _: &Api, tx: &Tx<'_>) -> Result<Answer, Failure> {
        let new = NewBulk {
            account: &self.account.to_string(),
            selector: &self.request.selector,
            reason: self.request.reason,
            selected: self.selected,
            unknown: self.unknown,
        };
        let row = tx.insert_bulk(&new).await?;
        let id = row.id.to_string();
        let entry = Entry::done(self.actor, "revocation.begin", "revocation", &id);
        let reason = self.request.reason.as_str();
        let after = json!({"selected": self.selected, "reason": reason});
        tx.audit(entry.changed(None, after)).await?;
        let view = RevocationView::new(row, PhaseCounts::default(), Vec::new());
        Ok(Answer::new(StatusCode::ACCEPTED, &view)?)
    }
}
