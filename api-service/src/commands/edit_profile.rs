//! `PATCH /api/v1/auth/profile`: what the caller is called, as they write it.
//!
//! The e-mail address stays as the issuer tells it: an address that nobody checked would be taken for
//! one that somebody did.

use axum::Json;
use axum::extract::State;
use serde_json::json;
use utoipa::ToSchema;

use super::run::{Command, Failure, to_its_end};
use crate::api::Api;
use crate::domain::account::{AccountType, AvatarUrl, PersonName};
use crate::domain::account_id::AccountId;
use crate::domain::audit::{Actor, Entry};
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::fields::Fields;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::user::{ProfileChange, UserRow};
use crate::views::UserView;

/// What is to change; what is left out stays.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = EditProfile,
    example = json!({"name": "Ada Lovelace", "avatarUrl": null, "accountType": "individual"})
)]
#[expect(dead_code, reason = "describes the body that `Edit::read` reads")]
pub(crate) struct Wire {
    /// A name; `null` takes it away.
    #[schema(min_length = 1, max_length = 128, example = "Ada Lovelace")]
    name: Option<String>,
    /// The https address of a picture; `null` takes it away.
    #[schema(max_length = 1024, example = "https://example.com/ada.png")]
    avatar_url: Option<String>,
    /// `individual` or `organization`: for whom the account is used.
    #[schema(example = "individual", pattern = "^(individual|organization)$")]
    account_type: Option<String>,
}

/// Writes into the caller's own profile.
#[utoipa::path(
    patch, path = "/api/v1/auth/profile", operation_id = "editProfile",
    tag = "people", security(("bearer" = [])),
    request_body = Wire,
    responses(
        (status = 200, body = UserView, description = "As it is now"),
        Refusals,
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    Body(fields): Body,
) -> Result<Json<UserView>, Problem> {
    let edit = Edit::read(account.id(), account.id(), fields)?;
    let row = to_its_end(&api, &edit).await?;
    Ok(Json(row.into()))
}

/// A change of a profile, by its holder or an admin.
pub(super) struct Edit {
    actor: AccountId,
    account: AccountId,
    /// `Some(None)` takes it away, as below.
    name: Option<Option<PersonName>>,
    avatar_url: Option<Option<AvatarUrl>>,
    account_type: Option<AccountType>,
}

impl Edit {
    /// Reads what is to change.
    pub(super) fn read(
        actor: AccountId,
        account: AccountId,
        mut fields: Fields,
    ) -> Result<Self, Problem> {
        let edit = Self {
            actor,
            account,
            name: fields.nullable("name", PersonName::parse),
            avatar_url: fields.nullable("avatarUrl", AvatarUrl::parse),
            account_type: fields.optional("accountType", AccountType::parse),
        };
        fields.finish()?;
        Ok(edit)
    }

    /// The names of the fields that are written: the audit has no place for what names a person.
    fn written(&self) -> Vec<&'static str> {
        let fields = [
            ("name", self.name.is_some()),
            ("avatarUrl", self.avatar_url.is_some()),
            ("accountType", self.account_type.is_some()),
        ];
        let written = fields.into_iter().filter(|(_, is)| *is);
        written.map(|(name, _)| name).collect()
    }
}

impl Command for Edit {
    type Done = UserRow;

    async fn once(&self, api: &Api) -> Result<UserRow, Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("edit_profile").await?;
        let before = tx.lock_user(self.account).await?;
        let before = before.ok_or_else(Problem::unknown_account)?;
        if before.erased_at.is_some() {
            return Err(Problem::account_erased().into());
        }
        let written = self.written();
        if written.is_empty() {
            return Ok(before);
        }
        if let Some(account_type) = self.account_type {
            tx.set_account_type(self.account, account_type).await?;
        }
        let name = self.name.as_ref();
        let avatar_url = self.avatar_url.as_ref();
        let change = ProfileChange {
            name: name.map(|name| name.as_ref().map(PersonName::as_str)),
            avatar_url: avatar_url.map(|address| address.as_ref().map(AvatarUrl::as_str)),
        };
        tx.write_profile(self.account, change).await?;
        let row = tx.lock_user(self.account).await?;
        let row = row.ok_or_else(Problem::unknown_account)?;
        let id = self.account.to_string();
        let actor = Actor::Account(self.actor.uuid());
        let entry = Entry::done(actor, "account.edit", "account", &id);
        tx.audit(entry.changed(None, json!({"fields": written})))
            .await?;
        tx.commit().await?;
        Ok(row)
    }
}
