//! `POST /api/v1/users/{id}/balance/entries`: money comes in or goes out.
//!
//! Nobody sets a balance: it is the sum of its entries, which are only added. The caller names each
//! entry, so that sending one twice counts once.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::run::{Command, Failure, to_its_end};
use crate::api::Api;
use crate::domain::account_id::AccountId;
use crate::domain::audit::{Actor, Entry};
use crate::domain::money::{AMOUNT_MAX, Currency, EntryKind, LedgerNote, Reference, balance_after};
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::fields::Fields;
use crate::edge::path::AccountPath;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::store::ledger::{LedgerEntryRow, LedgerRow, NewEntry};
use crate::views::balance::BalanceEntryView;

/// What the caller sends.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = EnterBalance,
    example = json!({"reference": "invoice-2026-11-0042", "kind": "top_up", "amountMinor": 1250, "currency": "EUR"})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct Wire {
    /// The caller's name for this entry; the same twice is one entry. It stands in the entry for ever,
    /// so it names no person.
    #[schema(min_length = 1, max_length = 128, example = "invoice-2026-11-0042")]
    reference: String,
    /// `top_up` and `refund` bring in, `charge` takes out, `correction` does either.
    #[schema(example = "top_up", pattern = "^(top_up|refund|charge|correction)$")]
    kind: String,
    /// In the currency's smallest unit, above zero for what comes in and below for what goes out.
    #[schema(minimum = -1_000_000_000_000_000_i64, maximum = 1_000_000_000_000_000_i64, example = 1250)]
    amount_minor: i64,
    /// ISO 4217; a balance has one currency, its first entry's.
    #[schema(pattern = "^[A-Z]{3}$", example = "EUR")]
    currency: String,
    /// What it is for. It stands in the entry for ever, so it names no person.
    #[schema(min_length = 1, max_length = 256)]
    note: Option<String>,
}

/// Enters into an account's balance. Not into the caller's own.
#[utoipa::path(
    post, path = "/api/v1/users/{id}/balance/entries", operation_id = "enterBalance",
    tag = "balance", security(("bearer" = [])),
    params(("id" = String, Path, format = "uuid", description = "The account's id")),
    request_body = Wire,
    responses(
        (status = 200, body = BalanceEntryView,
            description = "It was entered before, under this reference and the same"),
        (status = 201, body = BalanceEntryView, description = "Entered"),
        Refusals,
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "The balance would be below zero or too large, is in another currency, the \
                reference belongs to another entry, the account is the caller's own or erased"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    AccountPath(id): AccountPath,
    Body(fields): Body,
) -> Result<(StatusCode, Json<BalanceEntryView>), Problem> {
    account.require(Right::ManageBalances)?;
    let request = Request::read(fields)?;
    if account.id() == id {
        let detail = "nobody enters into their own balance; another admin can";
        return Err(Problem::new(Code::OwnAccount, detail));
    }
    let enter = Enter {
        actor: account.id(),
        account: id,
        request,
    };
    let (is_new, row) = to_its_end(&api, &enter).await?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(row.into())))
}

struct Request {
    reference: Reference,
    kind: EntryKind,
    amount: i64,
    currency: Currency,
    note: Option<LedgerNote>,
}

impl Request {
    fn read(mut fields: Fields) -> Result<Self, Problem> {
        let reference = fields.required("reference", Reference::parse);
        let kind = fields.required("kind", EntryKind::parse);
        let amount = fields.required_value("amountMinor", read_amount);
        let currency = fields.required("currency", Currency::parse);
        let note = fields.optional("note", LedgerNote::parse);
        if let (Some(kind), Some(amount)) = (kind, amount)
            && !kind.takes(amount)
        {
            let detail = "must be above zero for top_up and refund, and below zero for charge";
            fields.refuse("amountMinor", detail);
        }
        fields.finish()?;
        let unnoted = || Problem::internal("a missing field was not noted");
        Ok(Self {
            reference: reference.ok_or_else(unnoted)?,
            kind: kind.ok_or_else(unnoted)?,
            amount: amount.ok_or_else(unnoted)?,
            currency: currency.ok_or_else(unnoted)?,
            note,
        })
    }

    /// Whether an entry says the same.
    fn is(&self, entry: &LedgerEntryRow, ledger: &LedgerRow) -> bool {
        let note = self.note.as_ref().map(LedgerNote::as_str);
        (self.kind, self.amount, note) == (entry.kind, entry.amount, entry.note.as_deref())
            && self.currency.as_str() == ledger.currency
    }
}

fn read_amount(value: Value) -> Result<i64, &'static str> {
    let amount = value.as_i64().filter(|amount| *amount != 0);
    let amount = amount.filter(|amount| (-AMOUNT_MAX..=AMOUNT_MAX).contains(amount));
    amount.ok_or("must be a whole number from -1000000000000000 to 1000000000000000 and not 0")
}

struct Enter {
    actor: AccountId,
    account: AccountId,
    request: Request,
}

impl Command for Enter {
    /// The entry, and whether it is new.
    type Done = (bool, LedgerEntryRow);

    async fn once(&self, api: &Api) -> Result<Self::Done, Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("enter_balance").await?;
        let user = tx.lock_user(self.account).await?;
        if user
            .ok_or_else(Problem::unknown_account)?
            .erased_at
            .is_some()
        {
            return Err(Problem::account_erased().into());
        }
        let Request {
            reference,
            kind,
            amount,
            currency,
            note,
        } = &self.request;
        let ledger = tx.hold_ledger(self.account, currency.as_str()).await?;
        let known = tx
            .entry_of_reference(ledger.ledger_id, reference.as_str())
            .await?;
        if let Some(entry) = known {
            if self.request.is(&entry, &ledger) {
                return Ok((false, entry));
            }
            let detail = "another entry of this balance has the reference";
            return Err(Problem::new(Code::ReferenceReused, detail).into());
        }
        if currency.as_str() != ledger.currency {
            let detail = format!("the balance is in {}", ledger.currency);
            return Err(Problem::new(Code::CurrencyMismatch, detail).into());
        }
        let after = balance_after(ledger.balance, *amount).ok_or_else(|| {
            let detail = "the balance would be below zero or above 9007199254740991";
            Problem::new(Code::BalanceOutOfRange, detail)
        })?;
        let new = NewEntry {
            ledger: ledger.ledger_id,
            reference: reference.as_str(),
            kind: *kind,
            amount: *amount,
            balance_after: after,
            note: note.as_ref().map(LedgerNote::as_str),
            made_by: self.actor,
        };
        let row = tx.add_ledger_entry(new).await?;
        let id = self.account.to_string();
        let actor = Actor::Account(self.actor.uuid());
        let entry = Entry::done(actor, "balance.enter", "account", &id);
        let told = |balance: i64| json!({"balanceMinor": balance});
        let now = json!({
            "balanceMinor": after, "entryId": row.entry_id, "kind": kind.as_str(),
            "amountMinor": amount, "currency": currency.as_str(),
        });
        tx.audit(entry.changed(told(ledger.balance), now)).await?;
        tx.commit().await?;
        Ok((true, row))
    }
}
