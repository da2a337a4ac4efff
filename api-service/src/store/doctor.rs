//! What `api-service doctor` asks of the server: catalogs, settings, leases. Only reads.
//!
//! One plain connection of its own for each login, never the pool: whether a pooler stands between
//! is one of the questions.

use std::collections::BTreeMap;
use std::time::Duration;

use schema::VersionError;
use time::OffsetDateTime;
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row};
use uuid::Uuid;

use super::StoreError;
use super::pool::{CONNECT_MAX, SESSION, StoreConfig};
use super::row::get;
use super::tls::{self, TlsError};
mod statements;

pub(super) use statements::STATEMENTS;
use statements::{
    FUNCTIONS, LEASES, NEWEST, OUTBOX, PID, RELATIONS, ROLE, ROLES, SERVER, SERVICE_CERTIFICATES,
    SETTINGS, TRIGGERS,
};

/// Longest time for one statement.
const ANSWER_MAX: Duration = Duration::from_secs(8);

/// Settings of the server that a check looks at.
const NAMES: &[&str] = &[
    "data_checksums",
    "default_transaction_isolation",
    "fsync",
    "full_page_writes",
    "idle_session_timeout",
    "password_encryption",
    "session_replication_role",
    "statement_timeout",
    "synchronous_commit",
    "synchronous_standby_names",
];

/// Tables whose changes are numbered. A test compares them with a migrated database.
const WATCHED: [&str; 9] = [
    schema::words::DEVICE,
    schema::words::CERTIFICATE,
    schema::words::SERVICE_CLIENT,
    schema::words::SERVICE_CLIENT_CERTIFICATE,
    schema::words::SERVICE_CLIENT_RIGHT,
    "account",
    "organization_member",
    "group_member",
    "device_group",
];

/// A connection with one login.
pub(crate) struct Probe {
    client: Client,
    driver: JoinHandle<()>,
}

/// Why a question got no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProbeError {
    /// The CA file.
    #[error("the CA file of the database {0}")]
    Tls(#[from] TlsError),
    /// The server.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No answer.
    #[error("the database did not answer in time")]
    Silent,
}

/// The login's user.
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) attributes: Vec<String>,
    pub(crate) has_role: bool,
    pub(crate) other_roles: Vec<String>,
    pub(crate) owned: Vec<String>,
    pub(crate) rights: Vec<(String, String)>,
}

/// The server behind the login.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an answer of the server that is yes or no"
)]
pub(crate) struct Server {
    pub(crate) encrypted: bool,
    pub(crate) local: bool,
    pub(crate) standby: bool,
    pub(crate) version_num: i32,
    pub(crate) standbys: i64,
    pub(crate) sees_standbys: bool,
    pub(crate) settings: BTreeMap<String, String>,
}

/// A lease as it stands.
pub(crate) struct LeaseRow {
    pub(crate) process: Uuid,
    pub(crate) replica: String,
    pub(crate) applied: i64,
    pub(crate) renewals: i64,
    pub(crate) length_ms: i32,
}

/// When a service client's last certificate ends.
pub(crate) struct ServiceEnd {
    pub(crate) name: String,
    pub(crate) not_after: Option<OffsetDateTime>,
}

/// The outbox in two numbers.
pub(crate) struct Outbox {
    pub(crate) dead: i64,
    pub(crate) oldest_pending: Option<Duration>,
}

impl Probe {
    /// Connects with the session limits that the service sets for itself.
    pub(crate) async fn connect(config: &StoreConfig) -> Result<Self, ProbeError> {
        let mut postgres = config.postgres.clone();
        postgres
            .application_name("api-service doctor")
            .options(SESSION)
            .connect_timeout(CONNECT_MAX);
        // The server's certificate is checked whenever a CA is configured, as the service does.
        if let Some(ca_file) = &config.ca_file {
            postgres.ssl_mode(tokio_postgres::config::SslMode::Require);
            let connecting = postgres.connect(tls::connector(ca_file)?);
            let (client, connection) = within(connecting).await?;
            let driver = tokio::spawn(async move { drop(connection.await) });
            return Ok(Self { client, driver });
        }
        let (client, connection) = within(postgres.connect(NoTls)).await?;
        let driver = tokio::spawn(async move { drop(connection.await) });
        Ok(Self { client, driver })
    }

    /// Whether a pooler lends server processes to transactions: a second connection's transaction
    /// then gets the process that this one used before. Between two direct connections that cannot
    /// be.
    pub(crate) async fn is_pooled(&self, config: &StoreConfig) -> Result<bool, ProbeError> {
        let first = self.backend().await?;
        let second = Self::connect(config).await?;
        within(second.client.batch_execute("BEGIN")).await?;
        let other = second.backend().await?;
        let again = self.backend().await?;
        Ok(first != again || first == other)
    }

    async fn backend(&self) -> Result<i32, ProbeError> {
        Ok(get(&self.row(PID, &[]).await?, "pid")?)
    }

    /// Who this is and what it may do. `role` is what it is meant to be a member of.
    pub(crate) async fn user(&self, role: &str) -> Result<User, ProbeError> {
        let row = self.row(ROLE, &[]).await?;
        let flags = [
            ("superuser", "SUPERUSER"),
            ("createrole", "CREATEROLE"),
            ("createdb", "CREATEDB"),
            ("bypassrls", "BYPASSRLS"),
            ("replication", "REPLICATION"),
        ];
        let mut attributes = Vec::new();
        for (column, name) in flags {
            if get(&row, column)? {
                attributes.push(name.to_owned());
            }
        }
        let mut roles = self.texts(ROLES, "role").await?;
        let has_role = roles.iter().any(|name| name == role);
        roles.retain(|name| name != role);
        let mut rights = Vec::new();
        for row in self.rows(RELATIONS, &[]).await? {
            rights.push((get(&row, "privilege")?, get(&row, "relation")?));
        }
        let mut owned = Vec::new();
        rights.retain(|(privilege, relation): &(String, String)| {
            let everything = privilege == "OWNER";
            if everything {
                owned.push(relation.clone());
            }
            !everything
        });
        for row in self.rows(FUNCTIONS, &[]).await? {
            rights.push((get(&row, "privilege")?, get(&row, "object")?));
        }
        Ok(User {
            name: get(&row, "name")?,
            attributes,
            has_role,
            other_roles: roles,
            owned,
            rights,
        })
    }

    /// The server and its settings.
    pub(crate) async fn server(&self) -> Result<Server, ProbeError> {
        let row = self.row(SERVER, &[]).await?;
        let mut settings = BTreeMap::new();
        for row in self.rows(SETTINGS, &[&NAMES]).await? {
            settings.insert(get(&row, "name")?, get(&row, "setting")?);
        }
        Ok(Server {
            encrypted: get(&row, "encrypted")?,
            local: get(&row, "local")?,
            standby: get(&row, "standby")?,
            version_num: get(&row, "version_num")?,
            standbys: get(&row, "standbys")?,
            sees_standbys: get(&row, "sees_standbys")?,
            settings,
        })
    }

    /// Why this program and the schema do not fit, if they do not.
    pub(crate) async fn schema_mismatch(&self) -> Result<Option<String>, ProbeError> {
        let checked = tokio::time::timeout(ANSWER_MAX, schema::check_version(&self.client)).await;
        match checked.map_err(|_| ProbeError::Silent)? {
            Ok(()) => Ok(None),
            Err(VersionError::Unreadable(error)) => Err(StoreError::from(error).into()),
            Err(error) => Ok(Some(error.to_string())),
        }
    }

    /// Triggers of the change log that are missing or would not always fire.
    pub(crate) async fn silent_triggers(&self) -> Result<Vec<String>, ProbeError> {
        let mut tables = vec!["change_marker"];
        let mut names = vec!["number_change"];
        for table in WATCHED {
            for name in ["change_insert", "change_update", "change_delete"] {
                tables.push(table);
                names.push(name);
            }
        }
        let rows = self.rows(TRIGGERS, &[&tables, &names]).await?;
        rows.iter().map(|row| Ok(get(row, "silent")?)).collect()
    }

    /// The newest change.
    pub(crate) async fn newest_change(&self) -> Result<i64, ProbeError> {
        Ok(get(&self.row(NEWEST, &[]).await?, "number")?)
    }

    /// Every lease.
    pub(crate) async fn leases(&self) -> Result<Vec<LeaseRow>, ProbeError> {
        let rows = self.rows(LEASES, &[]).await?;
        rows.iter()
            .map(|row| {
                Ok(LeaseRow {
                    process: get(row, "process_uuid")?,
                    replica: get(row, "replica_name")?,
                    applied: get(row, "applied")?,
                    renewals: get(row, "renewals")?,
                    length_ms: get(row, "length_ms")?,
                })
            })
            .collect()
    }

    /// The outbox.
    pub(crate) async fn outbox(&self) -> Result<Outbox, ProbeError> {
        let row = self.row(OUTBOX, &[]).await?;
        let seconds: Option<f64> = get(&row, "oldest_s")?;
        Ok(Outbox {
            dead: get(&row, "dead")?,
            oldest_pending: seconds.and_then(|s| Duration::try_from_secs_f64(s).ok()),
        })
    }

    /// When the last certificate of each service client ends.
    pub(crate) async fn service_certificates(&self) -> Result<Vec<ServiceEnd>, ProbeError> {
        let rows = self.rows(SERVICE_CERTIFICATES, &[]).await?;
        rows.iter()
            .map(|row| {
                let not_after: Option<OffsetDateTime> = get(row, "not_after")?;
                Ok(ServiceEnd {
                    name: get(row, "name")?,
                    not_after,
                })
            })
            .collect()
    }

    async fn texts(&self, sql: &str, column: &'static str) -> Result<Vec<String>, ProbeError> {
        let rows = self.rows(sql, &[]).await?;
        rows.iter().map(|row| Ok(get(row, column)?)).collect()
    }

    async fn rows(
        &self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, ProbeError> {
        within(self.client.query(sql, params)).await
    }

    async fn row(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Row, ProbeError> {
        within(self.client.query_one(sql, params)).await
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

async fn within<T>(
    asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, ProbeError> {
    match tokio::time::timeout(ANSWER_MAX, asked).await {
        Ok(answered) => Ok(answered.map_err(StoreError::from)?),
        Err(_) => Err(ProbeError::Silent),
    }
}
