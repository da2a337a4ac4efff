//! What only reads. One file a query.

pub(crate) mod ca_certificates;
pub(crate) mod device;
pub(crate) mod devices;
pub(crate) mod expiring_certificates;
pub(crate) mod operation;
pub(crate) mod revocation_list;
