//! The local stack: which processes it has, in which order they start, and what they are told.

pub(crate) mod plan;
pub(crate) mod start;

pub(crate) mod api;
pub(crate) mod broker;
pub(crate) mod hooks;
pub(crate) mod issuer;
pub(crate) mod pki;
pub(crate) mod postgres;
pub(crate) mod simulator;

pub(crate) mod children;
pub(crate) mod layout;
pub(crate) mod lock;
pub(crate) mod places;
pub(crate) mod ports;
pub(crate) mod secrets;
