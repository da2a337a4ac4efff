//! What the commands about one device share: the transaction under the device's lock, the entry in
//! the outbox that it commits with, and the answer.
//!
//! A command says by its [`DeviceChange`] what is refused, what is a change, and how it is written.
//! One that changes nothing is a repetition: it finds the operation of the first and answers the same.

use axum::Json;
use axum::http::StatusCode;
use schema::{DeviceId, Lifecycle};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::run::{Command, Failure, to_its_end};
use super::under_way::{UnderWay, await_phase};
use crate::api::Api;
use crate::outbox::{Phase, worker};
use crate::problem::Problem;
use crate::store::device::DeviceRow;
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

/// What a command came to.
pub(super) struct Changed {
    lifecycle: Lifecycle,
    suspended: bool,
    /// The device was so already: a repetition, or a mistake.
    pub(super) was_so: bool,
    /// The newest operation of the command's kind for the device.
    pub(super) operation: Option<OperationRow>,
}

/// Carries a command out.
pub(super) async fn change_device<C: DeviceChange>(
    api: &Api,
    id: &DeviceId,
    change: &C,
) -> Result<Changed, Problem> {
    let mut changed = to_its_end(api, &Run { id, change }).await?;
    worker::wake(&api.outbox_wake);
    change.announce(api);
    // Its change number is given at commit, so it is read after it; a repetition finds the same row.
    let connection = api.store.connect().await?;
    changed.operation = connection.latest_operation(id, C::KIND).await?;
    Ok(changed)
}

impl Changed {
    /// The answer, once the operation came as far as the caller wants to wait for.
    pub(super) async fn answer(
        self,
        api: &Api,
        id: &DeviceId,
        phase: Option<Phase>,
    ) -> Result<(StatusCode, Json<DeviceChanged>), Problem> {
        let (status, operation) = await_phase(api, self.operation, phase).await?;
        let answer = DeviceChanged {
            device_id: id.to_string(),
            lifecycle: self.lifecycle.into(),
            suspended: self.suspended,
            under_way: operation.into(),
        };
        Ok((status, Json(answer)))
    }
}

struct Run<'a, C> {
    id: &'a DeviceId,
    change: &'a C,
}

impl<C: DeviceChange> Command for Run<'_, C> {
    type Done = Changed;

    async fn once(&self, api: &Api) -> Result<Changed, Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin(C::NAME).await?;
        let device = tx.lock_device(self.id).await?;
        let mut device = device.ok_or_else(Problem::unknown_device)?;
        self.change.permit(&tx, &device).await?;
        let payload = self.change.judge(&device)?;
        if let Some(payload) = &payload {
            self.change.write(&tx, &mut device).await?;
            tx.add_to_outbox(C::KIND, self.id, payload).await?;
            tx.commit().await?;
        }
        Ok(Changed {
            lifecycle: device.lifecycle,
            suspended: device.suspended,
            was_so: payload.is_none(),
            operation: None,
        })
    }
}
