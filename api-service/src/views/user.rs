//! An account as its holder and admins see it.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::domain::account::{AccountKind, AccountType};
use crate::domain::account_id::AccountId;
use crate::store::user::UserRow;

/// Who holds an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum AccountKindView {
    /// Somebody who signs in.
    Person,
    /// A program with credentials of its own.
    Service,
}

/// For whom an account is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum AccountTypeView {
    /// For oneself.
    Individual,
    /// For an organization.
    Organization,
}

/// An account with its profile.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserView {
    /// Its id, the same for as long as it lives.
    #[schema(value_type = String, format = "uuid")]
    account_id: AccountId,
    /// Who holds it.
    kind: AccountKindView,
    /// For whom it is used.
    account_type: AccountTypeView,
    /// Whether it is kept out.
    disabled: bool,
    /// The issuer whose subject it is; absent once erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    /// The issuer's name for it; absent once erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// The e-mail address that its issuer told last. Nobody is recognised by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// What its holder is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The address of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<String>,
    /// Its plan.
    #[schema(example = "free")]
    plan: String,
    /// After that it counts as `free`.
    #[serde(
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    plan_expires_at: Option<OffsetDateTime>,
    /// When its holder was first seen.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    created_at: OffsetDateTime,
    /// When any of this last changed.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    updated_at: OffsetDateTime,
    /// When it was erased, if it was.
    #[serde(
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    erased_at: Option<OffsetDateTime>,
}

impl From<UserRow> for UserView {
    fn from(row: UserRow) -> Self {
        Self {
            account_id: row.account_id,
            kind: match row.kind {
                AccountKind::Person => AccountKindView::Person,
                AccountKind::Service => AccountKindView::Service,
            },
            account_type: match row.account_type {
                AccountType::Individual => AccountTypeView::Individual,
                AccountType::Organization => AccountTypeView::Organization,
            },
            disabled: row.disabled,
            issuer: row.issuer,
            subject: row.subject,
            email: row.email,
            name: row.name,
            avatar_url: row.avatar_url,
            plan: row.plan,
            plan_expires_at: row.plan_expires_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            erased_at: row.erased_at,
        }
    }
}
