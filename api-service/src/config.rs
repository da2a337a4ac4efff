//! Everything an operator can set, read once.

use std::net::SocketAddr;
use std::path::PathBuf;

use service_kit::settings::SettingsErrors;
use service_kit::telemetry::{LOG_FORMATS, LogFormat};
use service_kit::{Secret, Settings};
use tokens::IssuerUrl;

pub(crate) use self::callers::CallersConfig;
pub(crate) use self::crl::{CrlBase, CrlConfig};
pub(crate) use self::retention::RetentionConfig;
use crate::broker::BrokerConfig;
use crate::store::StoreConfig;
use crate::traces::TracesConfig;

pub(crate) use self::doctor::{DoctorConfig, PkiFiles, is_address};

mod brokers;
mod callers;
mod crl;
mod doctor;
mod retention;
mod traces;

/// The prefix of every setting.
pub const PREFIX: &str = "API_";

/// Where the operators' listener is unless `API_OPS_LISTEN` says otherwise.
pub(crate) const DEFAULT_OPS_LISTEN: &str = "127.0.0.1:9080";

/// The settings of `api-service serve`.
pub struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) ops_listen: SocketAddr,
    pub(crate) address_file: Option<PathBuf>,
    pub(crate) database: StoreConfig,
    pub(crate) token_issuers: Vec<IssuerUrl>,
    pub(crate) token_audience: String,
    pub(crate) callers: CallersConfig,
    pub(crate) pki: PkiConfig,
    pub(crate) brokers: Vec<BrokerConfig>,
    pub(crate) crl: CrlConfig,
    /// Where traces go; nowhere if none.
    pub(crate) traces: Option<TracesConfig>,
    pub(crate) retention: RetentionConfig,
    /// What is logged, and how.
    pub log: LogConfig,
}

/// Where the certificates and the device authority's key are.
pub(crate) struct PkiConfig {
    pub(crate) device_ca_cert: PathBuf,
    pub(crate) device_ca_key: PathBuf,
    pub(crate) root_ca_cert: Option<PathBuf>,
    pub(crate) server_ca_cert: PathBuf,
    /// Those that only sign revocation lists, each with its key beside it.
    pub(crate) device_ca_retired: Vec<PathBuf>,
    pub(crate) device_cert_days: u16,
}

/// What is logged, and how.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// A `tracing` filter.
    pub filter: String,
    /// Text or JSON.
    pub format: LogFormat,
}

/// The settings of the commands that only need the database.
pub(crate) struct DatabaseConfig {
    pub(crate) database: StoreConfig,
}

impl Config {
    /// Reads all settings.
    pub fn read(mut settings: Settings) -> Result<Self, SettingsErrors> {
        let config = Self {
            listen: listen(&mut settings),
            ops_listen: ops_listen(&mut settings),
            address_file: path(&mut settings, "API_ADDRESS_FILE"),
            database: database(&mut settings),
            token_issuers: issuers(&mut settings),
            token_audience: settings
                .optional("API_TOKEN_AUDIENCE")
                .unwrap_or_else(|| "iot-hub".to_owned()),
            callers: callers::read(&mut settings),
            pki: pki(&mut settings),
            brokers: brokers::read(&mut settings),
            crl: crl::read(&mut settings),
            traces: traces::read(&mut settings),
            retention: retention::read(&mut settings),
            log: log(&mut settings),
        };
        for name in doctor::NAMES {
            let _ = settings.optional(name);
        }
        settings.finish()?;
        Ok(config)
    }
}

impl DatabaseConfig {
    /// Reads what reaches the database. The other settings may be there, right or wrong.
    pub(crate) fn read(mut settings: Settings) -> Result<Self, SettingsErrors> {
        let config = Self {
            database: database(&mut settings),
        };
        ignore_the_rest(&mut settings);
        settings.finish()?;
        Ok(config)
    }
}

/// Every setting of the service, so that a command with few needs does not call the others
/// misspelled.
const NAMES: &[&str] = &[
    "API_ADDRESS_FILE",
    "API_AUDIT_DAYS",
    "API_BROKER_KEY",
    "API_BROKER_KEY_FILE",
    "API_BROKER_URL",
    "API_BROKERS",
    "API_CORS_ORIGINS",
    "API_CRL_BASE_URL",
    "API_CRL_LISTEN",
    "API_CRL_SHARDS",
    "API_CRL_VALID_HOURS",
    "API_DATABASE_CA_FILE",
    "API_DATABASE_PASSWORD",
    "API_DATABASE_PASSWORD_FILE",
    "API_DATABASE_POOL_MAX",
    "API_DATABASE_URL",
    "API_DEVICE_CA_CERT_FILE",
    "API_DEVICE_CA_KEY_FILE",
    "API_DEVICE_CA_RETIRED_FILES",
    "API_DEVICE_CERT_DAYS",
    "API_LISTEN",
    "API_LOG",
    "API_LOG_FORMAT",
    "API_NOTIFICATION_DAYS",
    "API_OPS_LISTEN",
    "API_OTLP_ENDPOINT",
    "API_OTLP_PERCENT",
    "API_RATE_PER_ACCOUNT",
    "API_RATE_PER_ADDRESS",
    "API_ROOT_CA_CERT_FILE",
    "API_SERVER_CA_CERT_FILE",
    "API_TOKEN_AUDIENCE",
    "API_TOKEN_ISSUERS",
    "API_TRUSTED_PROXIES",
];

fn ignore_the_rest(settings: &mut Settings) {
    for name in brokers::key_settings(settings) {
        let _ = settings.optional(&name);
    }
    for name in NAMES.iter().chain(&doctor::NAMES) {
        let _ = settings.optional(name);
    }
}

fn listen(settings: &mut Settings) -> SocketAddr {
    settings.parse_or(
        "API_LISTEN",
        "127.0.0.1:8080",
        "an address like 0.0.0.0:8080",
    )
}

fn ops_listen(settings: &mut Settings) -> SocketAddr {
    settings.parse_or(
        "API_OPS_LISTEN",
        DEFAULT_OPS_LISTEN,
        "an address like 0.0.0.0:9080",
    )
}

fn path(settings: &mut Settings, name: &str) -> Option<PathBuf> {
    settings.optional(name).map(PathBuf::from)
}

/// Paths separated by commas.
fn paths(settings: &mut Settings, name: &str) -> Vec<PathBuf> {
    let text = settings.optional(name).unwrap_or_default();
    let parts = text.split(',').map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(PathBuf::from)
        .collect()
}

fn log(settings: &mut Settings) -> LogConfig {
    LogConfig {
        filter: settings
            .optional("API_LOG")
            .unwrap_or_else(|| "info".to_owned()),
        format: settings.one_of("API_LOG_FORMAT", LogFormat::Text, LOG_FORMATS),
    }
}

fn database(settings: &mut Settings) -> StoreConfig {
    let pool = settings.in_range("API_DATABASE_POOL_MAX", 16_u16, 2..=200);
    StoreConfig {
        pool_size_max: usize::from(pool),
        ..api_database(settings)
    }
}

/// How this service reaches the database, with a pool of one.
fn api_database(settings: &mut Settings) -> StoreConfig {
    let example = "postgres://api@localhost/iot_hub";
    let url = settings.required("API_DATABASE_URL", example);
    let password = settings.secret("API_DATABASE_PASSWORD");
    StoreConfig {
        postgres: postgres(settings, "API_DATABASE", example, &url, password.as_ref()),
        ca_file: path(settings, "API_DATABASE_CA_FILE"),
        pool_size_max: 1,
    }
}

/// Puts an address and a password together; their settings are `names` with `_URL` and `_PASSWORD`.
fn postgres(
    settings: &mut Settings,
    names: &str,
    example: &str,
    url: &str,
    password: Option<&Secret>,
) -> tokio_postgres::Config {
    let mut postgres = tokio_postgres::Config::new();
    if !url.is_empty() {
        match url.parse::<tokio_postgres::Config>() {
            Ok(parsed) => postgres = parsed,
            // Neither the address nor the library's reason is shown: both may hold a password.
            Err(_) => settings.mistake(format!("{names}_URL is not an address like {example}")),
        }
    }
    if let Some(password) = password {
        if postgres.get_password().is_some() {
            settings.mistake(format!(
                "{names}_URL holds a password and {names}_PASSWORD is set: take it out of the address"
            ));
        }
        postgres.password(password.expose());
    }
    postgres
}

fn issuers(settings: &mut Settings) -> Vec<IssuerUrl> {
    let text = settings.required(
        "API_TOKEN_ISSUERS",
        "https://login.example.com/realms/iot-hub",
    );
    let mut issuers = Vec::new();
    for part in text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        match part.parse() {
            Ok(issuer) => issuers.push(issuer),
            Err(error) => settings.mistake(format!("API_TOKEN_ISSUERS: {error}")),
        }
    }
    issuers
}

fn pki(settings: &mut Settings) -> PkiConfig {
    let mut file = |name: &str, example: &str| PathBuf::from(settings.required(name, example));
    let device_ca_cert = file("API_DEVICE_CA_CERT_FILE", "/etc/iot-hub/pki/device-ca.pem");
    let device_ca_key = file("API_DEVICE_CA_KEY_FILE", "/etc/iot-hub/pki/device-ca.key");
    let server_ca_cert = file(
        "API_SERVER_CA_CERT_FILE",
        "/etc/iot-hub/pki/server-trust.pem",
    );
    let root_ca_cert = path(settings, "API_ROOT_CA_CERT_FILE");
    PkiConfig {
        device_ca_cert,
        device_ca_key,
        root_ca_cert,
        server_ca_cert,
        device_ca_retired: paths(settings, "API_DEVICE_CA_RETIRED_FILES"),
        device_cert_days: settings.in_range("API_DEVICE_CERT_DAYS", 365, 1..=certs::MAX_LEAF_DAYS),
    }
}

#[cfg(test)]
mod tests;
