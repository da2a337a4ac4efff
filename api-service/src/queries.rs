//! What only reads. One file a query.

pub(crate) mod audit_entries;
pub(crate) mod audit_export;
pub(crate) mod audit_head;
pub(crate) mod binding;
pub(crate) mod ca_certificates;
pub(crate) mod device;
pub(crate) mod device_certificates;
pub(crate) mod device_history;
pub(crate) mod devices;
pub(crate) mod expiring_certificates;
pub(crate) mod hook_replicas;
pub(crate) mod me;
pub(crate) mod notifications;
pub(crate) mod operation;
pub(crate) mod operations;
pub(crate) mod organizations;
pub(crate) mod profile;
pub(crate) mod revocation;
pub(crate) mod revocation_list;
pub(crate) mod user;
pub(crate) mod users;
