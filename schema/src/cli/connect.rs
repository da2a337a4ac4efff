//! One connection to the database; waits for a server that is not up yet.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

use super::{Failure, secret_file, tls};

/// Bound of one attempt.
const CONNECT_BOUND: Duration = Duration::from_secs(10);
/// First pause between attempts; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How to reach the database.
#[derive(clap::Args)]
pub(crate) struct Connection {
    /// Where the database is, for example <postgres://owner@localhost/iot_hub>
    #[arg(
        long,
        env = "SCHEMA_DATABASE_URL",
        hide_env_values = true,
        global = true,
        value_name = "URL"
    )]
    database_url: Option<String>,
    /// File with the password, if the server wants one
    #[arg(
        long,
        env = "SCHEMA_DATABASE_PASSWORD_FILE",
        global = true,
        value_name = "FILE"
    )]
    database_password_file: Option<PathBuf>,
    /// PEM file of the CA that signed the server's certificate; makes TLS mandatory
    #[arg(
        long,
        env = "SCHEMA_DATABASE_CA_FILE",
        global = true,
        value_name = "FILE"
    )]
    database_ca_file: Option<PathBuf>,
    /// How long to wait for a server that is not up yet, in seconds (0 to 3600)
    #[arg(long, env = "SCHEMA_WAIT_SECONDS", global = true, default_value_t = 60,
          value_parser = clap::value_parser!(u64).range(0..=3600), value_name = "N")]
    wait_seconds: u64,
}

impl Connection {
    /// Connects, trying again while the server is starting, restarting or not resolvable yet.
    pub(crate) async fn open(&self) -> Result<Client, Failure> {
        let config = self.config()?;
        let give_up = Instant::now() + Duration::from_secs(self.wait_seconds);
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.attempt(&config).await? {
                Ok(client) => return Ok(client),
                Err(error) => error,
            };
            if let Some(refusal) = permanent(&error, &config) {
                return Err(refusal);
            }
            let error = schema::said(&error);
            if Instant::now() + pause > give_up {
                return Err(Failure::other(anyhow::anyhow!(
                    "the database at {} did not answer within {} s: {error}; is it running, and is \
                     the address in SCHEMA_DATABASE_URL right?",
                    place(&config),
                    self.wait_seconds
                )));
            }
            tracing::info!(
                "the database at {} is not up yet ({error}); trying again",
                place(&config)
            );
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn config(&self) -> Result<Config, Failure> {
        let Some(url) = &self.database_url else {
            return Err(Failure::config(anyhow::anyhow!(
                "no database named; set SCHEMA_DATABASE_URL or --database-url, for example \
                 postgres://owner@localhost/iot_hub"
            )));
        };
        // The parser's own message can quote the URL, and a URL can hold a password.
        let mut config: Config = url.parse().map_err(|_| {
            Failure::config(anyhow::anyhow!(
                "SCHEMA_DATABASE_URL is no URL like postgres://owner@localhost/iot_hub"
            ))
        })?;
        if let Some(file) = &self.database_password_file {
            config.password(secret_file::read(file)?.as_bytes());
        }
        if self.database_ca_file.is_some() {
            config.ssl_mode(SslMode::Require);
        } else if config.get_ssl_mode() == SslMode::Require {
            return Err(Failure::config(anyhow::anyhow!(
                "SCHEMA_DATABASE_URL requires TLS; name the server's CA with SCHEMA_DATABASE_CA_FILE"
            )));
        }
        config
            .connect_timeout(CONNECT_BOUND)
            .application_name("schema");
        Ok(config)
    }

    /// The outer result is a mistake in our files, the inner one the server's answer.
    async fn attempt(
        &self,
        config: &Config,
    ) -> Result<Result<Client, tokio_postgres::Error>, Failure> {
        let Some(ca_file) = &self.database_ca_file else {
            return Ok(config.connect(NoTls).await.map(|(client, connection)| {
                tokio::spawn(drive(connection));
                client
            }));
        };
        let connector = tls::connector(ca_file)?;
        Ok(config.connect(connector).await.map(|(client, connection)| {
            tokio::spawn(drive(connection));
            client
        }))
    }
}

async fn drive(connection: impl Future<Output = Result<(), tokio_postgres::Error>>) {
    // The call that needed the connection reports what broke it.
    let _ = connection.await;
}

/// What waiting will not mend.
fn permanent(error: &tokio_postgres::Error, config: &Config) -> Option<Failure> {
    let user = config.get_user().unwrap_or("(nobody)");
    let said = schema::said(error);
    let refusal = match error.code()? {
        &SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            anyhow::anyhow!(
                "the database refused the user {user:?}: {said}; check the user in \
                 SCHEMA_DATABASE_URL and the content of SCHEMA_DATABASE_PASSWORD_FILE"
            )
        }
        &SqlState::INVALID_CATALOG_NAME => {
            anyhow::anyhow!("{said}; create the database first, or correct SCHEMA_DATABASE_URL")
        }
        &SqlState::INSUFFICIENT_PRIVILEGE => {
            anyhow::anyhow!("the user {user:?} may not connect: {said}; grant it CONNECT")
        }
        _ => return None,
    };
    Some(Failure::config(refusal))
}

/// Host and port for messages: no user, no password.
fn place(config: &Config) -> String {
    use tokio_postgres::config::Host;
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "(no host)".to_owned(),
    };
    format!("{host}:{}", config.get_ports().first().unwrap_or(&5432))
}
