//! What every service needs and no domain noun: settings, telemetry, shutdown, health, addresses.
//!
//! Nothing in this crate knows what a device, a certificate or a broker is. A service reads its
//! [`settings`], starts [`telemetry`], binds, tells its addresses with [`address_file`], serves
//! [`ops`] beside its own listener and stops when [`shutdown`] says so.

pub mod address_file;
pub mod exit;
pub mod healthcheck;
pub mod ops;
pub mod settings;
pub mod shutdown;
pub mod telemetry;

pub use exit::Exit;
pub use settings::{Secret, Settings, SettingsErrors};
