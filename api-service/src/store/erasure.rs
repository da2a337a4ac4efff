//! Erasing somebody: everything that names them goes, and what is only numbered stays.
//!
//! Of the audit the entries stay, under an account's id that leads to nobody; the chain covers hashes of
//! what is taken away. Of the ledger everything stays.

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::row::get;
use super::{Connection, StoreError, Tx};
use crate::domain::account_id::AccountId;
use crate::domain::erasure::{InTheWay, identity_hash};
use crate::domain::organization_id::OrganizationId;

/// Where somebody is, by themselves or by a group.
const PLACES: &str = "
-- store::erasure::places
SELECT organization_id
  FROM organization_member
 WHERE account_id = $1
 UNION
SELECT own.organization_id
  FROM group_member AS member
  JOIN device_group AS own ON own.group_id = member.group_id
 WHERE member.account_id = $1
 ORDER BY organization_id";

const LAST_OWNER_OF: &str = "
-- store::erasure::last_owner_of
SELECT mine.organization_id
  FROM organization_member AS mine
 WHERE mine.account_id = $1
   AND mine.role = 'owner'
   AND NOT EXISTS (SELECT
                     FROM organization_member AS other
                    WHERE other.organization_id = mine.organization_id
                      AND other.role = 'owner'
                      AND other.account_id <> $1)
 ORDER BY mine.organization_id";

const OWNED: &str = "
-- store::erasure::owned
SELECT (SELECT count(*)
          FROM device
         WHERE owner_account_id = $1) AS devices,
       (SELECT count(*)
          FROM binding
         WHERE claimant_id = $1
           AND state = 'pending') AS claims";

const LEAVE_ORGANIZATIONS: &str = "
-- store::erasure::leave_organizations
DELETE FROM organization_member
 WHERE account_id = $1";

const LEAVE_GROUPS: &str = "
-- store::erasure::leave_groups
DELETE FROM group_member
 WHERE account_id = $1";

const END_INVITATIONS: &str = "
-- store::erasure::end_invitations
UPDATE invitation
   SET ended_at = now(), email = NULL
 WHERE invited_by = $1
   AND ended_at IS NULL";

/// An ended invitation has no address any more.
const FORGET_ADDRESS: &str = "
-- store::erasure::forget_address
UPDATE invitation
   SET email = NULL
 WHERE ended_at IS NULL
   AND lower(email) = (SELECT lower(email)
                         FROM account_profile
                        WHERE account_id = $1)";

const DELETE_PROFILE: &str = "
-- store::erasure::delete_profile
DELETE FROM account_profile
 WHERE account_id = $1";

const DELETE_NOTIFICATIONS: &str = "
-- store::erasure::delete_notifications
DELETE FROM notification
 WHERE account_id = $1";

const DELETE_PERSONAL: &str = "
-- store::erasure::delete_personal
DELETE FROM audit_personal
 WHERE account_id = $1";

const DELETE_ANSWERS: &str = "
-- store::erasure::delete_answers
DELETE FROM idempotency_key
 WHERE account = $1";

const ERASE: &str = "
-- store::erasure::erase
UPDATE account
   SET issuer = NULL, subject = NULL, disabled = true, sessions_from = clock_timestamp(),
       erased_at = clock_timestamp(), updated_at = now()
 WHERE account_id = $1
   AND erased_at IS NULL";

const REMEMBER: &str = "
-- store::erasure::remember
INSERT INTO account_erasure (identity_hash, erased_at)
VALUES ($1, clock_timestamp())
    ON CONFLICT (identity_hash) DO UPDATE SET erased_at = excluded.erased_at";

const ERASED_AT: &str = "
-- store::erasure::erased_at
SELECT erased_at
  FROM account_erasure
 WHERE identity_hash = $1";

/// In small bites, so that no purge holds a lock for long.
const PURGE: &str = "
-- store::erasure::purge
DELETE FROM account_erasure
 WHERE identity_hash IN (
       SELECT identity_hash
         FROM account_erasure
        WHERE erased_at < now() - interval '30 days'
        LIMIT 1000)";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[
    PLACES,
    LAST_OWNER_OF,
    OWNED,
    LEAVE_ORGANIZATIONS,
    LEAVE_GROUPS,
    END_INVITATIONS,
    FORGET_ADDRESS,
    DELETE_PROFILE,
    DELETE_NOTIFICATIONS,
    DELETE_PERSONAL,
    DELETE_ANSWERS,
    ERASE,
    REMEMBER,
    ERASED_AT,
    PURGE,
];

impl Connection {
    /// When somebody was erased of late, if they were.
    pub(crate) async fn erased_at(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<OffsetDateTime>, StoreError> {
        let hash = identity_hash(issuer, subject);
        let row = self.row(ERASED_AT, &[&hash.as_slice()]).await?;
        row.map(|row| get(&row, "erased_at")).transpose()
    }
}

impl Tx<'_> {
    /// Forgets who was erased more than 30 days ago, at most a thousand.
    pub(crate) async fn purge_erasures(&self) -> Result<u64, StoreError> {
        self.change(PURGE, &[]).await
    }

    /// The organizations in which an account is, in the order in which they are to be locked.
    pub(crate) async fn places_of(
        &self,
        account: AccountId,
    ) -> Result<Vec<OrganizationId>, StoreError> {
        organizations(&self.rows(PLACES, &[&account.uuid()]).await?)
    }

    /// What has to get another owner before an account can be erased. Holds until the end if the account
    /// and its organizations are held.
    pub(crate) async fn in_the_way_of_erasure(
        &self,
        account: AccountId,
    ) -> Result<InTheWay, StoreError> {
        let last = self.rows(LAST_OWNER_OF, &[&account.uuid()]).await?;
        let row = self.row(OWNED, &[&account.uuid()]).await?;
        let row = row.ok_or(StoreError::Row { column: "devices" })?;
        Ok(InTheWay {
            devices: get(&row, "devices")?,
            claims: get(&row, "claims")?,
            organizations: organizations(&last)?,
        })
    }

    /// Takes away everything that names somebody. The audit's entry of it must be there already: what
    /// points to the person in that one goes too.
    pub(crate) async fn erase_account(
        &self,
        account: AccountId,
        issuer: &str,
        subject: &str,
    ) -> Result<(), StoreError> {
        let id = account.uuid();
        for statement in [
            LEAVE_ORGANIZATIONS,
            LEAVE_GROUPS,
            END_INVITATIONS,
            FORGET_ADDRESS,
            DELETE_PROFILE,
            DELETE_NOTIFICATIONS,
            DELETE_PERSONAL,
        ] {
            self.change(statement, &[&id]).await?;
        }
        self.change(DELETE_ANSWERS, &[&account.to_string()]).await?;
        self.change_one("erase account", ERASE, &[&id]).await?;
        let hash = identity_hash(issuer, subject);
        self.change_one("remember erasure", REMEMBER, &[&hash.as_slice()])
            .await
    }
}

fn organizations(rows: &[Row]) -> Result<Vec<OrganizationId>, StoreError> {
    let ids = rows.iter().map(|row| get::<Uuid>(row, "organization_id"));
    ids.map(|id| id.map(OrganizationId::from)).collect()
}
