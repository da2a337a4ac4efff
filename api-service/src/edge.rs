//! Where HTTP ends: requests become typed values here, and every answer leaves through here.

pub(crate) mod account;
pub(crate) mod around;
pub(crate) mod body;
pub(crate) mod compress;
pub(crate) mod conditional;
pub(crate) mod confirm;
pub(crate) mod cors;
pub(crate) mod fields;
pub(crate) mod key;
pub(crate) mod list;
pub(crate) mod list_places;
pub(crate) mod listener;
pub(crate) mod met;
pub(crate) mod object;
pub(crate) mod organization_path;
pub(crate) mod parameters;
pub(crate) mod path;
pub(crate) mod proxies;
pub(crate) mod refused;
pub(crate) mod require;
pub(crate) mod version;
pub(crate) mod wait;

mod token;
