//! What changes the database. One file a command: request, handler, answer.

pub(crate) mod manufacture_device;
pub(crate) mod revoke_device;

/// So many times a command is run from its start when the database asks for it (a deadlock).
const RUNS_MAX: usize = 4;
