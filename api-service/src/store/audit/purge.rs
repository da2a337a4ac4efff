//! Retention: the oldest seals go, with all they cover.
//!
//! Whole seals and only from the beginning, so what is left is a chain as before. Where it begins then is
//! written into the chain itself: each purge leaves an entry with the last seal that went, and a check
//! demands that the first seal left follows that one. So nobody passes off their own deletions as
//! retention.

use serde_json::json;

use super::sealed::hash;
use crate::domain::audit::chain::text;
use crate::domain::audit::{Actor, Entry};
use crate::store::row::get;
use crate::store::{StoreError, Tx};

/// What a purge's entry is called, and what it is about.
pub(crate) const ACTION: &str = "audit.purge";
pub(crate) const SUBJECT: (&str, &str) = ("audit", "chain");

/// The last seal of the oldest ones that are old enough, that cover at most 2,000 entries together, and
/// that are not the newest, on which the next one hangs.
const DUE: &str = "
-- store::audit::purge::due
SELECT number, hash
  FROM (SELECT number, hash,
               sum(entries) OVER (ORDER BY number) AS covered,
               bool_and(at < now() - make_interval(days => $1)) OVER (ORDER BY number) AS is_old
          FROM (SELECT number, at, entries, hash
                  FROM audit_seal
                 ORDER BY number
                 LIMIT 1000) AS oldest) AS reckoned
 WHERE is_old
   AND covered <= 2000
   AND number < (SELECT max(number) FROM audit_seal)
 ORDER BY number DESC
 LIMIT 1";

const DELETE_ENTRIES: &str = "
-- store::audit::purge::delete_entries
DELETE FROM audit_entry AS entry
 USING audit_sealed AS sealed
 WHERE sealed.seal <= $1
   AND entry.entry_id = sealed.entry_id";

const DELETE_SEALED: &str = "
-- store::audit::purge::delete_sealed
DELETE FROM audit_sealed
 WHERE seal <= $1";

const DELETE_SEALS: &str = "
-- store::audit::purge::delete_seals
DELETE FROM audit_seal
 WHERE number <= $1";

/// Every statement of this file.
pub(in crate::store) const STATEMENTS: &[&str] =
    &[DUE, DELETE_ENTRIES, DELETE_SEALED, DELETE_SEALS];

impl Tx<'_> {
    /// Takes away the oldest seals that are older than `days`, at most 1,000 with 2,000 entries. Tells how
    /// many entries went, or `None` if no seal is that old. One caller at a time.
    pub(crate) async fn purge_audit(&self, days: i32) -> Result<Option<u64>, StoreError> {
        let Some(row) = self.row(DUE, &[&days]).await? else {
            return Ok(None);
        };
        let through: i64 = get(&row, "number")?;
        let last = hash(&row, "hash")?;
        let entries = self.change(DELETE_ENTRIES, &[&through]).await?;
        self.change(DELETE_SEALED, &[&through]).await?;
        self.change(DELETE_SEALS, &[&through]).await?;
        let (kind, id) = SUBJECT;
        let entry = Entry::done(Actor::System, ACTION, kind, id);
        let now = json!({"throughSeal": through, "hash": text(&last), "entries": entries});
        self.audit(entry.changed(None, now)).await?;
        Ok(Some(entries))
    }
}
