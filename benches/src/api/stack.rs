//! A durable PostgreSQL with a fleet, an issuer of tokens, and the shipped api-service between them.

use std::fs::File;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chaos::pki::Pki;
use chaos::process;
use chaos::programs::Programs;
use dev_issuer::{DevIssuer, Options};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

use crate::cpu::Clock;
use crate::database::Database;
use crate::programs::{Running, START_TIME_MAX, is_ready, pause, wait_for_file};
use crate::report::say;
use crate::servers::address;

/// What runs beside this program.
const PROGRAMS: [&str; 3] = ["dev-postgres", "schema", "api-service"];

/// Connections of the service's pool, its default, and of pgbench.
pub(super) const POOL: u32 = 16;

/// The fleet, with whose it is.
const FLEET: &str = include_str!("../../../schema/fixtures/fleet.sql");

/// Of owner 1,000 at most, see [`FLEET`].
pub(super) const OWNERS: u32 = 1000;

/// A certificate has this many blocks of 16 bytes: as long as a real one.
const DER_BLOCKS: u32 = 38;

/// Entries of the audit are sealed within this time after the last command.
const SEALED_WITHIN: Duration = Duration::from_secs(120);

/// Tokens last longer than any run.
const TOKEN_SECONDS: u64 = 7200;

/// Everything that is asked, and whoever asks the database itself.
pub(super) struct Stack {
    /// Ends before the database does.
    service: Running,
    pub(super) api: SocketAddr,
    pub(super) database: Database,
    pub(super) pki: Pki,
    pub(super) issuer: DevIssuer,
    admin: Client,
    pub(super) runtime: Runtime,
}

impl Stack {
    /// Starts all of it with so many devices. Statements are logged until
    /// [`Stack::stop_recording`].
    pub(super) fn start(devices: u32) -> anyhow::Result<Self> {
        let programs = Programs::up_to_date(&PROGRAMS)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("starting a runtime")?;
        let issuer = runtime
            .block_on(DevIssuer::start(Options::default()))
            .context("starting an issuer")?;
        say(&format!(
            "a durable PostgreSQL with {devices} devices is being made"
        ));
        let database = Database::start(&programs, &["api"])?;
        let admin = runtime.block_on(fill(&database, devices, issuer.issuer()))?;
        let pki = Pki::temporary(&[])?;
        let (service, api) = start_service(&programs, &database, &pki, issuer.issuer())?;
        Ok(Self {
            service,
            api,
            database,
            pki,
            issuer,
            admin,
            runtime,
        })
    }

    /// Ends the logging of statements, for everybody.
    pub(super) fn stop_recording(&self) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            log_statements(&self.admin, false).await?;
            let row = self.admin.query_one("SHOW log_statement", &[]).await?;
            let left: String = row.get(0);
            ensure!(left == "none", "the server still logs {left} statements");
            Ok(())
        })
    }

    /// Waits until the audit is sealed, and writes a checkpoint: every half of a round begins alike.
    pub(super) fn settle(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + SEALED_WITHIN;
        let waiting = "SELECT count(*) FROM audit_unsealed";
        self.runtime.block_on(async {
            while self.admin.query_one(waiting, &[]).await?.get::<_, i64>(0) > 0 {
                ensure!(Instant::now() < deadline, "the audit is not being sealed");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            self.admin.batch_execute("CHECKPOINT").await?;
            Ok(())
        })
    }

    /// The clock of the service alone.
    pub(super) fn service_clock(&self) -> Clock {
        self.service.clock()
    }

    /// The clock of service and database.
    pub(super) fn clock(&self) -> Clock {
        self.service.clock().with(self.database.clock())
    }

    /// An access token for somebody with roles.
    pub(super) fn token(&self, subject: &str, roles: &[&str]) -> String {
        let mut claims = self.issuer.claims(subject, roles);
        let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        claims["exp"] = json!(now.as_secs() + TOKEN_SECONDS);
        self.issuer.sign(&self.issuer.header(), &claims)
    }
}

async fn fill(database: &Database, devices: u32, issuer: &str) -> anyhow::Result<Client> {
    let (admin, connection) = tokio_postgres::connect(&database.url, NoTls)
        .await
        .context("connecting as the database's owner")?;
    // Ends when the client is dropped.
    tokio::spawn(connection);
    let settings =
        "SELECT set_config('fleet.devices', $1, false), set_config('fleet.issuer', $2, false),
                           set_config('fleet.der_blocks', $3, false)";
    let (devices, blocks) = (devices.to_string(), DER_BLOCKS.to_string());
    admin
        .query_one(settings, &[&devices, &issuer, &blocks])
        .await?;
    admin.batch_execute(FLEET).await.context("making a fleet")?;
    admin.batch_execute("VACUUM ANALYZE").await?;
    log_statements(&admin, true).await?;
    Ok(admin)
}

/// Who does not read the new setting yet does so before its next statement.
async fn log_statements(admin: &Client, all: bool) -> anyhow::Result<()> {
    let value = if all { "'all'" } else { "DEFAULT" };
    for statement in [
        format!("ALTER SYSTEM SET log_statement = {value}"),
        "SELECT pg_reload_conf()".to_owned(),
    ] {
        admin.batch_execute(&statement).await?;
    }
    // The server tells its sessions after it has read the file; this one is told like all others.
    let wanted = if all { "all" } else { "none" };
    let deadline = Instant::now() + Duration::from_secs(10);
    while admin
        .query_one("SHOW log_statement", &[])
        .await?
        .get::<_, &str>(0)
        != wanted
    {
        ensure!(
            Instant::now() < deadline,
            "the server does not read its settings"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Starts api-service as it ships, with its log in a file, and waits until it is ready.
fn start_service(
    programs: &Programs,
    database: &Database,
    pki: &Pki,
    issuer: &str,
) -> anyhow::Result<(Running, SocketAddr)> {
    let file = |name: &str| database.folder.path().join(name);
    let pem = |name: &str| pki.folder().join(name);
    let (address_file, log) = (file("api.json"), file("api.log"));
    let mut run = process::command(&programs.path("api-service"));
    run.env("API_LISTEN", "127.0.0.1:0")
        .env("API_OPS_LISTEN", "127.0.0.1:0")
        .env("API_DATABASE_URL", database.url_of("api"))
        .env("API_DATABASE_PASSWORD_FILE", &database.password_file)
        .env("API_DATABASE_POOL_MAX", POOL.to_string())
        .env("API_TOKEN_ISSUERS", issuer)
        // A few people ask here for thousands, from one address.
        .env("API_RATE_PER_ACCOUNT", "0")
        .env("API_RATE_PER_ADDRESS", "0")
        .env("API_DEVICE_CA_CERT_FILE", pem("device-ca.pem"))
        .env("API_DEVICE_CA_KEY_FILE", pem("device-ca.key"))
        .env("API_ROOT_CA_CERT_FILE", pem("root-ca.pem"))
        .env("API_SERVER_CA_CERT_FILE", pem("server-ca.pem"))
        .env("API_ADDRESS_FILE", &address_file)
        .stderr(File::create(&log).context("making a log")?);
    let mut start = || -> anyhow::Result<(Running, SocketAddr)> {
        let mut service = Running::start(&mut run, "api-service")?;
        let announced = wait_for_file(&address_file, &mut service)?;
        let (api, ops) = (address(&announced, "api")?, address(&announced, "ops")?);
        let begun = Instant::now();
        while !is_ready(ops) {
            ensure!(begun.elapsed() < START_TIME_MAX, "api-service is not ready");
            pause();
        }
        Ok((service, api))
    };
    start().with_context(|| {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        let last: Vec<&str> = said.lines().rev().take(5).collect();
        format!("api-service said: {}", last.join(" / "))
    })
}
