//! The database: the only room with SQL.
//!
//! Statements are text that lists its columns; rows are read by name; how many rows a change touched
//! is checked. Every statement stands in [`STATEMENTS`], and a test prepares them all against the
//! migrated schema. Nothing here knows HTTP.
//!
//! Transactions are READ COMMITTED, which the change log's trigger demands. Dropping one without
//! [`Tx::commit`] rolls it back.

pub(crate) use connection::{Connection, Tx};
pub(crate) use error::StoreError;
pub(crate) use pool::{Store, StoreConfig};

pub(crate) mod access;
pub(crate) mod account;
pub(crate) mod audit;
pub(crate) mod binding;
pub(crate) mod bulk;
pub(crate) mod certificate;
pub(crate) mod certificate_end;
mod connection;
pub(crate) mod crl_list;
pub(crate) mod deletion;
pub(crate) mod device;
pub(crate) mod device_claim;
pub(crate) mod device_history;
pub(crate) mod device_list;
pub(crate) mod doctor;
pub(crate) mod enrol_many;
pub(crate) mod erasure;
mod error;
pub(crate) mod group;
pub(crate) mod health;
pub(crate) mod held;
pub(crate) mod hook_replica;
pub(crate) mod idempotency;
pub(crate) mod invitation;
pub(crate) mod lease;
pub(crate) mod ledger;
pub(crate) mod member;
pub(crate) mod notification;
pub(crate) mod operation;
pub(crate) mod organization;
pub(crate) mod outbox;
pub(crate) mod ownership;
pub(crate) mod plan;
pub(crate) mod plan_use;
pub(crate) mod pool;
pub(crate) mod progress;
pub(crate) mod reader;
pub(crate) mod recovery;
pub(crate) mod retention;
pub(crate) mod revocation_list;
mod row;
pub(crate) mod selection;
pub(crate) mod service_client;
pub(crate) mod tls;
pub(crate) mod user;

/// Every statement of this room, by file.
pub const STATEMENTS: &[&[&str]] = &[
    access::STATEMENTS,
    account::STATEMENTS,
    audit::STATEMENTS,
    audit::check::STATEMENTS,
    audit::purge::STATEMENTS,
    audit::read::STATEMENTS,
    audit::seal::STATEMENTS,
    binding::STATEMENTS,
    bulk::STATEMENTS,
    certificate::STATEMENTS,
    certificate_end::STATEMENTS,
    crl_list::STATEMENTS,
    deletion::STATEMENTS,
    device::STATEMENTS,
    doctor::STATEMENTS,
    erasure::STATEMENTS,
    group::STATEMENTS,
    health::STATEMENTS,
    held::STATEMENTS,
    hook_replica::STATEMENTS,
    idempotency::STATEMENTS,
    invitation::STATEMENTS,
    member::STATEMENTS,
    device_claim::STATEMENTS,
    device_history::STATEMENTS,
    device_list::STATEMENTS,
    enrol_many::STATEMENTS,
    notification::STATEMENTS,
    operation::STATEMENTS,
    organization::STATEMENTS,
    lease::STATEMENTS,
    ledger::STATEMENTS,
    outbox::STATEMENTS,
    ownership::STATEMENTS,
    plan::STATEMENTS,
    plan_use::STATEMENTS,
    progress::STATEMENTS,
    recovery::STATEMENTS,
    retention::STATEMENTS,
    outbox::work::STATEMENTS,
    revocation_list::STATEMENTS,
    selection::STATEMENTS,
    service_client::STATEMENTS,
    user::STATEMENTS,
];
