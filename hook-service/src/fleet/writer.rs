//! The half that changes the table. There is one, and it belongs to the feed.

use std::sync::Arc;
use std::time::Instant;

use super::record::DeviceEntry;
use super::service::ServiceClients;
use super::standing::Standing;
use super::{Shared, Table};

/// What happened to one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceChange {
    /// It is now this.
    Put(DeviceEntry),
    /// It is gone.
    Remove(String),
}

/// Changes the table. Deliberately not `Clone`: one task writes (invariant 2).
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Replaces everything at once. Readers see the old or the new table, never a mixture.
    pub fn replace(&mut self, table: Table, services: ServiceClients) {
        self.shared.table.store(Arc::new(table));
        self.shared.services.store(Arc::new(services));
    }

    /// Applies changes of devices. When it returns, every new read sees them.
    pub fn apply(&mut self, changes: &[DeviceChange]) {
        self.shared.table.load().apply(changes);
    }

    /// Replaces the service clients.
    pub fn replace_services(&mut self, services: ServiceClients) {
        self.shared.services.store(Arc::new(services));
    }

    /// The tables as they are, for comparing.
    pub fn current(&self) -> (Arc<Table>, Arc<ServiceClients>) {
        (
            self.shared.table.load_full(),
            self.shared.services.load_full(),
        )
    }

    /// Allows until `deadline`.
    pub fn allow_until(&mut self, deadline: Instant) {
        self.shared.deadline.set(deadline);
    }

    /// Stops allowing at once.
    pub fn lapse(&mut self) {
        self.shared.deadline.lapse();
    }

    /// Whether readers may allow at `now`.
    pub fn is_allowing(&self, now: Instant) -> bool {
        self.shared.deadline.standing(now) == Standing::Fresh
    }
}
