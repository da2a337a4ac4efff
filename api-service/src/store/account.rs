//! Accounts by who they are to their issuer, and what tokens say of the person.

use serde_json::{Value, json};
use time::OffsetDateTime;
use tokens::Caller;

use super::row::get;
use super::{Connection, StoreError, Tx};
use crate::domain::account_id::AccountId;

const SEEN: &str = "
-- store::account::seen
SELECT a.account_id, a.disabled,
       nullif(a.sessions_from, '-infinity') AS sessions_from,
       coalesce(p.told @> $3, $3 = '{}') AS profile_is_current
  FROM account AS a
  LEFT JOIN account_profile AS p ON p.account_id = a.account_id
 WHERE a.issuer = $1
   AND a.subject = $2";

const INSERT: &str = "
-- store::account::insert
INSERT INTO account (issuer, subject, kind)
VALUES ($1, $2, CASE WHEN $3 THEN 'service' ELSE 'person' END)
    ON CONFLICT (issuer, subject) DO NOTHING";

const IS_DISABLED: &str = "
-- store::account::is_disabled
SELECT disabled
  FROM account
 WHERE account_id = $1";

/// The account's row is held: an erasure that is under way comes first, and leaves nobody to write of.
const TELL_PROFILE: &str = "
-- store::account::tell_profile
INSERT INTO account_profile AS p (account_id, email, name, avatar_url, told)
SELECT account_id, $2::jsonb->>'email', $2->>'name', $2->>'picture', $2
  FROM account
 WHERE account_id = $1
   AND erased_at IS NULL
   FOR KEY SHARE
    ON CONFLICT (account_id) DO UPDATE
   SET email = CASE WHEN p.told @> jsonb_build_object('email', $2->'email') OR NOT $2 ? 'email'
                    THEN p.email ELSE EXCLUDED.email END,
       name = CASE WHEN p.told @> jsonb_build_object('name', $2->'name') OR NOT $2 ? 'name'
                   THEN p.name ELSE EXCLUDED.name END,
       avatar_url = CASE WHEN p.told @> jsonb_build_object('picture', $2->'picture')
                           OR NOT $2 ? 'picture'
                         THEN p.avatar_url ELSE EXCLUDED.avatar_url END,
       told = p.told || $2,
       updated_at = now()";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[SEEN, INSERT, IS_DISABLED, TELL_PROFILE];

/// An account, as far as letting its holder in needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SeenRow {
    pub(crate) account_id: AccountId,
    pub(crate) disabled: bool,
    /// Tokens issued before are refused, if there is such a moment.
    pub(crate) sessions_from: Option<OffsetDateTime>,
    /// Whether the profile knows what this token says.
    pub(crate) profile_is_current: bool,
}

impl Connection {
    /// The account of a caller, if there is one yet.
    pub(crate) async fn seen_account(
        &self,
        caller: &Caller,
    ) -> Result<Option<SeenRow>, StoreError> {
        let told = told(caller);
        let row = self
            .row(SEEN, &[&caller.issuer, &caller.subject, &told])
            .await?;
        let read = |row| {
            Ok(SeenRow {
                account_id: AccountId::from(get::<uuid::Uuid>(&row, "account_id")?),
                disabled: get(&row, "disabled")?,
                sessions_from: get(&row, "sessions_from")?,
                profile_is_current: get(&row, "profile_is_current")?,
            })
        };
        row.map(read).transpose()
    }

    /// Makes the account of a caller, unless another request was quicker.
    pub(crate) async fn insert_account(&self, caller: &Caller) -> Result<(), StoreError> {
        let (issuer, subject) = (&caller.issuer, &caller.subject);
        self.change(INSERT, &[issuer, subject, &caller.is_service])
            .await?;
        Ok(())
    }

    /// Writes into the profile what the caller's token says. A word that tokens said before already
    /// does not overwrite what the person wrote since.
    pub(crate) async fn tell_profile(
        &self,
        account: AccountId,
        caller: &Caller,
    ) -> Result<(), StoreError> {
        let (id, told) = (account.uuid(), told(caller));
        self.change(TELL_PROFILE, &[&id, &told]).await?;
        Ok(())
    }
}

impl Tx<'_> {
    /// Whether an account is kept out.
    pub(crate) async fn is_disabled(&self, account: AccountId) -> Result<bool, StoreError> {
        let row = self.row(IS_DISABLED, &[&account.uuid()]).await?;
        row.map_or(Ok(true), |row| get(&row, "disabled"))
    }
}

/// What a token says of the person, by claim; what it does not say is not in it.
fn told(caller: &Caller) -> Value {
    let person = &caller.person;
    let mut told = json!({"email": person.email, "name": person.name, "picture": person.picture});
    if let Some(claims) = told.as_object_mut() {
        claims.retain(|_, value| !value.is_null());
    }
    told
}
