//! `POST /api/v1/invitations/accept`: whoever holds an invitation's token comes in with it, once.
//!
//! A higher role that they have already stays.

use axum::extract::State;
use axum::http::StatusCode;
use schema::{GroupRole, OrganizationRole};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::revoke_invitation::unknown;
use super::{ORGANIZATION, entry, unnoted};
use crate::api::Api;
use crate::commands::keyed::{Answer, Given, Keyed, once_by_key};
use crate::commands::plan_limit::{Takes, enforce};
use crate::commands::run::Failure;
use crate::domain::idempotency::request_hash;
use crate::domain::invitation_token::InvitationToken;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::key::{KeyHeader, MaybeKey};
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::Tx;
use crate::store::access::Asker;
use crate::store::invitation::InvitationRow;

/// The token.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = AcceptInvitation,
    example = json!({"token": "q0y8rVbW4m2Xc1Zs9tKdLpN6uGhJfE3A7oRiTxYzUvM"})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct Wire {
    /// The token, as the inviter was told it.
    #[schema(min_length = 43, max_length = 43, pattern = "^[A-Za-z0-9_-]{43}$")]
    token: String,
}

/// Where the caller is in now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AcceptedView {
    /// In which organization.
    #[schema(format = "uuid")]
    organization_id: String,
    /// In which group of it; `null`: in the organization itself.
    #[schema(format = "uuid")]
    group_id: Option<String>,
    /// As what; more than was offered if they were more before.
    #[schema(example = "member")]
    role: String,
}

/// Accepts an invitation with its token.
#[utoipa::path(
    post, path = "/api/v1/invitations/accept", operation_id = "acceptInvitation",
    tag = "invitations", security(("bearer" = [])),
    params(KeyHeader),
    request_body = Wire,
    responses(
        (status = 200, body = AcceptedView, description = "The caller is in"),
        Refusals,
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json",
            description = "The token opens nothing: wrong, used, revoked or over"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "The organization's plan has no place left"),
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
    let hash = request_hash(&[b"accept_invitation", &fields.hash()]);
    let token = fields.required("token", InvitationToken::parse);
    fields.finish()?;
    let accept = Accept {
        token_hash: token.ok_or_else(unnoted)?.hash(),
        asker: account.asker(),
    };
    once_by_key(&api, key.claim(&account, hash), &accept).await
}

struct Accept {
    token_hash: [u8; 32],
    asker: Asker,
}

impl Accept {
    /// Gives the offered role unless a higher one is there; tells which it is then.
    async fn come_in(&self, tx: &Tx<'_>, open: &InvitationRow) -> Result<String, Failure> {
        let account = self.asker.account;
        let of = open.organization_id;
        enforce(tx, Takes::Member(of, account)).await?;
        let Some(group) = open.group_id else {
            let before = tx.reader().organization_role(of, account).await?;
            let role = before.map_or(open.role, |before| before.max(open.role));
            if before != Some(role) {
                tx.put_in_organization(of, account, role).await?;
            }
            return Ok(role.to_string());
        };
        let offered = match open.role {
            OrganizationRole::Viewer => GroupRole::Viewer,
            OrganizationRole::Member => GroupRole::Member,
            // The table allows no owner of a group.
            OrganizationRole::Admin | OrganizationRole::Owner => GroupRole::Admin,
        };
        let before = tx.reader().group_role(group, account).await?;
        let role = before.map_or(offered, |before| before.max(offered));
        if before != Some(role) {
            tx.put_in_group(group, account, role).await?;
        }
        Ok(role.to_string())
    }
}

impl Keyed for Accept {
    const NAME: &'static str = "accept_invitation";

    async fn work(&self, _: &Api, tx: &Tx<'_>) -> Result<Answer, Failure> {
        let open = tx.reader().invitation_of_token(&self.token_hash).await?;
        let open = open.ok_or_else(unknown)?;
        let held = tx.lock_organization(open.organization_id).await?;
        held.ok_or_else(unknown)?;
        if !tx
            .end_invitation(open.invitation_id, Some(self.asker.account))
            .await?
        {
            return Err(unknown().into());
        }
        // Erased since the token was looked at: nobody comes in as them.
        if !tx.has_account(self.asker.account).await? {
            return Err(Problem::account_erased().into());
        }
        let role = self.come_in(tx, &open).await?;
        let id = open.organization_id.to_string();
        let group = open.group_id.map(|id| id.to_string());
        let now = json!({
            "invitationId": open.invitation_id.to_string(),
            "groupId": group,
            "role": role,
        });
        let entry = entry(self.asker, "invitation.accept", ORGANIZATION, &id);
        tx.audit(entry.changed(None::<Value>, now)).await?;
        let accepted = AcceptedView {
            organization_id: id,
            group_id: group,
            role,
        };
        Ok(Answer::new(StatusCode::OK, &accepted)?)
    }
}
