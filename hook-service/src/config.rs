//! The settings of this service, all of them from the environment.
//!
//! `hook-service.env` beside this crate's manifest shows every one with its default; a test parses it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use service_kit::settings::Secret;
use service_kit::telemetry::{LOG_FORMATS, LogFormat};
use service_kit::{Settings, SettingsErrors};

use crate::decide::{IDENTITY_MODES, IdentityMode, Policy};
use crate::feed::{Database, FeedSettings};
use crate::listener::TlsFiles;
use crate::overload::LATE_MS_DEFAULT;

mod database;
#[cfg(test)]
mod tests;
mod tokens;

pub use self::tokens::TokenSettings;

/// The prefix of every setting.
pub const PREFIX: &str = "HOOK_";

/// Where the operators' listener is unless `HOOK_OPS_LISTEN` says otherwise.
pub const DEFAULT_OPS_LISTEN: &str = "127.0.0.1:9081";

/// Threads beyond this have nothing to do: a connection needs one, and a broker opens a few dozen.
const THREADS_MAX: usize = 256;

/// Everything this service is told.
#[derive(Debug)]
pub struct Config {
    /// Where EMQX calls the hooks.
    pub listen: SocketAddr,
    /// Whether a second process may take the address over.
    pub reuse_port: bool,
    /// Where operators look.
    pub ops_listen: SocketAddr,
    /// Where to write the bound addresses.
    pub address_file: Option<PathBuf>,
    /// TLS of the hooks' listener.
    pub tls: Option<TlsFiles>,
    /// What every request must carry.
    pub secret: Option<Secret>,
    /// How to decide.
    pub policy: Policy,
    /// Whose tokens let people in.
    pub tokens: TokenSettings,
    /// Threads that serve connections.
    pub threads: usize,
    /// What would have to wait for longer than this, while its thread runs, is shed.
    pub late_max: Duration,
    /// How to follow the database.
    pub feed: FeedSettings,
    /// Where the database is.
    pub database: Database,
    /// How long a stopping process answers what is in flight.
    pub drain_max: Duration,
}

/// How to log; read apart, so that mistakes in everything else can be logged.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// A `tracing` filter.
    pub filter: String,
    /// Text or JSON.
    pub format: LogFormat,
}

impl Config {
    /// Reads everything; every mistake is reported at once.
    pub fn read(mut s: Settings) -> Result<(Self, LogConfig), SettingsErrors> {
        let address = "an address like 0.0.0.0:8081";
        let listen = s.parse_or("HOOK_LISTEN", "127.0.0.1:8081", address);
        let ops_listen = s.parse_or("HOOK_OPS_LISTEN", DEFAULT_OPS_LISTEN, address);
        let reuse_port = s.flag("HOOK_REUSE_PORT", false);
        let address_file = s.optional("HOOK_ADDRESS_FILE").map(PathBuf::from);
        let tls = tls(&mut s);
        let secret = s.secret("HOOK_SHARED_SECRET");
        let policy = Policy {
            identity: s.one_of(
                "HOOK_DEVICE_IDENTITY",
                IdentityMode::CertPem,
                IDENTITY_MODES,
            ),
            session_ttl_s: s.in_range("HOOK_SESSION_TTL_S", 86_400, 60..=30 * 86_400),
            serve_known: s.flag("HOOK_SERVE_KNOWN", false),
        };
        let tokens = tokens::read(&mut s);
        let feed = FeedSettings {
            replica_name: replica_name(&mut s),
            staleness_max: millis(&mut s, "HOOK_STALENESS_MS", 30_000, 5_000, 300_000),
            serves_known: policy.serve_known,
            poll_every: millis(&mut s, "HOOK_POLL_MS", 500, 50, 5_000),
            compare_every: millis(&mut s, "HOOK_COMPARE_MS", 600_000, 1_000, 86_400_000),
        };
        if feed.poll_every > feed.staleness_max / 4 {
            let longest = feed.staleness_max.as_millis() / 4;
            s.mistake(format!(
                "HOOK_POLL_MS is too long for HOOK_STALENESS_MS, the lease would run out between \
                 two looks: set it to at most {longest}"
            ));
        }
        let database = database::read(&mut s);
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = s.in_range("HOOK_THREADS", processors.min(THREADS_MAX), 1..=THREADS_MAX);
        let late_max = millis(&mut s, "HOOK_SHED_LATE_MS", LATE_MS_DEFAULT, 5, 1_000);
        let drain_max = millis(&mut s, "HOOK_DRAIN_MS", 5_000, 0, 60_000);
        let log = LogConfig {
            filter: s.optional("HOOK_LOG").unwrap_or_else(|| "info".to_owned()),
            format: s.one_of("HOOK_LOG_FORMAT", LogFormat::Text, LOG_FORMATS),
        };
        s.finish()?;
        let database = database.expect("a missing database is a mistake, and there was none");
        let config = Self {
            listen,
            reuse_port,
            ops_listen,
            address_file,
            tls,
            secret,
            policy,
            tokens,
            threads,
            late_max,
            feed,
            database,
            drain_max,
        };
        Ok((config, log))
    }
}

fn millis(s: &mut Settings, name: &str, default: u64, low: u64, high: u64) -> Duration {
    Duration::from_millis(s.in_range(name, default, low..=high))
}

/// The name in the lease row: what operators call this replica.
fn replica_name(s: &mut Settings) -> String {
    let name = s.optional("HOOK_REPLICA_NAME").unwrap_or_else(|| {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = host.trim();
        if host.is_empty() {
            "hook-service".to_owned()
        } else {
            host.to_owned()
        }
    });
    if name.len() > 128 {
        s.mistake("HOOK_REPLICA_NAME is longer than 128 bytes: shorten it".to_owned());
    }
    name
}

fn tls(s: &mut Settings) -> Option<TlsFiles> {
    let names = [
        "HOOK_TLS_CERT_FILE",
        "HOOK_TLS_KEY_FILE",
        "HOOK_TLS_CLIENT_CA_FILE",
    ];
    match names.map(|name| s.optional(name).map(PathBuf::from)) {
        [Some(certificate), Some(key), Some(client_ca)] => Some(TlsFiles {
            certificate,
            key,
            client_ca,
        }),
        [None, None, None] => None,
        _ => {
            s.mistake(format!("set all of {} or none of them", names.join(", ")));
            None
        }
    }
}
