//! The settings of `api-service doctor`: what `serve` reads as far as it says where others are, and
//! those of hook-service where they are in the environment too.

use std::path::{Path, PathBuf};

use service_kit::Settings;
use service_kit::settings::SettingsErrors;

use super::{api_database, ignore_the_rest, path, postgres};
use crate::broker::BrokerConfig;
use crate::doctor::{Identity, Login, OurSettings};
use crate::store::StoreConfig;

/// Settings that `serve` does not need and must not call misspelled.
pub(super) const NAMES: [&str; 2] = ["API_DOCTOR_LISTENERS", "API_DOCTOR_REPLICAS"];

/// Most addresses of a kind.
const ADDRESSES_MAX: usize = 64;

/// The values of `HOOK_DEVICE_IDENTITY`.
const IDENTITIES: &[(&str, Identity)] = &[
    ("cert_pem", Identity::CertPem),
    ("cn_and_password", Identity::CnAndPassword),
];

/// What the doctor is told.
pub(crate) struct DoctorConfig {
    pub(crate) brokers: Vec<(String, BrokerConfig)>,
    pub(crate) databases: Vec<(Login, StoreConfig)>,
    pub(crate) replicas: Vec<String>,
    pub(crate) listeners: Vec<String>,
    pub(crate) pki: PkiFiles,
    pub(crate) ours: OurSettings,
}

/// The certificates that are named; no key.
#[derive(Debug, Default)]
pub(crate) struct PkiFiles {
    pub(crate) device: Option<PathBuf>,
    pub(crate) root: Option<PathBuf>,
    pub(crate) server: Option<PathBuf>,
}

impl PkiFiles {
    /// Those that are set, with their settings.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let all = [
            ("API_DEVICE_CA_CERT_FILE", &self.device),
            ("API_ROOT_CA_CERT_FILE", &self.root),
            ("API_SERVER_CA_CERT_FILE", &self.server),
        ];
        all.into_iter()
            .filter_map(|(name, path)| Some((name, path.as_deref()?)))
    }
}

impl DoctorConfig {
    /// Reads what the doctor needs. The other settings may be there, right or wrong.
    pub(crate) fn read(mut settings: Settings) -> Result<Self, SettingsErrors> {
        let s = &mut settings;
        let mut databases = vec![(Login::Api, api_database(s))];
        databases.extend(hook_database(s).map(|config| (Login::Hook, config)));
        let config = Self {
            brokers: brokers(s),
            databases,
            replicas: addresses(s, "API_DOCTOR_REPLICAS"),
            listeners: addresses(s, "API_DOCTOR_LISTENERS"),
            pki: PkiFiles {
                device: path(s, "API_DEVICE_CA_CERT_FILE"),
                root: path(s, "API_ROOT_CA_CERT_FILE"),
                server: path(s, "API_SERVER_CA_CERT_FILE"),
            },
            ours: ours(s),
        };
        ignore_the_rest(s);
        settings.finish()?;
        Ok(config)
    }
}

/// How hook-service reaches the database, if that is in the environment.
fn hook_database(s: &mut Settings) -> Option<StoreConfig> {
    let url = s.optional("HOOK_DATABASE_URL")?;
    let password = s.secret("HOOK_DATABASE_PASSWORD");
    let example = "postgres://hook@localhost/iot_hub";
    Some(StoreConfig {
        postgres: postgres(s, "HOOK_DATABASE", example, &url, password.as_ref()),
        ca_file: path(s, "HOOK_DATABASE_CA_FILE"),
        pool_size_max: 1,
    })
}

/// Clusters by an address that holds no user.
fn brokers(s: &mut Settings) -> Vec<(String, BrokerConfig)> {
    let all = super::brokers::read(s).into_iter();
    all.map(|config| (shown(&config), config)).collect()
}

fn shown(config: &BrokerConfig) -> String {
    let host = config.base.host_str().unwrap_or_default();
    let port = config.base.port_or_known_default().unwrap_or_default();
    format!("{}://{host}:{port}", config.base.scheme())
}

fn ours(s: &mut Settings) -> OurSettings {
    let hooks = ["HOOK_DATABASE_URL", "HOOK_LISTEN", "HOOK_DEVICE_IDENTITY"];
    let told = hooks.into_iter().any(|name| s.optional(name).is_some());
    let identity = s.one_of("HOOK_DEVICE_IDENTITY", Identity::CertPem, IDENTITIES);
    let secret = s.optional("HOOK_SHARED_SECRET").is_some()
        || s.optional("HOOK_SHARED_SECRET_FILE").is_some();
    OurSettings {
        identity: told.then_some(identity),
        shared_secret: (told || secret).then_some(secret),
        serve_known: s.flag("HOOK_SERVE_KNOWN", false),
        device_cert_days: Some(s.in_range("API_DEVICE_CERT_DAYS", 365, 1..=certs::MAX_LEAF_DAYS)),
    }
}

fn addresses(s: &mut Settings, name: &str) -> Vec<String> {
    let text = s.optional(name).unwrap_or_default();
    let mut found = Vec::new();
    for part in text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        if is_address(part) {
            found.push(part.to_owned());
        } else {
            s.mistake(format!("{name}: {part:?} is not HOST:PORT"));
        }
    }
    if found.len() > ADDRESSES_MAX {
        s.mistake(format!("{name} has more than {ADDRESSES_MAX} addresses"));
    }
    found
}

/// Whether a text is `host:port` and nothing that could become another URL.
pub(crate) fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    let bare = !host.contains(':') || (host.starts_with('[') && host.ends_with(']'));
    !host.is_empty()
        && host.len() <= 253
        && host.chars().all(plain)
        && bare
        && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn an_address_is_a_host_and_a_port_and_nothing_more() {
        for good in ["127.0.0.1:9081", "hook-service:9081", "[::1]:9081", "a.b:1"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "", "a", "a:", ":1", "a:0", "a:70000", "::1:9081", "u@a:1", "a/b:1", "a?b:1",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
