//! The configuration as types: what the development broker obeys and the tests hold.
//!
//! Absent keys get the value that EMQX 5.8 gives them, so that a test sees the unsafe default it would get. Keys that no
//! field stands for stay in the tree ([`EmqxConf::raw`]). Refuses what it can't understand, with the path of the key.

mod authorization;
mod http;
mod listener;
mod mqtt;
mod reader;

pub use authorization::{Authorization, DenyAction, NoMatch};
pub use http::{HttpAuthenticator, HttpAuthorizer, HttpHook, Method};
pub use listener::{Kind, Listener, SslOptions, Verify};
pub use mqtt::{FlappingDetect, MqttOptions, Retainer, Zone};

use crate::hocon::{self, HoconError, Value};
use reader::Section;
use std::collections::BTreeMap;
use std::fmt;

/// Why a text is no configuration of EMQX that this crate understands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfError {
    /// The text is not HOCON.
    #[error(transparent)]
    Syntax(#[from] HoconError),
    /// A key holds the wrong thing.
    #[error("{path}: expected {expected}, found {found}")]
    Wrong {
        /// The path of the key.
        path: String,
        /// What would have been right.
        expected: &'static str,
        /// What stands there. Never the value of a header, which may be a secret.
        found: String,
    },
    /// A key that EMQX needs is absent.
    #[error("{path} is absent; EMQX does not start without it")]
    Absent {
        /// The path of the key.
        path: String,
    },
}

/// A whole configuration file.
#[derive(Debug, Clone, PartialEq)]
pub struct EmqxConf {
    /// All listeners, enabled or not, sorted by kind and name.
    pub listeners: Vec<Listener>,
    /// The chain asked for a listener without one of its own. Empty: everybody gets in.
    pub global_authentication: Vec<HttpAuthenticator>,
    /// Who may publish and subscribe to what.
    pub authorization: Authorization,
    /// The zones by name.
    pub zones: BTreeMap<String, Zone>,
    /// Limits where a zone says nothing.
    pub mqtt: MqttOptions,
    /// Flapping detection where a zone says nothing.
    pub flapping_detect: FlappingDetect,
    /// Retained messages.
    pub retainer: Retainer,
    /// Whether `$delayed/..` topics work.
    pub delayed_enable: bool,
    /// Number of topic rewrite rules.
    pub rewrite_rules: usize,
    /// Address of the management API.
    pub dashboard_bind: Option<std::net::SocketAddr>,
    /// File from which EMQX reads API keys at start.
    pub api_key_bootstrap_file: Option<String>,
    raw: Raw,
}

/// The tree, which `Debug` does not show: a header in it may be a secret.
#[derive(Clone, PartialEq)]
struct Raw(Value);

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

// === impl EmqxConf ===

impl EmqxConf {
    /// Reads a configuration file's text.
    pub fn parse(text: &str) -> Result<Self, ConfError> {
        let raw = hocon::parse(text)?;
        let root = Section::root(&raw)?;
        let mut listeners = Vec::new();
        for kinds in root.sections("listeners")? {
            for section in kinds.1.every_section()? {
                listeners.push(Listener::read(&kinds.0, section.0, &section.1)?);
            }
        }
        let mut zones = BTreeMap::new();
        for (name, section) in root.sections("zones")? {
            zones.insert(name, Zone::read(&section)?);
        }
        Ok(Self {
            listeners,
            global_authentication: HttpHook::read_list(&root, "authentication", http::Use::Authn)?
                .unwrap_or_default(),
            authorization: Authorization::read(&root.section("authorization")?)?,
            zones,
            mqtt: MqttOptions::read(&root.section("mqtt")?)?,
            flapping_detect: FlappingDetect::read(&root.section("flapping_detect")?)?,
            retainer: Retainer::read(&root.section("retainer")?)?,
            delayed_enable: root.section("delayed")?.boolean("enable")?.unwrap_or(true),
            rewrite_rules: root.list_len("rewrite")?,
            dashboard_bind: root.section("dashboard.listeners.http")?.address("bind")?,
            api_key_bootstrap_file: root.section("api_key")?.text("bootstrap_file")?,
            raw: Raw(raw),
        })
    }

    /// The tree behind the types.
    pub fn raw(&self) -> &Value {
        &self.raw.0
    }

    /// The listener of this kind and name.
    pub fn listener(&self, kind: Kind, name: &str) -> Option<&Listener> {
        self.listeners
            .iter()
            .find(|listener| listener.kind == kind && listener.name == name)
    }

    /// The chain that EMQX asks for this listener: its own, else the global one.
    pub fn chain_of<'a>(&'a self, listener: &'a Listener) -> &'a [HttpAuthenticator] {
        listener
            .authentication
            .as_deref()
            .unwrap_or(&self.global_authentication)
    }

    /// The MQTT limits that hold in a zone: its own where it has some, else the global ones.
    pub fn mqtt_in_zone(&self, zone: &str) -> MqttOptions {
        match self.zones.get(zone) {
            Some(zone) => zone.mqtt.or(&self.mqtt),
            None => self.mqtt.clone(),
        }
    }

    /// The flapping detection that holds in a zone.
    pub fn flapping_in_zone(&self, zone: &str) -> FlappingDetect {
        self.zones
            .get(zone)
            .and_then(|zone| zone.flapping_detect)
            .unwrap_or(self.flapping_detect)
    }
}
