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
use super::run::{Command, Failure, to_its_end};
use crate::api::Api;
use crate::domain::audit::{Actor, Entry};
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::LongBody;
use crate::edge::key::{MaybeKey, REPLAYED, key_reused};
use crate::problem::{Problem, ProblemView, Refusals};
use crate::queries::revocation::RevocationView;
use crate::store::bulk::NewBulk;
use crate::store::idempotency::{Claim, Seen};
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
    params(("Idempotency-Key" = Option<String>, Header,
        description = "1 to 128 visible ASCII characters; the same key with the same request gets the same answer for 24 hours")),
    request_body = Wire,
    responses(
        (status = 200, body = WouldRevoke, description = "With `dryRun`: nothing was changed"),
        (status = 202, body = RevocationView,
            description = "Begun: `GET /api/v1/revocations/{revocation}` tells how far it is"),
        Refusals,
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    MaybeKey(key): MaybeKey,
    LongBody(fields): LongBody,
) -> Result<Response, Problem> {
    account.require(Right::Revoke)?;
    let request = Request::read(fields)?;
    if request.dry_run {
        return Ok(Json(dry_run(&api, &request).await?).into_response());
    }
    let id = account.id().to_string();
    let command = RevokeDevices {
        actor: account.actor(),
        account: &id,
        claim: key.as_ref().map(|key| (key, request.hash())),
        request: &request,
    };
    let (body, replayed) = to_its_end(&api, &command).await?;
    api.bulk_wake.notify_one();
    let accepted = StatusCode::ACCEPTED;
    Ok(if replayed {
        (accepted, [(REPLAYED, "true")], Json(body)).into_response()
    } else {
        (accepted, Json(body)).into_response()
    })
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
    account: &'a str,
    claim: Option<(&'a IdempotencyKey, [u8; 32])>,
    request: &'a Request,
}

impl Command for RevokeDevices<'_> {
    /// The answer's body, and whether it was given before.
    type Done = (serde_json::Value, bool);

    async fn once(&self, api: &Api) -> Result<Self::Done, Failure> {
        let mut connection = api.store.connect().await?;
        let selector = &self.request.selector;
        // Outside the transaction: they only tell the caller, each chunk looks for itself.
        let (unknown, _) = connection.unknown_ids(selector, 1).await?;
        let selected = connection.count_selected(selector).await?;
        let tx = connection.begin("revoke_devices").await?;
        let claim = self.claim.as_ref().map(|(key, hash)| Claim {
            account: self.account,
            key,
            request_hash: hash,
        });
        if let Some(claim) = claim {
            match tx.claim(claim).await? {
                Seen::New => {}
                Seen::Answered(body) => return Ok((body, true)),
                Seen::Other => return Err(key_reused().into()),
            }
        }
        let new = NewBulk {
            account: self.account,
            selector,
            reason: self.request.reason,
            selected,
            unknown,
        };
        let row = tx.insert_bulk(&new).await?;
        let id = row.id.to_string();
        let entry = Entry::done(self.actor, "revocation.begin", "revocation", &id);
        let reason = self.request.reason.as_str();
        let after = json!({"selected": selected, "reason": reason});
        tx.audit(entry.changed(None, after)).await?;
        let view = RevocationView::new(row, PhaseCounts::default(), Vec::new());
        let body = serde_json::to_value(&view).map_err(Problem::internal)?;
        if let Some(claim) = claim {
            tx.keep_answer(claim, StatusCode::ACCEPTED.as_u16(), &body)
                .await?;
        }
        tx.commit().await?;
        Ok((body, false))
    }
}
