//! A balance and its entries, as callers see them.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::domain::account_id::AccountId;
use crate::store::ledger::{LedgerEntryRow, LedgerRow};

/// What an account has.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BalanceView {
    /// Whose it is.
    #[schema(value_type = String, format = "uuid")]
    account_id: AccountId,
    /// ISO 4217; `null` while nothing was entered.
    #[schema(example = "EUR")]
    currency: Option<String>,
    /// The sum of all entries, in the currency's smallest unit.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 1250)]
    balance_minor: i64,
}

/// One entry. It is never changed; a mistake is made good by another one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BalanceEntryView {
    /// Its number; later ones have greater ones.
    entry_id: i64,
    /// The name that its maker gave it.
    #[schema(example = "invoice-2026-11-0042")]
    reference: String,
    /// `top_up`, `charge`, `refund` or `correction`.
    #[schema(example = "top_up")]
    kind: String,
    /// What came in, or went out if below zero, in the currency's smallest unit.
    #[schema(example = 1250)]
    amount_minor: i64,
    /// The balance after it.
    balance_after_minor: i64,
    /// What its maker said.
    note: Option<String>,
    /// Who made it.
    #[schema(value_type = String, format = "uuid")]
    made_by: AccountId,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    at: OffsetDateTime,
}

impl BalanceView {
    /// The balance of an account, which is nothing while it has no ledger.
    pub(crate) fn new(account_id: AccountId, row: Option<LedgerRow>) -> Self {
        let (currency, balance_minor) =
            row.map_or((None, 0), |row| (Some(row.currency), row.balance));
        Self {
            account_id,
            currency,
            balance_minor,
        }
    }
}

impl From<LedgerEntryRow> for BalanceEntryView {
    fn from(row: LedgerEntryRow) -> Self {
        Self {
            entry_id: row.entry_id,
            reference: row.reference,
            kind: row.kind.as_str().to_owned(),
            amount_minor: row.amount,
            balance_after_minor: row.balance_after,
            note: row.note,
            made_by: row.made_by,
            at: row.at,
        }
    }
}
