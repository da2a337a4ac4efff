//! The audit: entries are added in the transaction that did what they tell, and never changed.

pub(crate) mod check;
pub(crate) mod purge;
pub(crate) mod read;
pub(crate) mod seal;
mod sealed;

use std::collections::BTreeMap;

use serde_json::Value;

use super::{StoreError, Tx};
use crate::domain::audit::{Entry, personal_hash};
use crate::domain::trail::Trail;

const ADD: &str = "
-- store::audit::add
WITH entry AS (
    INSERT INTO audit_entry (actor_kind, actor_id, action, subject_kind, subject_id, outcome, code,
                             request_id, before, after, personal_hash)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    RETURNING entry_id
)
INSERT INTO audit_personal (entry_id, account_id, salt, fields)
SELECT entry_id, $2, $12, $13
  FROM entry
 WHERE $13::jsonb IS NOT NULL";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[ADD];

impl Tx<'_> {
    /// Adds an entry, with the trail of the request that this task answers.
    pub(crate) async fn audit(&self, entry: Entry<'_>) -> Result<(), StoreError> {
        let trail = Trail::current();
        let personal: BTreeMap<_, _> = trail.iter().flat_map(Trail::personal).collect();
        let salt: [u8; 16] = rand::random();
        let (mut hash, mut fields) = (None, None);
        if !personal.is_empty() {
            let pairs = personal.iter().map(|(name, value)| (*name, value.as_str()));
            hash = Some(personal_hash(&salt, pairs));
            let object = personal
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.as_str().into()));
            fields = Some(Value::Object(object.collect()));
        }
        let outcome = if entry.refused.is_some() {
            "refused"
        } else {
            "done"
        };
        let request_id = trail.as_ref().map(|trail| trail.request_id.as_str());
        self.change(
            ADD,
            &[
                &entry.actor.kind(),
                &entry.actor.id(),
                &entry.action,
                &entry.subject_kind,
                &entry.subject_id,
                &outcome,
                &entry.refused,
                &request_id,
                &entry.before,
                &entry.after,
                &hash.as_ref().map(<[u8; 32]>::as_slice),
                &salt.as_slice(),
                &fields,
            ],
        )
        .await?;
        Ok(())
    }
}
