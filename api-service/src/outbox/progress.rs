//! Waiting for an operation to come as far as a caller wants to see it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use super::{OperationState, Phase};
use crate::api::Api;
use crate::store::StoreError;
use crate::store::outbox::OperationRow;

/// Longest wait of a request. What is not reached by then is answered as it stands.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(8);

/// Requests that wait at once. Further ones are answered at once with what is known.
const WAITERS_MAX: usize = 256;

/// Between two looks for what another process has done. This one's own steps wake at once.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Who waits for which operation.
pub(crate) struct Progress {
    waited_for: Mutex<HashMap<i64, Arc<Notify>>>,
    waiters: Semaphore,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            waited_for: Mutex::default(),
            waiters: Semaphore::new(WAITERS_MAX),
        }
    }
}

impl Progress {
    /// Wakes who waits for an operation.
    pub(crate) fn tell(&self, id: i64) {
        if let Some(notify) = self.table().get(&id) {
            notify.notify_waiters();
        }
    }

    fn watch(&self, id: i64) -> Watch<'_> {
        let notify = Arc::clone(self.table().entry(id).or_default());
        Watch {
            progress: self,
            id,
            notify,
        }
    }

    fn table(&self) -> std::sync::MutexGuard<'_, HashMap<i64, Arc<Notify>>> {
        self.waited_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody's wait for one operation.
struct Watch<'a> {
    progress: &'a Progress,
    id: i64,
    notify: Arc<Notify>,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let mut table = self.progress.table();
        // The table's and this one: nobody else waits.
        if Arc::strong_count(&self.notify) <= 2 {
            table.remove(&self.id);
        }
    }
}

/// Whether an operation came that far. What became needless never does.
pub(crate) fn has_reached(row: &OperationRow, phase: Phase) -> bool {
    row.phase != Phase::Superseded && row.phase >= phase
}

/// Waits until an operation has come as far as `phase`, has ended otherwise, or [`WAIT_MAX`] is over.
/// Gives it as it stands then.
pub(crate) async fn wait(
    api: &Api,
    mut row: OperationRow,
    phase: Phase,
) -> Result<OperationRow, StoreError> {
    let Ok(_place) = api.progress.waiters.try_acquire() else {
        return Ok(row);
    };
    let until = Instant::now() + WAIT_MAX;
    let watch = api.progress.watch(row.id);
    loop {
        let told = watch.notify.notified();
        tokio::pin!(told);
        // From here on nothing is missed, so the look comes after it.
        told.as_mut().enable();
        if let Some(now) = api.store.connect().await?.operation(row.id).await? {
            row = now;
        }
        let has_ended = row.state != OperationState::Pending;
        if has_reached(&row, phase) || has_ended || Instant::now() >= until {
            return Ok(row);
        }
        tokio::select! {
            () = told => {}
            () = tokio::time::sleep_until(until.min(Instant::now() + LOOK_EVERY)) => {}
        }
    }
}
