//! What changes the database. One file a command: request, handler, answer.

pub(crate) mod abandon_operation;
pub(crate) mod approve_recovery;
pub(crate) mod bind_device;
pub(crate) mod binding;
pub(crate) mod cancel_binding;
pub(crate) mod confirm_binding;
pub(crate) mod declare_replica_dead;
pub(crate) mod describe_device;
pub(crate) mod disable_user;
pub(crate) mod edit_profile;
pub(crate) mod edit_user;
pub(crate) mod enable_user;
pub(crate) mod enter_balance;
pub(crate) mod erase_account;
pub(crate) mod make_qr;
pub(crate) mod manufacture_device;
pub(crate) mod manufacture_devices;
pub(crate) mod note_export;
pub(crate) mod offer_device;
pub(crate) mod organizations;
pub(crate) mod plans;
pub(crate) mod read_notification;
pub(crate) mod recover_device;
pub(crate) mod release_device;
pub(crate) mod resume_device;
pub(crate) mod retire_certificate;
pub(crate) mod retry_operation;
pub(crate) mod revoke_certificate;
pub(crate) mod revoke_device;
pub(crate) mod revoke_devices;
pub(crate) mod sign_out;
pub(crate) mod suspend_device;
pub(crate) mod transfer_device;
pub(crate) mod unbind_device;

/// So many times a command is run from its start when the database asks for it (a deadlock).
const RUNS_MAX: usize = 4;

mod change_device;
mod end_certificate;
mod holder;
mod keyed;
mod plan_limit;
mod reason_body;
mod run;
mod under_way;
