//! The half that answers. It can be cloned and never blocks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Standing;
use super::people::People;
use super::record::DeviceRef;
use super::service::ServiceClient;
use super::{Shared, Table};

/// Reads the table.
#[derive(Debug, Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Reads the device with this id; `None` means that no such device exists.
    pub fn device<R>(&self, id: &[u8], read: impl FnOnce(Option<DeviceRef<'_>>) -> R) -> R {
        self.shared.table.load().device(id, read)
    }

    /// The service client of this name.
    pub fn service_client(&self, name: &str) -> Option<Arc<ServiceClient>> {
        self.shared.services.load().get(name).cloned()
    }

    /// The people.
    pub fn people(&self) -> Arc<People> {
        self.shared.people.load_full()
    }

    /// What the table is worth at `now`.
    pub fn standing(&self, now: Instant) -> Standing {
        self.shared.gate.standing(now)
    }

    /// Which edition of the table there is; see [`lease::Gate::edition`].
    pub fn edition(&self) -> u64 {
        self.shared.gate.edition()
    }

    /// How long allowing may still go on without news.
    pub fn fresh_for(&self, now: Instant) -> Duration {
        self.shared.gate.left(now)
    }

    /// The devices, for counting.
    pub fn table(&self) -> Arc<Table> {
        self.shared.table.load_full()
    }

    /// How many service clients there are.
    pub fn service_client_count(&self) -> usize {
        self.shared.services.load().len()
    }
}
