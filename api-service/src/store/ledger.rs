//! Balances: entries that are only added, and their sum beside them.
//!
//! Whoever adds one holds the ledger's row, so no sum is lost and each entry knows the balance after it.

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::row::{get, word};
use super::{Connection, StoreError, Tx};
use crate::domain::account_id::AccountId;
use crate::domain::money::EntryKind;

const OF_ACCOUNT: &str = "
-- store::ledger::of_account
SELECT ledger_id, currency, balance_minor
  FROM ledger
 WHERE account_id = $1";

const BEGIN: &str = "
-- store::ledger::begin
INSERT INTO ledger (account_id, currency)
VALUES ($1, $2)
    ON CONFLICT (account_id) DO NOTHING";

const LOCK: &str = "
-- store::ledger::lock
SELECT ledger_id, currency, balance_minor
  FROM ledger
 WHERE account_id = $1
   FOR UPDATE";

const ENTRIES: &str = "
-- store::ledger::entries
SELECT entry.entry_id, entry.reference, entry.kind, entry.amount_minor, entry.balance_after_minor,
       entry.note, entry.made_by, entry.at
  FROM ledger
  JOIN ledger_entry AS entry ON entry.ledger_id = ledger.ledger_id
 WHERE ledger.account_id = $1
   AND entry.entry_id < $2
 ORDER BY entry.entry_id DESC
 LIMIT $3";

const REFERRED: &str = "
-- store::ledger::referred
SELECT entry_id, reference, kind, amount_minor, balance_after_minor, note, made_by, at
  FROM ledger_entry
 WHERE ledger_id = $1
   AND reference = $2";

const ADD: &str = "
-- store::ledger::add
INSERT INTO ledger_entry (ledger_id, reference, kind, amount_minor, balance_after_minor, note, made_by,
                          at)
VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())
RETURNING entry_id, reference, kind, amount_minor, balance_after_minor, note, made_by, at";

const SET_BALANCE: &str = "
-- store::ledger::set_balance
UPDATE ledger
   SET balance_minor = $2
 WHERE ledger_id = $1";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] =
    &[OF_ACCOUNT, BEGIN, LOCK, ENTRIES, REFERRED, ADD, SET_BALANCE];

/// A ledger with its balance.
#[derive(Debug, Clone)]
pub(crate) struct LedgerRow {
    pub(crate) ledger_id: Uuid,
    pub(crate) currency: String,
    /// In the currency's smallest unit.
    pub(crate) balance: i64,
}

/// An entry as stored.
#[derive(Debug, Clone)]
pub(crate) struct LedgerEntryRow {
    pub(crate) entry_id: i64,
    pub(crate) reference: String,
    pub(crate) kind: EntryKind,
    /// In the currency's smallest unit, as below.
    pub(crate) amount: i64,
    pub(crate) balance_after: i64,
    pub(crate) note: Option<String>,
    pub(crate) made_by: AccountId,
    pub(crate) at: OffsetDateTime,
}

/// An entry about to be added.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewEntry<'a> {
    pub(crate) ledger: Uuid,
    pub(crate) reference: &'a str,
    pub(crate) kind: EntryKind,
    pub(crate) amount: i64,
    pub(crate) balance_after: i64,
    pub(crate) note: Option<&'a str>,
    pub(crate) made_by: AccountId,
}

impl TryFrom<&Row> for LedgerRow {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            ledger_id: get(row, "ledger_id")?,
            currency: get(row, "currency")?,
            balance: get(row, "balance_minor")?,
        })
    }
}

impl TryFrom<&Row> for LedgerEntryRow {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            entry_id: get(row, "entry_id")?,
            reference: get(row, "reference")?,
            kind: word(row, "kind", EntryKind::from_word)?,
            amount: get(row, "amount_minor")?,
            balance_after: get(row, "balance_after_minor")?,
            note: get(row, "note")?,
            made_by: AccountId::from(get::<Uuid>(row, "made_by")?),
            at: get(row, "at")?,
        })
    }
}

impl Connection {
    /// An account's ledger; `None` while nothing was entered.
    pub(crate) async fn ledger(&self, of: AccountId) -> Result<Option<LedgerRow>, StoreError> {
        let row = self.row(OF_ACCOUNT, &[&of.uuid()]).await?;
        row.as_ref().map(LedgerRow::try_from).transpose()
    }

    /// An account's entries, newest first, before one or from the newest on.
    pub(crate) async fn ledger_entries(
        &self,
        of: AccountId,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<LedgerEntryRow>, StoreError> {
        let before = before.unwrap_or(i64::MAX);
        let rows = self.rows(ENTRIES, &[&of.uuid(), &before, &limit]).await?;
        rows.iter().map(LedgerEntryRow::try_from).collect()
    }
}

impl Tx<'_> {
    /// An account's ledger, held until the end; begun in a currency if it has none.
    pub(crate) async fn hold_ledger(
        &self,
        of: AccountId,
        currency: &str,
    ) -> Result<LedgerRow, StoreError> {
        self.change(BEGIN, &[&of.uuid(), &currency]).await?;
        let row = self.row(LOCK, &[&of.uuid()]).await?;
        let column = "ledger_id";
        LedgerRow::try_from(&row.ok_or(StoreError::Row { column })?)
    }

    /// The entry of a reference.
    pub(crate) async fn entry_of_reference(
        &self,
        ledger: Uuid,
        reference: &str,
    ) -> Result<Option<LedgerEntryRow>, StoreError> {
        let row = self.row(REFERRED, &[&ledger, &reference]).await?;
        row.as_ref().map(LedgerEntryRow::try_from).transpose()
    }

    /// Adds an entry to a ledger that this transaction holds, and moves its balance.
    pub(crate) async fn add_ledger_entry(
        &self,
        new: NewEntry<'_>,
    ) -> Result<LedgerEntryRow, StoreError> {
        let row = self
            .row(
                ADD,
                &[
                    &new.ledger,
                    &new.reference,
                    &new.kind.as_str(),
                    &new.amount,
                    &new.balance_after,
                    &new.note,
                    &new.made_by.uuid(),
                ],
            )
            .await?;
        let column = "entry_id";
        let row = LedgerEntryRow::try_from(&row.ok_or(StoreError::Row { column })?)?;
        self.change_one(
            "set balance",
            SET_BALANCE,
            &[&new.ledger, &new.balance_after],
        )
        .await?;
        Ok(row)
    }
}
