//! EMQX's configuration as it ships, and a reader that tests and the development broker share.
//!
//! The files under `emqx-5.8/` and `emqx-5.3/` are the product; production loads them as they are. The reader exists so that
//! the development broker obeys the very same text, and so that tests can hold every setting that safety rests on.
//! [`contract`] names what `hook-service` must serve for these files to work.
//!
//! This crate never opens a file, a socket or the environment, and it imports nothing of ours.

mod conf;
pub mod contract;
pub mod hocon;
mod placeholders;
mod units;

pub use conf::{
    Authorization, ConfError, DenyAction, EmqxConf, FlappingDetect, HttpAuthenticator,
    HttpAuthorizer, HttpHook, Kind, Listener, Method, MqttOptions, NoMatch, Retainer, SslOptions,
    Verify, Zone,
};
pub use placeholders::placeholders;
pub use units::{parse_duration, parse_size};

/// The configuration for EMQX 5.8, where the hook gets the client's certificate itself (`cert_pem`).
pub const EMQX_5_8: &str = include_str!("../emqx-5.8/emqx.conf");

/// The configuration for EMQX 5.3 to 5.7, where the hook gets the common name and the fingerprint in the password.
pub const EMQX_5_3: &str = include_str!("../emqx-5.3/emqx.conf");
