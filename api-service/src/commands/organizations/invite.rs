//! `POST /api/v1/organizations/{id}/invitations`: a token that lets its first holder in.
//!
//! The token has 256 random bits, is told once, here, and is stored as its SHA-256.

use axum::extract::State;
use axum::http::StatusCode;
use schema::OrganizationRole;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{ORGANIZATION, entry, unnoted};
use crate::api::Api;
use crate::commands::keyed::{Answer, Given, Keyed, once_by_key};
use crate::commands::plan_limit::{Takes, enforce};
use crate::commands::run::Failure;
use crate::domain::access::Level;
use crate::domain::email::Email;
use crate::domain::group_id::GroupId;
use crate::domain::idempotency::request_hash;
use crate::domain::invitation_token::InvitationToken;
use crate::domain::organization_id::OrganizationId;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::key::{KeyHeader, MaybeKey};
use crate::edge::organization_path::OrganizationPath;
use crate::edge::require::{require_group, require_organization};
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::store::Tx;
use crate::store::access::Asker;
use crate::store::invitation::NewInvitation;
use crate::views::organization::InvitationView;

/// Most open invitations of one organization.
const OPEN_MAX: i64 = 200;

/// How long an invitation holds, in hours: at least one, at most thirty days, a week if not told.
const HOURS: std::ops::RangeInclusive<u32> = 1..=720;
const HOURS_DEFAULT: u32 = 168;

/// Whom to let in, as what.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = Invite,
    example = json!({"role": "member", "email": "ann@example.com", "expiresInHours": 72})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct Wire {
    /// `owner` (not of a group), `admin`, `member` or `viewer`.
    #[schema(example = "member", pattern = "^(owner|admin|member|viewer)$")]
    role: String,
    /// Into which group; into the organization itself if left out.
    #[schema(format = "uuid")]
    group_id: Option<String>,
    /// A note for whom it is meant. Nobody is matched by it, and nothing is sent.
    #[schema(min_length = 3, max_length = 254, example = "ann@example.com")]
    email: Option<String>,
    /// How many hours it holds; 168 if left out.
    #[schema(minimum = 1, maximum = 720)]
    expires_in_hours: Option<u32>,
}

/// An invitation with its token.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InvitedView {
    /// The invitation.
    #[serde(flatten)]
    invitation: InvitationView,
    /// Whoever sends it to `POST /api/v1/invitations/accept` first is in. It is never shown again:
    /// absent when the answer is given again.
    #[schema(min_length = 43, max_length = 43)]
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// Invites into an organization or a group. Needs the right `manage` there, and `own` to make an owner.
#[utoipa::path(
    post, path = "/api/v1/organizations/{id}/invitations", operation_id = "invite",
    tag = "invitations", security(("bearer" = [])),
    params(("id" = String, Path, format = "uuid", description = "The organization's id"), KeyHeader),
    request_body = Wire,
    responses(
        (status = 201, body = InvitedView, description = "The token is told this once"),
        Refusals,
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "200 invitations are open, or the plan has no place left"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    OrganizationPath(organization): OrganizationPath,
    key: MaybeKey,
    Body(mut fields): Body,
) -> Result<Given, Problem> {
    let place = organization.to_string();
    let hash = request_hash(&[b"invite", place.as_bytes(), &fields.hash()]);
    let role = fields.required("role", str::parse::<OrganizationRole>);
    let group = fields.optional("groupId", str::parse::<GroupId>);
    let email = fields.optional("email", Email::parse);
    let hours = fields.number("expiresInHours", HOURS);
    if group.is_some() && role == Some(OrganizationRole::Owner) {
        fields.refuse("role", "a group has no owner; its organization has");
    }
    fields.finish()?;
    let token = InvitationToken::from_random(rand::random());
    let invite = Invite {
        organization,
        group,
        role: role.ok_or_else(unnoted)?,
        email,
        hours: hours.unwrap_or(HOURS_DEFAULT),
        token: &token,
        asker: account.asker(),
    };
    once_by_key(&api, key.claim(&account, hash), &invite).await
}

struct Invite<'a> {
    organization: OrganizationId,
    group: Option<GroupId>,
    role: OrganizationRole,
    email: Option<Email>,
    hours: u32,
    token: &'a InvitationToken,
    asker: Asker,
}

impl Invite<'_> {
    async fn require(&self, tx: &Tx<'_>) -> Result<(), Problem> {
        let Some(group) = self.group else {
            let level = match self.role {
                OrganizationRole::Owner => Level::Own,
                _ => Level::Manage,
            };
            require_organization(tx, self.asker, self.organization, level).await?;
            return Ok(());
        };
        let (place, _) = require_group(tx, self.asker, group, Level::Manage).await?;
        if place.organization == Some(self.organization) {
            Ok(())
        } else {
            Err(Problem::unknown_group())
        }
    }
}

impl Keyed for Invite<'_> {
    const NAME: &'static str = "invite";

    async fn work(&self, _: &Api, tx: &Tx<'_>) -> Result<Answer, Failure> {
        self.require(tx).await?;
        let held = tx.lock_organization(self.organization).await?;
        held.ok_or_else(Problem::unknown_organization)?;
        self.require(tx).await?;
        if tx.count_open_invitations(self.organization).await? >= OPEN_MAX {
            let detail = format!("an organization has at most {OPEN_MAX} open invitations");
            return Err(Problem::new(Code::TooManyInvitations, detail).into());
        }
        enforce(tx, Takes::Invitation(self.organization)).await?;
        let new = NewInvitation {
            organization: self.organization,
            group: self.group,
            role: self.role,
            email: self.email.as_ref().map(Email::as_str),
            token_hash: &self.token.hash(),
            invited_by: self.asker.account,
            hours: self.hours,
        };
        let row = tx.insert_invitation(new).await?;
        let id = self.organization.to_string();
        let made = json!({
            "invitationId": row.invitation_id.to_string(),
            "groupId": self.group.map(|id| id.to_string()),
            "role": self.role.to_string(),
        });
        let entry = entry(self.asker, "invitation.create", ORGANIZATION, &id);
        tx.audit(entry.changed(None::<Value>, made)).await?;
        let view = InvitedView {
            invitation: row.into(),
            token: Some(self.token.reveal()),
        };
        Ok(Answer::new(StatusCode::CREATED, &view)?.telling_once(&["token", "email"]))
    }
}
