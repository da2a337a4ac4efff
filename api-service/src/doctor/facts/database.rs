//! What PostgreSQL told: of a login, of the server, and of our tables.

use std::time::Duration;

use time::OffsetDateTime;

/// Whose login was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Login {
    /// api-service's.
    Api,
    /// hook-service's.
    Hook,
}

/// The server as one login sees it.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an answer of the server that is yes or no"
)]
pub(crate) struct Database {
    /// Whose login it is.
    pub(crate) login: Login,
    /// The user's name.
    pub(crate) user: String,
    /// Attributes that a service never needs: `SUPERUSER`, `CREATEROLE`, ..
    pub(crate) attributes: Vec<String>,
    /// Roles it is in, except the one it is meant to be in.
    pub(crate) other_roles: Vec<String>,
    /// Whether it is in the role it is meant to be in.
    pub(crate) has_role: bool,
    /// Relations of schema `public` that it owns.
    pub(crate) owned: Vec<String>,
    /// What it may do beyond reading: `(TRUNCATE, device)`, `(EXECUTE, bump_epoch())`,
    /// `(CREATE, schema public)`. `column UPDATE` is a right on some columns only.
    pub(crate) rights: Vec<(String, String)>,
    /// Whether the connection is encrypted.
    pub(crate) encrypted: bool,
    /// Whether it stays on this machine.
    pub(crate) local: bool,
    /// Whether a pooler shares server processes among transactions.
    pub(crate) pooled: bool,
    /// Whether the server is a standby.
    pub(crate) standby: bool,
    /// `server_version_num`.
    pub(crate) version_num: i32,
    /// Settings of the server and the session, by name.
    pub(crate) settings: std::collections::BTreeMap<String, String>,
    /// Standbys that are connected now.
    pub(crate) standbys: i64,
    /// Whether it may see what they have.
    pub(crate) sees_standbys: bool,
    /// What does not fit about the schema's version.
    pub(crate) schema: Option<String>,
    /// Triggers of the change log that are missing or would not fire, as `table.trigger`.
    pub(crate) silent_triggers: Vec<String>,
}

/// The change log, the leases and the outbox.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    /// The newest change when the first look was made.
    pub(crate) newest: i64,
    /// The leases at the last look.
    pub(crate) leases: Vec<Lease>,
    /// How long was waited between the looks.
    pub(crate) watched: Duration,
    /// Outbox rows that were given up.
    pub(crate) dead: i64,
    /// Age of the oldest pending outbox row.
    pub(crate) oldest_pending: Option<Duration>,
    /// The newest active certificate of each service client that is not disabled.
    pub(crate) service_certificates: Vec<ServiceCertificate>,
}

/// A lease.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    /// The replica's name.
    pub(crate) replica: String,
    /// The change it has applied.
    pub(crate) applied: i64,
    /// The bound H, in milliseconds.
    pub(crate) length_ms: i32,
    /// Whether it was renewed between the looks.
    pub(crate) renewed: bool,
}

/// When a service client's last certificate ends.
#[derive(Debug, Clone)]
pub(crate) struct ServiceCertificate {
    /// The service client.
    pub(crate) name: String,
    /// Last second of validity; `None` when it has no active certificate.
    pub(crate) not_after: Option<OffsetDateTime>,
}

impl Login {
    /// The setting that reaches the database with it.
    pub(crate) fn setting(self) -> &'static str {
        match self {
            Self::Api => "API_DATABASE_URL",
            Self::Hook => "HOOK_DATABASE_URL",
        }
    }

    /// The role it is meant to be in.
    pub(crate) fn role(self) -> &'static str {
        match self {
            Self::Api => schema::words::API_ROLE,
            Self::Hook => schema::words::HOOK_ROLE,
        }
    }
}

impl Database {
    /// What findings call it.
    pub(crate) fn name(&self) -> String {
        format!("{} (user {})", self.login.setting(), self.user)
    }

    /// A setting of the server.
    pub(crate) fn setting(&self, name: &str) -> &str {
        self.settings.get(name).map_or("", String::as_str)
    }
}
