//! The pool of connections, with a bound on every wait.

use std::path::PathBuf;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::NoTls;

use super::{Connection, StoreError, tls};

/// How to reach the database.
#[derive(Clone)]
pub(crate) struct StoreConfig {
    /// Address, user, database name and password.
    pub(crate) postgres: tokio_postgres::Config,
    /// The CA that the server's certificate must come from; plain TCP without.
    pub(crate) ca_file: Option<PathBuf>,
    /// Most connections.
    pub(crate) pool_size_max: usize,
}

/// Limits that the server enforces on each of our sessions: no statement, lock or silent transaction
/// of ours may hold others up for long.
pub(super) const SESSION: &str = "-c statement_timeout=5s -c lock_timeout=3s \
     -c idle_in_transaction_session_timeout=10s -c timezone=UTC";

/// Longest wait for a free connection.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// Longest time to make a connection.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(3);

/// The database, through a pool.
#[derive(Clone)]
pub(crate) struct Store {
    pool: Pool,
}

impl Store {
    /// Sets the pool up. It connects when the first command asks.
    pub(crate) fn new(config: StoreConfig) -> Result<Self, tls::TlsError> {
        let mut postgres = config.postgres;
        postgres
            .application_name("api-service")
            .options(SESSION)
            .connect_timeout(CONNECT_MAX)
            .keepalives_idle(Duration::from_secs(30))
            .tcp_user_timeout(Duration::from_secs(10));
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = match &config.ca_file {
            Some(path) => {
                postgres.ssl_mode(tokio_postgres::config::SslMode::Require);
                Manager::from_config(postgres, tls::connector(path)?, recycling)
            }
            None => Manager::from_config(postgres, NoTls, recycling),
        };
        let pool = Pool::builder(manager)
            .max_size(config.pool_size_max)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT_MAX))
            .create_timeout(Some(CONNECT_MAX))
            .recycle_timeout(Some(CONNECT_MAX))
            .build()
            .expect("a runtime is given, which is all that building asks for");
        Ok(Self { pool })
    }

    /// A connection of the pool.
    pub(crate) async fn connect(&self) -> Result<Connection, StoreError> {
        Ok(Connection(self.pool.get().await?))
    }

    /// Connections in use now.
    pub(crate) fn in_use(&self) -> usize {
        let status = self.pool.status();
        status.size.saturating_sub(status.available)
    }

    /// Closes every connection; later commands fail.
    pub(crate) fn close(&self) {
        self.pool.close();
    }
}
