//! The rules of the control plane, as plain values and functions.
//!
//! Nothing here knows HTTP or the database, reads a clock or draws a random number. Identifiers and
//! words are those of crate `schema`.

pub(crate) mod access;
pub(crate) mod account;
pub(crate) mod account_id;
pub(crate) mod audit;
pub(crate) mod certificate_check;
pub(crate) mod claim_secret;
pub(crate) mod claim_time;
pub(crate) mod crl_schedule;
pub(crate) mod deletion;
pub(crate) mod device_filter;
pub(crate) mod email;
pub(crate) mod enrolment;
pub(crate) mod erasure;
pub(crate) mod group_id;
pub(crate) mod holder;
pub(crate) mod idempotency;
pub(crate) mod invitation_token;
pub(crate) mod key_hash;
pub(crate) mod key_id;
pub(crate) mod label;
pub(crate) mod lifecycle_table;
pub(crate) mod money;
pub(crate) mod name;
pub(crate) mod name_place;
pub(crate) mod network;
pub(crate) mod note;
pub(crate) mod organization_id;
pub(crate) mod person_topic;
pub(crate) mod plan;
pub(crate) mod qr;
pub(crate) mod reason;
pub(crate) mod rights;
pub(crate) mod selector;
pub(crate) mod service_right;
pub(crate) mod trail;
pub(crate) mod uuid_id;
