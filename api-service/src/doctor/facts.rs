//! What was gathered, as plain values: checks read these and nothing else.
//!
//! Secrets are left out while gathering, so no check can print one.

use time::OffsetDateTime;

pub(crate) use broker::{Authorization, Broker, Conf, Hook, Kind, Listener, Node, Zone};
pub(crate) use database::{Database, Feed, Lease, Login, ServiceCertificate};
pub(crate) use replica::Replica;
pub(crate) use version::Version;

mod broker;
mod database;
mod replica;
mod version;

/// Everything that one run looked at.
pub(crate) struct Facts {
    /// When.
    pub(crate) now: OffsetDateTime,
    /// What our own settings say.
    pub(crate) settings: OurSettings,
    /// Broker configurations: of files, and of clusters that were asked.
    pub(crate) brokers: Vec<Broker>,
    /// One for each login that could be tried.
    pub(crate) databases: Vec<Database>,
    /// The change log, the leases and the outbox, if the database could be asked.
    pub(crate) feed: Option<Feed>,
    /// Replicas of hook-service that were asked.
    pub(crate) replicas: Vec<Replica>,
    /// Certificates that were read from files or shown by the broker.
    pub(crate) certificates: Vec<SeenCertificate>,
    /// TLS listeners of the broker that were connected to.
    pub(crate) listeners: Vec<SeenListener>,
    /// What could not be looked at, and what nobody asked to look at.
    pub(crate) gaps: Vec<Gap>,
}

/// Settings that decide how others are judged.
#[derive(Debug, Clone, Default)]
pub(crate) struct OurSettings {
    /// `HOOK_DEVICE_IDENTITY`, when a setting of hook-service is in the environment.
    pub(crate) identity: Option<Identity>,
    /// Whether `HOOK_SHARED_SECRET` is set, when a setting of hook-service is in the environment.
    pub(crate) shared_secret: Option<bool>,
    /// `HOOK_SERVE_KNOWN`.
    pub(crate) serve_known: bool,
    /// `API_DEVICE_CERT_DAYS`.
    pub(crate) device_cert_days: Option<u16>,
}

/// How hook-service tells devices apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Identity {
    /// By the certificate itself.
    CertPem,
    /// By common name and fingerprint in the password.
    CnAndPassword,
}

/// A TLS listener of the broker, as a stranger without a certificate meets it.
#[derive(Debug, Clone)]
pub(crate) struct SeenListener {
    /// The address.
    pub(crate) address: String,
    /// Whether it keeps a connection that showed no certificate.
    pub(crate) admits_without_certificate: bool,
}

/// A certificate and what hangs on it.
#[derive(Debug, Clone)]
pub(crate) struct SeenCertificate {
    /// The setting and file, or the address that showed it.
    pub(crate) place: String,
    /// Its subject.
    pub(crate) subject: String,
    /// First second of validity.
    pub(crate) not_before: OffsetDateTime,
    /// Last second of validity.
    pub(crate) not_after: OffsetDateTime,
    /// What it is for.
    pub(crate) role: Role,
    /// Of a broker's certificate: why a device would refuse it.
    pub(crate) refused: Option<String>,
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// An authority that signs device certificates.
    DeviceAuthority,
    /// Another authority.
    Authority,
    /// The broker's own.
    Broker,
}

/// Something that was not looked at.
#[derive(Debug, Clone)]
pub(crate) struct Gap {
    /// What kind of thing.
    pub(crate) what: Missing,
    /// Which one.
    pub(crate) subject: String,
    /// Why not. Never holds a secret.
    pub(crate) reason: String,
}

/// Kinds of things that were not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The management API, or a page of it, did not answer as EMQX does.
    Broker,
    /// No management API is configured.
    NoBroker,
    /// EMQX does not tell its zones, and no file was given.
    Zones,
    /// A database login could not be used.
    Database,
    /// A statement needed more rights than the login has.
    DatabaseView,
    /// The login of hook-service was not given.
    NoHookDatabase,
    /// A replica did not answer.
    Replica,
    /// No replica's address was given.
    NoReplica,
    /// A listener of the broker did not answer.
    Listener,
    /// No listener's address was given.
    NoListener,
    /// A file could not be read.
    File,
    /// A key of the broker's configuration held something unknown.
    BrokerSetting,
}
