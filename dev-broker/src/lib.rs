//! An MQTT 5 broker that speaks EMQX's HTTP dialect, for development and tests; never for production.
//!
//! It reads the EMQX file that ships, asks the same hooks with the same bytes, makes of their answers
//! what EMQX 5.8.9 was seen to make of them, and serves the management calls this project uses. The
//! conformance table in `tests/` says for each behaviour on which version it was recorded.
//!
//! Not imitated: `flapping_detect`, rate limits (`max_conn_rate`, `messages_rate`), the health check
//! that keeps a hook marked down for up to 15 s, clusters, rules and bridges, the authorization cache
//! (a file that switches it on is refused), CRL fetching (a list can be given as a file).

mod acl;
mod address_file;
mod answer;
mod api;
mod authn;
mod authz;
mod bans;
mod broker;
mod certificate;
mod client;
mod clock;
mod core;
mod error;
mod from_conf;
mod front;
mod hook;
mod options;
mod peers;
mod settings;
mod template;

pub use address_file::write as write_address_file;
pub use api::VERSION;
pub use broker::DevBroker;
pub use error::StartError;
pub use from_conf::from_conf;
pub use options::{ApiKey, Options};
pub use settings::{
    Authorization, BrokerSettings, HttpSource, Limits, ListenerSettings, Method, SourceUrl,
    TlsFiles, Transport,
};
pub use template::{Template, authn_variable, authz_variable};
