//! `GET /api/v1/auth/me`: who the caller is to this service, from the token alone.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::account_id::AccountId;
use crate::edge::account::Account;
use crate::problem::{Problem, ProblemView};

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MeView {
    /// The account: made when its holder was first seen, the same ever after.
    #[schema(value_type = String, format = "uuid")]
    account_id: AccountId,
    /// Whether a program calls for itself rather than a person.
    service: bool,
    /// The issuer of the token.
    issuer: String,
    /// The issuer's name for the caller.
    subject: String,
    /// The client that got the token, if the token tells.
    client: Option<String>,
    /// The name in the token.
    name: Option<String>,
    /// The e-mail address in the token. Nobody is recognised by it.
    email: Option<String>,
    /// The address of a picture, in the token.
    avatar_url: Option<String>,
    /// The platform's roles; `admin` and `manufacturer` mean something here.
    roles: Vec<String>,
    /// Group paths of the issuer: names that grant nothing.
    groups: Vec<String>,
    /// Organizations of the issuer: names that grant nothing.
    organizations: Vec<String>,
    /// When the token ends, in seconds since 1970.
    expires_at: u64,
}

/// Who the caller is.
#[utoipa::path(
    get, path = "/api/v1/auth/me", operation_id = "getMe",
    tag = "people", security(("bearer" = [])),
    responses(
        (status = 200, body = MeView, description = "The caller, as the token says"),
        (status = 401, body = ProblemView, content_type = "application/problem+json"),
        (status = 403, body = ProblemView, content_type = "application/problem+json",
            description = "The account is disabled"),
        (status = 503, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(account: Account) -> Result<Json<MeView>, Problem> {
    let caller = account.caller().clone();
    Ok(Json(MeView {
        account_id: account.id(),
        service: caller.is_service,
        issuer: caller.issuer,
        subject: caller.subject,
        client: caller.client,
        name: caller.person.name,
        email: caller.person.email,
        avatar_url: caller.person.picture,
        roles: caller.roles.into_iter().collect(),
        groups: caller.groups.into_iter().collect(),
        organizations: caller.organizations.into_iter().collect(),
        expires_at: caller.expires_at_s,
    }))
}
