//! The transaction: the right to the target, the device's lock, the label's proof, the claim.

use axum::http::StatusCode;
use certs::Fingerprint;
use schema::words::SEND_BIND_COMMAND;
use schema::{BindingState, CertificateState, Lifecycle};
use serde_json::json;

use super::request::Request;
use crate::api::Api;
use crate::commands::binding::{DEVICE, end_sessions_of_losers, lapse, place};
use crate::commands::holder::hold_target;
use crate::commands::keyed::{Answer, Keyed};
use crate::commands::plan_limit::{Takes, enforce, hold};
use crate::commands::run::Failure;
use crate::domain::audit::{Actor, Entry};
use crate::domain::claim_time::CLAIM_SECONDS;
use crate::domain::holder::Holder;
use crate::domain::lifecycle_table::{Illegal, Move};
use crate::domain::qr;
use crate::problem::{Code, Problem};
use crate::store::access::Asker;
use crate::store::binding::BindingRow;
use crate::store::device::DeviceRow;
use crate::store::device_claim::ClaimRow;
use crate::store::{StoreError, Tx};
use crate::views::BindingView;

/// One claim with all it needs.
pub(super) struct Bind<'a> {
    pub(super) request: &'a Request,
    pub(super) asker: Asker,
}

impl Keyed for Bind<'_> {
    const NAME: &'static str = "bind_device";

    async fn work(&self, _: &Api, tx: &Tx<'_>) -> Result<Answer, Failure> {
        let Request {
            scanned,
            organization,
            group,
        } = self.request;
        let holder = match hold_target(tx, self.asker, *organization, *group).await? {
            Some(holder) => holder,
            None => {
                let own = Holder::Account(self.asker.account);
                hold(tx, own).await?;
                own
            }
        };
        let id = &scanned.device_id;
        let device = tx.lock_device(id).await?.ok_or_else(not_proven)?;
        let claim = tx.device_claim(id).await?;
        let certificates = printed(tx, id).await?;
        let known = qr::Known {
            public_key: &device.public_key,
            certificates: &certificates,
            secret_hash: claim.as_ref().map(|claim| claim.secret_hash.as_slice()),
        };
        if !scanned.proof.fits(known) {
            return Err(not_proven().into());
        }
        self.claim(tx, device, claim, holder).await
    }
}

impl Bind<'_> {
    async fn claim(
        &self,
        tx: &Tx<'_>,
        mut device: DeviceRow,
        claim: Option<ClaimRow>,
        holder: Holder,
    ) -> Result<Answer, Failure> {
        let id = &self.request.scanned.device_id;
        if device.lifecycle == Lifecycle::Pending
            && let Some(waiting) = tx.pending_binding(id).await?
        {
            let is_ours = waiting.claimant == self.asker.account && waiting.holder == holder;
            if is_ours && !waiting.is_late {
                return claimed(waiting);
            }
            if !waiting.is_late {
                return Err(Problem::from(Illegal::Pending).into());
            }
            // Its time is over, and the worker did not come by yet.
            lapse(tx, &device, &waiting, BindingState::Expired, Actor::System).await?;
            device.lifecycle = Lifecycle::Unbound;
        }
        let is_offered = claim.as_ref().is_some_and(|claim| claim.is_offer);
        if let Some(owner) = device.holder.filter(|_| is_offered)
            && !owner.is_same_owner(holder)
        {
            return self.take_over(tx, &device, owner, holder).await;
        }
        let after = device
            .standing()
            .after(Move::Claim)
            .map_err(Problem::from)?;
        if claim.is_some_and(|claim| claim.is_spent) {
            let detail = "this QR code was used already; its owner or maker can make another";
            return Err(Problem::new(Code::LabelUsed, detail).into());
        }
        enforce(tx, Takes::Device(holder)).await?;
        tx.set_claimed(id, device.lifecycle, after.lifecycle)
            .await?;
        let row = tx
            .insert_binding(id, self.asker.account, holder, CLAIM_SECONDS)
            .await?;
        let payload = json!({"binding": row.binding_id});
        tx.add_to_outbox(SEND_BIND_COMMAND, id, &payload).await?;
        let entry = Entry::done(self.actor(), "device.claim", DEVICE, id.as_str());
        let now = json!({"binding": row.binding_id, "for": place(holder)});
        tx.audit(entry.changed(None, now)).await?;
        claimed(row)
    }

    /// The owner's consent is their offer and the claimant's is this call; the device is asked nothing.
    async fn take_over(
        &self,
        tx: &Tx<'_>,
        device: &DeviceRow,
        owner: Holder,
        holder: Holder,
    ) -> Result<Answer, Failure> {
        let id = &self.request.scanned.device_id;
        device
            .standing()
            .after(Move::Transfer)
            .map_err(Problem::from)?;
        enforce(tx, Takes::Device(holder)).await?;
        let seen_by = tx.audience(id).await?;
        tx.give_device(id, holder, false).await?;
        tx.spend_device_claim(id).await?;
        end_sessions_of_losers(tx, id, seen_by).await?;
        let account = self.asker.account;
        let row = tx.insert_bound_binding(id, account, holder).await?;
        if let Some(former) = owner.account() {
            let payload = json!({"deviceId": id.as_str()});
            tx.notify(former, "device_offer_taken", &payload).await?;
        }
        let entry = Entry::done(self.actor(), "device.take_over", DEVICE, id.as_str());
        tx.audit(entry.changed(place(owner), place(holder))).await?;
        Ok(Answer::new(StatusCode::OK, &BindingView::from(row))?)
    }

    fn actor(&self) -> Actor {
        Actor::Account(self.asker.account.uuid())
    }
}

/// It waits for the device.
fn claimed(row: BindingRow) -> Result<Answer, Failure> {
    Ok(Answer::new(StatusCode::ACCEPTED, &BindingView::from(row))?)
}

/// There is no such device, or the label is not its own: answered alike.
fn not_proven() -> Problem {
    let detail = "no device has this label; scan it again, or ask whoever sold the device";
    Problem::new(Code::LabelNotFound, detail)
}

/// Certificates that a label may have been printed with.
async fn printed(tx: &Tx<'_>, id: &schema::DeviceId) -> Result<Vec<Fingerprint>, StoreError> {
    let certificates = tx.certificates(id).await?.into_iter();
    let kept = certificates.filter(|row| row.state != CertificateState::Revoked);
    Ok(kept.map(|row| row.fingerprint).collect())
}
