//! The two dedicated connections: made, driven, the first one listened on.
//!
//! One is followed on. On the other a lease is renewed, which waits for the database's disk: changes do
//! not wait with it.

mod driven;
mod statements;

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use self::driven::Driven;
pub(super) use self::statements::Statements;

use super::{FeedError, within};

/// Making a connection may take this long.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// A statement that reads or writes a few rows may take this long.
pub(super) const STATEMENT_TIME_MAX: Duration = Duration::from_secs(5);

/// Where the database is and how to reach it.
#[derive(Clone)]
pub struct Database {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("hosts", &self.config.get_hosts())
            .finish_non_exhaustive()
    }
}

impl Database {
    /// Takes a parsed URL; `tls` is used where given, and then required.
    pub fn new(mut config: Config, tls: Option<rustls::ClientConfig>) -> Self {
        config
            .application_name("hook-service")
            .connect_timeout(CONNECT_TIME_MAX)
            .keepalives_idle(Duration::from_secs(5))
            .tcp_user_timeout(Duration::from_secs(10));
        if tls.is_some() {
            config.ssl_mode(tokio_postgres::config::SslMode::Require);
        }
        Self {
            config,
            tls: tls.map(MakeRustlsConnect::new),
        }
    }

    /// Connects twice.
    pub(super) async fn link(&self) -> Result<Link, FeedError> {
        let connections = async { tokio::try_join!(self.connect(), self.connect()) };
        let (followed, renewed) = within(CONNECT_TIME_MAX, connections).await?;
        Ok(Link {
            followed,
            renewed: Arc::new(renewed),
        })
    }

    async fn connect(&self) -> Result<Driven, FeedError> {
        if let Some(tls) = &self.tls {
            let (client, connection) = self.config.connect(tls.clone()).await?;
            Ok(Driven::new(client, connection))
        } else {
            let (client, connection) = self.config.connect(NoTls).await?;
            Ok(Driven::new(client, connection))
        }
    }
}

async fn backend_pid(client: &Client) -> Result<i32, FeedError> {
    let asked = client.query_one("SELECT pg_backend_pid() AS pid", &[]);
    Ok(within(STATEMENT_TIME_MAX, asked).await?.try_get("pid")?)
}

/// The connections to a database. When one of them ends, both are given up.
#[derive(Debug)]
pub(super) struct Link {
    followed: Driven,
    renewed: Arc<Driven>,
}

impl Link {
    /// Where changes are read, and where it is told what was applied.
    pub(super) fn client(&self) -> &Client {
        &self.followed.client
    }

    /// The same, for transactions.
    pub(super) fn client_mut(&mut self) -> &mut Client {
        &mut self.followed.client
    }

    /// Where the lease is renewed and given back.
    pub(super) fn renewals(&self) -> &Arc<Driven> {
        &self.renewed
    }

    /// Listens. Once this is acknowledged no change commits without a hint, so it must be before
    /// anything is read.
    pub(super) async fn listen(&self) -> Result<(), FeedError> {
        // A commit that waits for a synchronous standby ends by itself only here: a time-out that
        // somebody set for the role would end it as a success, and extend the lease.
        let endless = "SET statement_timeout = 0";
        let renewals = self.renewed.client.batch_execute(endless);
        within(STATEMENT_TIME_MAX, renewals).await?;
        let listen = format!("{endless}; LISTEN {}", schema::words::CHANGE_CHANNEL);
        within(
            STATEMENT_TIME_MAX,
            self.followed.client.batch_execute(&listen),
        )
        .await
    }

    /// Refuses a pooler in transaction mode: with one, a second connection's transaction gets the
    /// server process that the first one used before. Between two direct connections that cannot be.
    pub(super) async fn refuse_pooler(&self) -> Result<(), FeedError> {
        let (client, second) = (&self.followed.client, &self.renewed.client);
        let first = backend_pid(client).await?;
        within(STATEMENT_TIME_MAX, second.batch_execute("BEGIN")).await?;
        let other = backend_pid(second).await?;
        let again = backend_pid(client).await?;
        within(STATEMENT_TIME_MAX, second.batch_execute("ROLLBACK")).await?;
        if first == again && first != other {
            Ok(())
        } else {
            Err(FeedError::Pooled)
        }
    }

    /// Waits for a hint.
    pub(super) async fn hinted(&self) {
        self.followed.hinted().await;
    }

    /// Waits for the end of a connection.
    pub(super) async fn broken(&self) {
        tokio::select! {
            () = self.followed.broken() => {}
            () = self.renewed.broken() => {}
        }
    }
}
