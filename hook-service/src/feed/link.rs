//! The dedicated connection: made, driven, listened on.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::sync::CancellationToken;

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

    /// Connects.
    pub(super) async fn link(&self) -> Result<Link, FeedError> {
        within(CONNECT_TIME_MAX, self.connect()).await
    }

    async fn connect(&self) -> Result<Link, FeedError> {
        if let Some(tls) = &self.tls {
            let (client, connection) = self.config.connect(tls.clone()).await?;
            Ok(Link::drive(client, connection))
        } else {
            let (client, connection) = self.config.connect(NoTls).await?;
            Ok(Link::drive(client, connection))
        }
    }

    /// Refuses a pooler in transaction mode: with one, a second connection's transaction gets the
    /// server process that the first one used before. Between two direct connections that cannot be.
    pub(super) async fn refuse_pooler(&self, link: &Link) -> Result<(), FeedError> {
        let first = backend_pid(&link.client).await?;
        let second = within(CONNECT_TIME_MAX, self.connect()).await?;
        within(STATEMENT_TIME_MAX, second.client.batch_execute("BEGIN")).await?;
        let other = backend_pid(&second.client).await?;
        let again = backend_pid(&link.client).await?;
        if first == again && first != other {
            Ok(())
        } else {
            Err(FeedError::Pooled)
        }
    }
}

async fn backend_pid(client: &Client) -> Result<i32, FeedError> {
    let asked = client.query_one("SELECT pg_backend_pid() AS pid", &[]);
    Ok(within(STATEMENT_TIME_MAX, asked).await?.try_get("pid")?)
}

/// A driven connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) client: Client,
    /// Set by every notification; several between two looks are one.
    hint: Arc<Notify>,
    broken: CancellationToken,
    driver: JoinHandle<()>,
}

impl Link {
    /// The connection must be driven before anything is awaited on its client.
    fn drive<S, T>(client: Client, mut connection: Connection<S, T>) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let hint = Arc::new(Notify::new());
        let broken = CancellationToken::new();
        let (hinted, ended) = (Arc::clone(&hint), broken.clone());
        let driver = tokio::spawn(async move {
            loop {
                match std::future::poll_fn(|cx| connection.poll_message(cx)).await {
                    // What it says is not read: a hint is never data.
                    Some(Ok(AsyncMessage::Notification(_))) => hinted.notify_one(),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => {
                        tracing::debug!(%error, "the connection to the database ended");
                        break;
                    }
                    None => break,
                }
            }
            ended.cancel();
        });
        Self {
            client,
            hint,
            broken,
            driver,
        }
    }

    /// Listens. Once this is acknowledged no change commits without a hint, so it must be before
    /// anything is read.
    pub(super) async fn listen(&self) -> Result<(), FeedError> {
        // A commit that waits for a synchronous standby ends by itself only here: a time-out that
        // somebody set for the role would end it as a success, and extend the lease.
        let listen = format!(
            "SET statement_timeout = 0; LISTEN {}",
            schema::words::CHANGE_CHANNEL
        );
        within(STATEMENT_TIME_MAX, self.client.batch_execute(&listen)).await
    }

    /// Waits for a hint.
    pub(super) async fn hinted(&self) {
        self.hint.notified().await;
    }

    /// Waits for the connection's end.
    pub(super) async fn broken(&self) {
        self.broken.cancelled().await;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
