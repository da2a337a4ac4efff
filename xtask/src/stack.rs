//! The local stack: which processes it has, in which order they start, and what they are told.

pub(crate) mod children;
pub(crate) mod layout;
pub(crate) mod lock;
pub(crate) mod ports;
pub(crate) mod secrets;
