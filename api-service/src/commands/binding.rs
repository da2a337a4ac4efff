//! What all commands around a claim share: how it ends, and who loses sight of a device.

use std::collections::BTreeSet;

use schema::words::{END_ACCOUNT_SESSIONS, SEND_BIND_COMMAND};
use schema::{BindingState, DeviceId, Lifecycle};
use serde_json::{Value, json};

use crate::domain::account_id::AccountId;
use crate::domain::audit::{Actor, Entry};
use crate::domain::holder::Holder;
use crate::domain::lifecycle_table::Move;
use crate::problem::{Code, Problem};
use crate::store::binding::BindingRow;
use crate::store::device::DeviceRow;
use crate::store::{StoreError, Tx};

/// The kind of thing that these commands change, in the audit.
pub(crate) const DEVICE: &str = "device";

/// Ends a claim that the device never confirmed, in a transaction that holds the device's row. The
/// device is free again, unless something else happened to it meanwhile.
pub(crate) async fn lapse(
    tx: &Tx<'_>,
    device: &DeviceRow,
    binding: &BindingRow,
    state: BindingState,
    actor: Actor,
) -> Result<(), StoreError> {
    let id = &binding.device_id;
    tx.end_binding(binding.binding_id, state).await?;
    if let Ok(after) = device.standing().after(Move::Lapse) {
        tx.set_claimed(id, device.lifecycle, after.lifecycle)
            .await?;
    }
    tx.withdraw_from_outbox(SEND_BIND_COMMAND, id.as_str())
        .await?;
    let (action, told) = match state {
        BindingState::Expired => ("device.claim_expired", Some("device_claim_expired")),
        BindingState::Refused => ("device.claim_refused", Some("device_claim_refused")),
        _ => ("device.claim_cancelled", None),
    };
    if let Some(kind) = told {
        let payload = json!({"deviceId": id.as_str(), "bindingId": binding.binding_id});
        tx.notify(binding.claimant, kind, &payload).await?;
    }
    let after = json!({"binding": binding.binding_id, "state": state.as_str()});
    let entry = Entry::done(actor, action, DEVICE, id.as_str());
    tx.audit(entry.changed(None, after)).await
}

/// Ends the sessions of everybody who saw a device before and does not see it now.
pub(crate) async fn end_sessions_of_losers(
    tx: &Tx<'_>,
    id: &DeviceId,
    before: Vec<AccountId>,
) -> Result<(), StoreError> {
    let after: BTreeSet<AccountId> = tx.audience(id).await?.into_iter().collect();
    for account in before
        .into_iter()
        .filter(|account| !after.contains(account))
    {
        tx.add_to_outbox(END_ACCOUNT_SESSIONS, account.to_string(), &json!({}))
            .await?;
    }
    Ok(())
}

/// Takes a device from its owner, in a transaction that holds its row: the period ends, what the owner
/// wrote goes, and nobody who saw it only through them sees it any more.
pub(crate) async fn free(
    tx: &Tx<'_>,
    id: &DeviceId,
    device: &DeviceRow,
    entry: (Actor, &'static str),
    reason: Option<&str>,
) -> Result<Lifecycle, Problem> {
    let after = device.standing().after(Move::Unbind)?;
    let Some(holder) = device.holder else {
        let detail = "nobody owns the device";
        return Err(Problem::new(Code::DeviceNotBound, detail));
    };
    let seen_by = tx.audience(id).await?;
    tx.free_device(id, after.lifecycle).await?;
    end_sessions_of_losers(tx, id, seen_by).await?;
    let (actor, action) = entry;
    let now = json!({"lifecycle": after.lifecycle.as_str(), "reason": reason});
    let entry = Entry::done(actor, action, DEVICE, id.as_str());
    tx.audit(entry.changed(place(holder), now)).await?;
    Ok(after.lifecycle)
}

/// An owner, as the audit has it.
pub(crate) fn place(holder: Holder) -> Value {
    match holder {
        Holder::Account(account) => json!({"account": account.uuid()}),
        Holder::Organization(organization, group) => {
            json!({"organization": organization.uuid(), "group": group.map(|group| group.uuid())})
        }
    }
}
