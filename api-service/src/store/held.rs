//! Everything that is held on somebody, part by part, for an export.
//!
//! The one room of the store whose rows are JSON already: nobody decides anything by them, and what the
//! person gets is what the tables hold.

use uuid::Uuid;

use super::row::get;
use super::{Connection, StoreError};
use crate::domain::account_id::AccountId;

/// Rows that are read at once.
pub(crate) const ROWS_AT_ONCE: usize = 500;

/// A part of an export.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    /// Its name in the document.
    pub(crate) name: &'static str,
    /// Whether it is a list; else one object, or nothing.
    pub(crate) is_list: bool,
    /// Rows `(key, item)` of the account `$1` after the key `$2`, at most `$3`.
    sql: &'static str,
}

/// A row of a part.
#[derive(Debug)]
pub(crate) struct HeldRow {
    /// Where it stands in its part.
    pub(crate) key: String,
    /// The object, as JSON.
    pub(crate) item: String,
}

const ACCOUNT: &str = "
-- store::held::account
SELECT a.account_id::text AS key,
       jsonb_build_object(
           'accountId', a.account_id, 'issuer', a.issuer, 'subject', a.subject, 'kind', a.kind,
           'accountType', a.account_type, 'disabled', a.disabled, 'plan', a.plan,
           'planExpiresAt', a.plan_expires_at, 'createdAt', a.created_at,
           'updatedAt', a.updated_at, 'erasedAt', a.erased_at,
           'signedOutAt', nullif(a.sessions_from, '-infinity'))::text AS item
  FROM account AS a
 WHERE a.account_id = $1
   AND $2::text = ''
 LIMIT $3";

const PROFILE: &str = "
-- store::held::profile
SELECT account_id::text AS key,
       jsonb_build_object(
           'email', email, 'name', name, 'avatarUrl', avatar_url, 'metadata', metadata,
           'toldByTokens', told, 'updatedAt', updated_at)::text AS item
  FROM account_profile
 WHERE account_id = $1
   AND $2::text = ''
 LIMIT $3";

const ORGANIZATIONS: &str = "
-- store::held::organizations
SELECT member.organization_id::text AS key,
       jsonb_build_object(
           'organizationId', member.organization_id, 'name', own.name, 'role', member.role,
           'since', member.created_at)::text AS item
  FROM organization_member AS member
  JOIN organization AS own ON own.organization_id = member.organization_id
 WHERE member.account_id = $1
   AND ($2::text = '' OR member.organization_id > nullif($2::text, '')::uuid)
 ORDER BY member.organization_id
 LIMIT $3";

const GROUPS: &str = "
-- store::held::groups
SELECT member.group_id::text AS key,
       jsonb_build_object(
           'groupId', member.group_id, 'organizationId', own.organization_id, 'name', own.name,
           'role', member.role, 'since', member.created_at)::text AS item
  FROM group_member AS member
  JOIN device_group AS own ON own.group_id = member.group_id
 WHERE member.account_id = $1
   AND ($2::text = '' OR member.group_id > nullif($2::text, '')::uuid)
 ORDER BY member.group_id
 LIMIT $3";

const DEVICES: &str = "
-- store::held::devices
SELECT device_id AS key,
       jsonb_build_object(
           'deviceId', device_id, 'model', model, 'firmwareVersion', firmware_version,
           'lifecycle', lifecycle, 'suspended', suspended, 'boundAt', bound_at, 'name', name,
           'metadata', metadata)::text AS item
  FROM device
 WHERE owner_account_id = $1
   AND device_id > $2
 ORDER BY device_id
 LIMIT $3";

const OWNERSHIP: &str = "
-- store::held::ownership
SELECT ownership_id::text AS key,
       jsonb_build_object(
           'deviceId', device_id, 'begunAt', begun_at, 'endedAt', ended_at)::text AS item
  FROM ownership
 WHERE owner_account_id = $1
   AND ownership_id > coalesce(nullif($2::text, '')::bigint, 0)
 ORDER BY ownership_id
 LIMIT $3";

const CLAIMS: &str = "
-- store::held::claims
SELECT binding_id::text AS key,
       jsonb_build_object(
           'bindingId', binding_id, 'deviceId', device_id, 'organizationId', organization_id,
           'groupId', group_id, 'state', state, 'createdAt', created_at, 'endedAt', ended_at)::text
           AS item
  FROM binding
 WHERE claimant_id = $1
   AND ($2::text = '' OR binding_id > nullif($2::text, '')::uuid)
 ORDER BY binding_id
 LIMIT $3";

/// Those that they made, with the address that they wrote, and those that they accepted.
const INVITATIONS: &str = "
-- store::held::invitations
SELECT invitation_id::text AS key,
       jsonb_build_object(
           'invitationId', invitation_id, 'organizationId', organization_id, 'groupId', group_id,
           'role', role, 'made', invited_by = $1, 'accepted', coalesce(accepted_by = $1, false),
           'email', CASE WHEN invited_by = $1 THEN email END, 'createdAt', created_at,
           'expiresAt', expires_at, 'endedAt', ended_at)::text AS item
  FROM invitation
 WHERE (invited_by = $1 OR accepted_by = $1)
   AND ($2::text = '' OR invitation_id > nullif($2::text, '')::uuid)
 ORDER BY invitation_id
 LIMIT $3";

const NOTIFICATIONS: &str = "
-- store::held::notifications
SELECT notification_id::text AS key,
       jsonb_build_object(
           'notificationId', notification_id, 'kind', kind, 'payload', payload,
           'createdAt', created_at, 'readAt', read_at)::text AS item
  FROM notification
 WHERE account_id = $1
   AND notification_id > coalesce(nullif($2::text, '')::bigint, 0)
 ORDER BY notification_id
 LIMIT $3";

/// What they did, with where they did it from, and what was done to their account. Who else did
/// something is not theirs to learn.
const AUDIT: &str = "
-- store::held::audit
SELECT entry.entry_id::text AS key,
       jsonb_build_object(
           'entryId', entry.entry_id, 'at', entry.at, 'byMe', coalesce(entry.actor_id = $1, false),
           'action', entry.action, 'subjectKind', entry.subject_kind,
           'subjectId', entry.subject_id, 'outcome', entry.outcome, 'code', entry.code,
           'before', entry.before, 'after', entry.after,
           'personal', CASE WHEN entry.actor_id = $1 THEN personal.fields END)::text AS item
  FROM audit_entry AS entry
  LEFT JOIN audit_personal AS personal ON personal.entry_id = entry.entry_id
 WHERE (entry.actor_id = $1
        OR (entry.subject_kind = 'account' AND entry.subject_id = $1::uuid::text))
   AND entry.entry_id > coalesce(nullif($2::text, '')::bigint, 0)
 ORDER BY entry.entry_id
 LIMIT $3";

const BALANCE: &str = "
-- store::held::balance
SELECT ledger_id::text AS key,
       jsonb_build_object(
           'currency', currency, 'balanceMinor', balance_minor, 'createdAt', created_at)::text
           AS item
  FROM ledger
 WHERE account_id = $1
   AND $2::text = ''
 LIMIT $3";

const BALANCE_ENTRIES: &str = "
-- store::held::balance_entries
SELECT entry.entry_id::text AS key,
       jsonb_build_object(
           'entryId', entry.entry_id, 'reference', entry.reference, 'kind', entry.kind,
           'amountMinor', entry.amount_minor, 'balanceAfterMinor', entry.balance_after_minor,
           'note', entry.note, 'at', entry.at)::text AS item
  FROM ledger
  JOIN ledger_entry AS entry ON entry.ledger_id = ledger.ledger_id
 WHERE ledger.account_id = $1
   AND entry.entry_id > coalesce(nullif($2::text, '')::bigint, 0)
 ORDER BY entry.entry_id
 LIMIT $3";

/// Sessions themselves are the broker's and the issuer's; here is when they were to end.
const SESSION_ENDS: &str = "
-- store::held::session_ends
SELECT id::text AS key,
       jsonb_build_object('operation', id, 'createdAt', created_at, 'state', state,
                          'doneAt', done_at)::text AS item
  FROM outbox
 WHERE subject = $1::uuid::text
   AND kind = 'end_account_sessions'
   AND id > coalesce(nullif($2::text, '')::bigint, 0)
 ORDER BY id
 LIMIT $3";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[
    ACCOUNT,
    PROFILE,
    ORGANIZATIONS,
    GROUPS,
    DEVICES,
    OWNERSHIP,
    CLAIMS,
    INVITATIONS,
    NOTIFICATIONS,
    AUDIT,
    BALANCE,
    BALANCE_ENTRIES,
    SESSION_ENDS,
];

const fn object(name: &'static str, sql: &'static str) -> Part {
    Part {
        name,
        is_list: false,
        sql,
    }
}

const fn list(name: &'static str, sql: &'static str) -> Part {
    Part {
        name,
        is_list: true,
        sql,
    }
}

/// Every part, in the order of the document.
pub(crate) const PARTS: &[Part] = &[
    object("account", ACCOUNT),
    object("profile", PROFILE),
    list("organizations", ORGANIZATIONS),
    list("groups", GROUPS),
    list("devices", DEVICES),
    list("ownership", OWNERSHIP),
    list("claims", CLAIMS),
    list("invitations", INVITATIONS),
    list("notifications", NOTIFICATIONS),
    list("auditEntries", AUDIT),
    object("balance", BALANCE),
    list("balanceEntries", BALANCE_ENTRIES),
    list("sessionEnds", SESSION_ENDS),
];

impl Connection {
    /// The next rows of a part after a key, at most [`ROWS_AT_ONCE`]; from the beginning with an empty
    /// one.
    pub(crate) async fn held(
        &self,
        part: Part,
        account: AccountId,
        after: &str,
    ) -> Result<Vec<HeldRow>, StoreError> {
        let limit = i64::try_from(ROWS_AT_ONCE).unwrap_or(i64::MAX);
        let id: Uuid = account.uuid();
        let rows = self.rows(part.sql, &[&id, &after, &limit]).await?;
        let read = |row: &tokio_postgres::Row| {
            Ok(HeldRow {
                key: get(row, "key")?,
                item: get(row, "item")?,
            })
        };
        rows.iter().map(read).collect()
    }
}
