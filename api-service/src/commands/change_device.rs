//! What the commands about one device share: the transaction under the device's lock, the entry in
//! the outbox that it commits with, and the answer.
//!
//! A command says by its [`DeviceChange`] what is refused, what is a change, and how it is written.
//! One that changes nothing is a repetition: it finds the operation of the first and answers the same.

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use schema::DeviceId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::keyed::{Answer, Keyed, once_by_key};
use super::run::Failure;
use super::under_way::{UnderWay, await_phase};
use crate::api::Api;
use crate::domain::idempotency::request_hash;
use crate::edge::fields::Fields;
use crate::outbox::{Phase, worker};
use crate::problem::Problem;
use crate::store::device::DeviceRow;
use crate::store::idempotency::Claim;
use crate::store::outbox::OperationRow;
use crate::store::{StoreError, Tx};
use crate::views::LifecycleView;

/// A command about one device.
pub(super) trait DeviceChange: Sync {
    /// The transaction's name.
    const NAME: &'static str;

    /// What carries it outward: a word of [`crate::outbox::kind`].
    const KIND: &'static str;

    /// Refuses who may not; the device's row is locked.
    fn permit(
        &self,
        _: &Tx<'_>,
        _: &DeviceRow,
    ) -> impl Future<Output = Result<(), Problem>> + Send {
        async { Ok(()) }
    }

    /// Refuses it for this device, gives the outbox entry's payload, or nothing if the device is so
    /// already.
    fn judge(&self, device: &DeviceRow) -> Result<Option<Value>, Problem>;

    /// Writes it, and notes it in the row that was judged.
    fn write(
        &self,
        tx: &Tx<'_>,
        device: &mut DeviceRow,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Tells this process, besides the outbox's worker, what is committed.
    fn announce(&self, _: &Api) {}
}

/// A device after a command, and what is under way for it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceChanged {
    /// The device's id.
    device_id: String,
    /// Where it stands in its life.
    lifecycle: LifecycleView,
    /// Whether it is kept out for a while.
    suspended: bool,
    /// What carries the change to the broker.
    #[serde(flatten)]
    under_way: UnderWay,
}

/// What a command did to the device's row.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    lifecycle: LifecycleView,
    suspended: bool,
    was_so: bool,
}

/// What a command came to.
pub(super) struct Changed {
    done: Done,
    /// Says whether a request with the caller's key did it before.
    mark: HeaderMap,
    /// The newest operation of the command's kind for the device.
    operation: Option<OperationRow>,
}

/// Carries a command out. With a key it is done once: a repetition that comes late, after the opposite was
/// commanded, changes nothing and is told how far the operation is by now.
pub(super) async fn change_device<C: DeviceChange>(
    api: &Api,
    id: &DeviceId,
    claim: Option<Claim>,
    change: &C,
) -> Result<Changed, Problem> {
    let given = once_by_key(api, claim, &Run { id, change }).await?;
    let done = Done::deserialize(given.body()).map_err(Problem::internal)?;
    worker::wake(&api.outbox_wake);
    change.announce(api);
    // Its change number is given at commit, so it is read after it; a repetition finds the same row.
    let connection = api.store.connect().await?;
    Ok(Changed {
        done,
        mark: given.mark(),
        operation: connection.latest_operation(id, C::KIND).await?,
    })
}

/// What a repetition of a command about a device must have in common with the first.
pub(super) fn change_hash<C: DeviceChange>(id: &DeviceId, fields: &Fields) -> [u8; 32] {
    request_hash(&[C::NAME.as_bytes(), id.as_str().as_bytes(), &fields.hash()])
}

/// The answer of a command about a device.
pub(super) type DeviceAnswer = (StatusCode, HeaderMap, Json<DeviceChanged>);

impl Changed {
    /// Whether the device was so already and no command had made it so: a mistake of the caller.
    pub(super) fn never_was(&self) -> bool {
        self.done.was_so && self.operation.is_none()
    }

    /// The answer, once the operation came as far as the caller wants to wait for.
    pub(super) async fn answer(
        self,
        api: &Api,
        id: &DeviceId,
        phase: Option<Phase>,
    ) -> Result<DeviceAnswer, Problem> {
        let (status, operation) = await_phase(api, self.operation, phase).await?;
        let answer = DeviceChanged {
            device_id: id.to_string(),
            lifecycle: self.done.lifecycle,
            suspended: self.done.suspended,
            under_way: operation.into(),
        };
        Ok((status, self.mark, Json(answer)))
    }
}

struct Run<'a, C> {
    id: &'a DeviceId,
    change: &'a C,
}

impl<C: DeviceChange> Keyed for Run<'_, C> {
    const NAME: &'static str = C::NAME;

    async fn work(&self, _: &Api, tx: &Tx<'_>) -> Result<Answer, Failure> {
        let mut device = self.permitted(tx).await?;
        let payload = self.change.judge(&device)?;
        if let Some(payload) = &payload {
            self.change.write(tx, &mut device).await?;
            tx.add_to_outbox(C::KIND, self.id, payload).await?;
        }
        let done = Done {
            lifecycle: device.lifecycle.into(),
            suspended: device.suspended,
            was_so: payload.is_none(),
        };
        Ok(Answer::new(StatusCode::ACCEPTED, &done)?)
    }

    /// Its answer tells how far the operation is by now, which is not for who lost the device.
    async fn permit_again(&self, tx: &Tx<'_>) -> Result<(), Failure> {
        self.permitted(tx).await.map(drop)
    }
}

impl<C: DeviceChange> Run<'_, C> {
    async fn permitted(&self, tx: &Tx<'_>) -> Result<DeviceRow, Failure> {
        let device = tx.lock_device(self.id).await?;
        let device = device.ok_or_else(Problem::unknown_device)?;
        self.change.permit(tx, &device).await?;
        Ok(device)
    }
}
