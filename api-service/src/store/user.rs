//! Accounts with their profiles, as their holders and admins read and change them.

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::row::{get, word};
use super::{Connection, StoreError, Tx};
use crate::domain::account::{AccountKind, AccountType};
use crate::domain::account_id::AccountId;

macro_rules! columns {
    () => {
        "a.account_id, a.issuer, a.subject, a.kind, a.account_type, a.disabled, a.plan,
       a.plan_expires_at, a.created_at, greatest(a.updated_at, p.updated_at) AS updated_at,
       a.erased_at, p.email, p.name, p.avatar_url"
    };
}

const GET: &str = concat!(
    "
-- store::user::get
SELECT ",
    columns!(),
    "
  FROM account AS a
  LEFT JOIN account_profile AS p ON p.account_id = a.account_id
 WHERE a.account_id = $1"
);

const LOCK: &str = concat!(
    "
-- store::user::lock
SELECT ",
    columns!(),
    "
  FROM account AS a
  LEFT JOIN account_profile AS p ON p.account_id = a.account_id
 WHERE a.account_id = $1
   FOR UPDATE OF a"
);

const LIST: &str = concat!(
    "
-- store::user::list
SELECT ",
    columns!(),
    "
  FROM account AS a
  LEFT JOIN account_profile AS p ON p.account_id = a.account_id
 WHERE a.account_id > $1
   AND a.erased_at IS NULL
   AND ($2::boolean IS NULL OR a.disabled = $2)
   AND ($3::text IS NULL OR a.kind = $3)
 ORDER BY a.account_id
 LIMIT $4"
);

/// Both indexes order by bytes, so the texts that begin so stand between the beginning itself and
/// the beginning with the greatest character behind it.
const SEARCH: &str = concat!(
    "
-- store::user::search
WITH found AS (
    SELECT account_id
      FROM account_profile
     WHERE lower(email) ~>=~ lower($5)
       AND lower(email) ~<~ (lower($5) || chr(1114111))
     UNION
    SELECT account_id
      FROM account_profile
     WHERE lower(name) ~>=~ lower($5)
       AND lower(name) ~<~ (lower($5) || chr(1114111)))
SELECT ",
    columns!(),
    "
  FROM found
  JOIN account AS a ON a.account_id = found.account_id
  JOIN account_profile AS p ON p.account_id = a.account_id
 WHERE a.account_id > $1
   AND ($2::boolean IS NULL OR a.disabled = $2)
   AND ($3::text IS NULL OR a.kind = $3)
 ORDER BY a.account_id
 LIMIT $4"
);

const SET_TYPE: &str = "
-- store::user::set_type
UPDATE account
   SET account_type = $2, updated_at = now()
 WHERE account_id = $1";

const SET_DISABLED: &str = "
-- store::user::set_disabled
UPDATE account
   SET disabled = $2, updated_at = now()
 WHERE account_id = $1";

/// The clock at this statement and not at the transaction's begin: it may have waited for the row.
const SIGN_OUT: &str = "
-- store::user::sign_out
UPDATE account
   SET sessions_from = greatest(sessions_from, clock_timestamp())
 WHERE account_id = $1";

const WRITE_PROFILE: &str = "
-- store::user::write_profile
INSERT INTO account_profile AS p (account_id, name, avatar_url)
VALUES ($1, $3, $5)
    ON CONFLICT (account_id) DO UPDATE
   SET name = CASE WHEN $2 THEN EXCLUDED.name ELSE p.name END,
       avatar_url = CASE WHEN $4 THEN EXCLUDED.avatar_url ELSE p.avatar_url END,
       updated_at = now()";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[
    GET,
    LOCK,
    LIST,
    SEARCH,
    SET_TYPE,
    SET_DISABLED,
    SIGN_OUT,
    WRITE_PROFILE,
];

/// An account with its profile.
#[derive(Clone)]
pub(crate) struct UserRow {
    pub(crate) account_id: AccountId,
    /// Issuer and subject; gone once erased.
    pub(crate) issuer: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) kind: AccountKind,
    pub(crate) account_type: AccountType,
    pub(crate) disabled: bool,
    pub(crate) plan: String,
    pub(crate) plan_expires_at: Option<OffsetDateTime>,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) avatar_url: Option<String>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
    pub(crate) erased_at: Option<OffsetDateTime>,
}

/// Which accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UserFilter {
    /// Disabled ones, or the others.
    pub(crate) disabled: Option<bool>,
    /// Of one kind.
    pub(crate) kind: Option<AccountKind>,
    /// With an e-mail address or a name that begins so, in any case.
    pub(crate) search: Option<String>,
}

/// What of a profile changes; nothing said leaves it, nothing in it takes it away.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ProfileChange<'a> {
    pub(crate) name: Option<Option<&'a str>>,
    pub(crate) avatar_url: Option<Option<&'a str>>,
}

impl TryFrom<&Row> for UserRow {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            account_id: AccountId::from(get::<Uuid>(row, "account_id")?),
            issuer: get(row, "issuer")?,
            subject: get(row, "subject")?,
            kind: word(row, "kind", AccountKind::from_word)?,
            account_type: word(row, "account_type", AccountType::from_word)?,
            disabled: get(row, "disabled")?,
            plan: get(row, "plan")?,
            plan_expires_at: get(row, "plan_expires_at")?,
            email: get(row, "email")?,
            name: get(row, "name")?,
            avatar_url: get(row, "avatar_url")?,
            created_at: get(row, "created_at")?,
            updated_at: get(row, "updated_at")?,
            erased_at: get(row, "erased_at")?,
        })
    }
}

impl Connection {
    /// An account.
    pub(crate) async fn user(&self, account: AccountId) -> Result<Option<UserRow>, StoreError> {
        let row = self.row(GET, &[&account.uuid()]).await?;
        row.as_ref().map(UserRow::try_from).transpose()
    }

    /// Accounts in the order of their ids, after one; erased ones are left out.
    pub(crate) async fn users(
        &self,
        filter: &UserFilter,
        after: Option<AccountId>,
        limit: i64,
    ) -> Result<Vec<UserRow>, StoreError> {
        let after = after.map_or(Uuid::nil(), AccountId::uuid);
        let kind = filter.kind.map(AccountKind::as_str);
        let disabled = filter.disabled;
        let rows = match &filter.search {
            None => {
                let params: super::connection::Params<'_> = &[&after, &disabled, &kind, &limit];
                self.rows(LIST, params).await?
            }
            Some(search) => {
                let params: super::connection::Params<'_> =
                    &[&after, &disabled, &kind, &limit, search];
                self.rows(SEARCH, params).await?
            }
        };
        rows.iter().map(UserRow::try_from).collect()
    }
}

impl Tx<'_> {
    /// An account, locked until the end.
    pub(crate) async fn lock_user(
        &self,
        account: AccountId,
    ) -> Result<Option<UserRow>, StoreError> {
        let row = self.row(LOCK, &[&account.uuid()]).await?;
        row.as_ref().map(UserRow::try_from).transpose()
    }

    /// Says for whom an account is used.
    pub(crate) async fn set_account_type(
        &self,
        account: AccountId,
        account_type: AccountType,
    ) -> Result<(), StoreError> {
        let params: super::connection::Params<'_> = &[&account.uuid(), &account_type.as_str()];
        self.change_one("set_account_type", SET_TYPE, params).await
    }

    /// Disables an account, or lets it in again.
    pub(crate) async fn set_account_disabled(
        &self,
        account: AccountId,
        disabled: bool,
    ) -> Result<(), StoreError> {
        let params: super::connection::Params<'_> = &[&account.uuid(), &disabled];
        self.change_one("set_account_disabled", SET_DISABLED, params)
            .await
    }

    /// Refuses the account's tokens that were issued before now.
    pub(crate) async fn sign_out(&self, account: AccountId) -> Result<(), StoreError> {
        self.change_one("sign_out", SIGN_OUT, &[&account.uuid()])
            .await
    }

    /// Writes into an account's profile.
    pub(crate) async fn write_profile(
        &self,
        account: AccountId,
        change: ProfileChange<'_>,
    ) -> Result<(), StoreError> {
        let params: super::connection::Params<'_> = &[
            &account.uuid(),
            &change.name.is_some(),
            &change.name.flatten(),
            &change.avatar_url.is_some(),
            &change.avatar_url.flatten(),
        ];
        self.change_one("write_profile", WRITE_PROFILE, params)
            .await
    }
}
