//! Where HTTP ends: requests become typed values here, and every answer leaves through here.

pub(crate) mod account;
pub(crate) mod around;
pub(crate) mod body;
pub(crate) mod conditional;
pub(crate) mod expiring;
pub(crate) mod fields;
pub(crate) mod key;
pub(crate) mod listener;
pub(crate) mod object;
pub(crate) mod operations_query;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod wait;
