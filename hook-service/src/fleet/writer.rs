//! The half that changes the table. There is one, and it belongs to the feed.

use std::sync::Arc;
use std::time::Instant;

use lease::Gate;

use super::people::{Numbers, People, PeopleChange};
use super::record::DeviceEntry;
use super::service::ServiceClients;
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
    numbers: Numbers,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            numbers: Numbers::default(),
        }
    }

    /// Replaces everything at once. Readers see the old or the new table, never a mixture.
    pub fn replace(&mut self, table: Table, services: ServiceClients) {
        self.shared.table.store(Arc::new(table));
        self.shared.services.store(Arc::new(services));
    }

    /// Replaces the people. After the devices; see [`People`] for the order.
    pub fn replace_people(&mut self, people: People) {
        self.shared.people.store(Arc::new(people));
    }

    /// Applies changes of people, after those of devices.
    pub fn apply_people(&mut self, change: PeopleChange) {
        self.shared.people.load().apply(change);
    }

    /// The numbers of accounts, organizations and groups in this table and in any loaded beside it.
    pub fn numbers(&mut self) -> &mut Numbers {
        &mut self.numbers
    }

    /// The people as they are, for comparing.
    pub fn current_people(&self) -> Arc<People> {
        self.shared.people.load_full()
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

    /// Allows until `deadline`: for tests and measurements, which have no lease to keep.
    pub fn allow_until(&mut self, deadline: Instant) {
        self.shared.gate.open_until(deadline);
    }

    /// Stops allowing at once.
    pub fn lapse(&mut self) {
        self.shared.gate.shut();
    }

    /// What decisions look at last, for whoever keeps the lease.
    pub fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.shared.gate)
    }
}
