//! `POST /api/v1/devices/bind`: somebody who holds a device's label claims it.
//!
//! The label must prove what its form can prove; the device then waits, `pending`, until it confirms
//! or the claim's time is over. Of two who scan one label, the one whose transaction gets the device's
//! row first has the claim; the other is told so, and the same claimant asking twice gets the same
//! claim. A label that does not fit, and a device that does not exist, are answered alike.

use axum::extract::State;

use self::request::{BindQrWire, BindWire, Request};
use self::run::Bind;
use super::keyed::{Given, once_by_key};
use crate::api::Api;
use crate::domain::idempotency::request_hash;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::fields::Fields;
use crate::edge::key::{KeyHeader, MaybeKey};
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::views::BindingView;

mod request;
mod run;

/// Claims a device.
#[utoipa::path(
    post, path = "/api/v1/devices/bind", operation_id = "bindDevice",
    tag = "binding", security(("bearer" = [])),
    params(KeyHeader),
    request_body = BindWire,
    responses(
        (status = 200, body = BindingView,
            description = "It is the claimant's: the owner had offered it"),
        (status = 202, body = BindingView,
            description = "Claimed; it is theirs once the device confirms. Repeating it is harmless"),
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        Refusals,
        (status = 403, body = ProblemView, content_type = "application/problem+json",
            description = "No right to put devices into that organization or group"),
        (status = 404, body = ProblemView, content_type = "application/problem+json",
            description = "No device has this label, or no such organization or group"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "It has an owner or a claimant, is suspended or revoked, its secret was used, \
                or the plan has no place left"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
        (status = 429, body = ProblemView, content_type = "application/problem+json",
            description = "Too many labels that fitted no device"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    key: MaybeKey,
    Body(fields): Body,
) -> Result<Given, Problem> {
    bind(&api, &account, key, fields).await
}

/// Claims a device: the path and body of the earlier product.
#[utoipa::path(
    post, path = "/api/v1/devices/bind-qr", operation_id = "bindDeviceByQr",
    tag = "binding", security(("bearer" = [])),
    params(KeyHeader),
    request_body = BindQrWire,
    responses(
        (status = 200, body = BindingView,
            description = "It is the claimant's: the owner had offered it"),
        (status = 202, body = BindingView,
            description = "Claimed; it is theirs once the device confirms. Repeating it is harmless"),
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
        (status = 429, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn qr_handler(
    State(api): State<Api>,
    account: Account,
    key: MaybeKey,
    Body(mut fields): Body,
) -> Result<Given, Problem> {
    fields.rename("qrData", "qr");
    bind(&api, &account, key, fields).await
}

async fn bind(
    api: &Api,
    account: &Account,
    key: MaybeKey,
    fields: Fields,
) -> Result<Given, Problem> {
    api.guesses.admit(Some(account.id())).await?;
    let hash = request_hash(&[b"bind_device", &fields.hash()]);
    let request = Request::read(fields)?;
    let run = Bind {
        request: &request,
        asker: account.asker(),
    };
    let given = once_by_key(api, key.claim(account, hash), &run).await;
    if let Err(problem) = &given
        && problem.code() == Code::LabelNotFound
    {
        api.guesses.wrong(Some(account.id())).await;
    }
    given
}
