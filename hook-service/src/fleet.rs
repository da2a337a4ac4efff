//! The fleet table: every device, its active certificates and its owner, every service client, and
//! every person, in memory.
//!
//! [`pair`] gives one [`Writer`], which cannot be cloned and belongs to the feed, and a [`Reader`],
//! which can and belongs to the hooks. A read takes no lock and waits for nothing: it loads the
//! current table, then the one shard that the device id falls into. The writer replaces whole
//! shards, so a reader sees a device either before or after a change, never in between.
//!
//! The table holds the whole fleet: a miss is an answer, never a query.

mod builder;
mod owner;
mod people;
mod reader;
mod record;
mod service;
mod shard;
mod table;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use lease::Gate;

pub use lease::Standing;

pub use self::builder::TableBuilder;
pub use self::owner::Owner;
pub use self::people::{
    Account, GROUPS_DEEP_MAX, Group, Membership, Numbers, People, PeopleChange, Tree,
};
pub use self::reader::Reader;
pub use self::record::{Certificate, DeviceEntry, DeviceRef};
pub use self::service::{ServiceClient, ServiceClients};
pub use self::table::Table;
pub use self::writer::{DeviceChange, Writer};

/// What the two halves share.
#[derive(Debug)]
struct Shared {
    table: ArcSwap<Table>,
    services: ArcSwap<ServiceClients>,
    people: ArcSwap<People>,
    gate: Arc<Gate>,
}

/// Makes an empty table that may not allow anything yet. `now` is the instant that the table's own
/// clock starts from.
pub fn pair(now: Instant) -> (Writer, Reader) {
    let shared = Arc::new(Shared {
        table: ArcSwap::from_pointee(TableBuilder::new().finish()),
        services: ArcSwap::from_pointee(ServiceClients::default()),
        people: ArcSwap::from_pointee(People::default()),
        gate: Arc::new(Gate::new(now)),
    });
    (Writer::new(Arc::clone(&shared)), Reader::new(shared))
}
