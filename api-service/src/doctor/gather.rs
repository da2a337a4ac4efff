//! Reads raw facts. Nothing here judges; what cannot be read becomes a gap, never silence.
//!
//! Read-only by construction: the management client has no verb but GET, and every statement is a
//! SELECT or a SHOW.

use std::path::PathBuf;
use std::time::Duration;

use time::OffsetDateTime;

use super::facts::{Facts, Gap, Login, Missing, OurSettings, Version};
use crate::broker::BrokerConfig;
use crate::config::PkiFiles;
use crate::store::StoreConfig;

mod answer;
mod broker;
mod conf;
mod database;
mod file;
mod hooks;
mod listener;
mod management;
mod pki;
mod replica;
mod tree;

/// What to look at.
pub(crate) struct Wanted {
    /// Files for EMQX.
    pub(crate) conf_file: Option<PathBuf>,
    /// The version that the file is for.
    pub(crate) conf_version: Option<Version>,
    /// Everything else; `None` with `--offline`.
    pub(crate) live: Option<Live>,
}

/// What to look at besides a file.
pub(crate) struct Live {
    /// Clusters by name.
    pub(crate) brokers: Vec<(String, BrokerConfig)>,
    /// The logins.
    pub(crate) databases: Vec<(Login, StoreConfig)>,
    /// Operators' addresses of hook-service, `host:port`.
    pub(crate) replicas: Vec<String>,
    /// TLS addresses of the broker, `host:port`.
    pub(crate) listeners: Vec<String>,
    /// Certificates that we use.
    pub(crate) pki: PkiFiles,
    /// Settings that decide how others are judged.
    pub(crate) settings: OurSettings,
    /// Longest time to watch leases for.
    pub(crate) watch_max: Duration,
}

/// Looks at everything. Takes as long as the slowest, since all are asked at once.
pub(crate) async fn all(wanted: Wanted, now: OffsetDateTime) -> Facts {
    let mut facts = Facts {
        now,
        settings: OurSettings::default(),
        brokers: Vec::new(),
        databases: Vec::new(),
        feed: None,
        replicas: Vec::new(),
        certificates: Vec::new(),
        listeners: Vec::new(),
        gaps: Vec::new(),
    };
    let zones = wanted
        .conf_file
        .and_then(|path| file::read(&path, wanted.conf_version, &mut facts));
    let Some(live) = wanted.live else {
        return facts;
    };
    facts.settings = live.settings;
    pki::read(&live.pki, &mut facts);
    let trust = pki::trust(&live.pki);
    // Replicas after the database: what is newest was read before they told what they applied, so
    // one that is behind is behind.
    let feed_then_replicas = async {
        let databases = database::ask_all(&live.databases, live.watch_max).await;
        (databases, replica::ask_all(&live.replicas).await)
    };
    let (brokers, (databases, replicas), listeners) = tokio::join!(
        broker::ask_all(&live.brokers, zones.as_ref()),
        feed_then_replicas,
        listener::ask_all(&live.listeners, trust, now),
    );
    facts.brokers.extend(brokers.found);
    facts.databases = databases.found;
    facts.feed = databases.feed;
    facts.replicas = replicas.found;
    for seen in listeners.found {
        facts.certificates.extend(seen.certificate);
        facts.listeners.push(seen.listener);
    }
    for gaps in [brokers.gaps, databases.gaps, replicas.gaps, listeners.gaps] {
        facts.gaps.extend(gaps);
    }
    facts
}

/// Things of one kind, and those of them that could not be looked at.
struct Looked<T> {
    found: Vec<T>,
    gaps: Vec<Gap>,
}

impl<T> Looked<T> {
    fn nothing() -> Self {
        Self {
            found: Vec::new(),
            gaps: Vec::new(),
        }
    }

    fn miss(&mut self, what: Missing, subject: impl Into<String>, reason: impl Into<String>) {
        self.gaps.push(Gap {
            what,
            subject: subject.into(),
            reason: reason.into(),
        });
    }
}

/// A broker as a file's text describes it, for the tests of the checks.
#[cfg(test)]
pub(super) fn broker_of(text: &str, version: Option<Version>) -> super::facts::Broker {
    let tree = emqx_config::hocon::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    super::facts::Broker {
        name: "emqx.conf".to_owned(),
        nodes: Vec::new(),
        version,
        conf: conf::read(&tree, &mut Vec::new()).with_known_zones(),
        differs_from: Vec::new(),
    }
}
