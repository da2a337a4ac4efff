//! PostgreSQL: in this process's hands, so that it can be frozen, killed and failed over.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use dev_postgres::{Cluster, Options, Stop};
use tokio_postgres::{Client, NoTls};

use super::{API_PASSWORD, HOOK_PASSWORD, Places};
use crate::device::Device;
use crate::process::command;

/// The database that both services share.
const NAME: &str = "postgres";
/// A statement of ours that takes longer has met a fault.
const STATEMENT_TIME_MAX: Duration = Duration::from_secs(10);

/// The server, and its standby if there is one.
#[derive(Debug, Clone)]
pub struct Database {
    primary: Arc<Mutex<Cluster>>,
    standby: Arc<Mutex<Option<Cluster>>>,
}

impl Database {
    pub(super) async fn start(data_dir: PathBuf, durable: bool) -> anyhow::Result<Self> {
        let options = Options {
            data_dir: Some(data_dir),
            port: None,
            durable,
            settings: vec![("wal_keep_size".to_owned(), "64".to_owned())],
        };
        let started = tokio::task::spawn_blocking(move || Cluster::start(options)).await;
        Ok(Self {
            primary: Arc::new(Mutex::new(started.context("starting PostgreSQL")??)),
            standby: Arc::default(),
        })
    }

    /// Where it listens; another port after a failover.
    pub fn address(&self) -> SocketAddr {
        let primary = self.primary.lock().unwrap_or_else(PoisonError::into_inner);
        SocketAddr::from((Ipv4Addr::LOCALHOST, primary.port()))
    }

    /// The URL for its owner.
    pub fn url(&self) -> String {
        let primary = self.primary.lock().unwrap_or_else(PoisonError::into_inner);
        primary.url(NAME, "postgres")
    }

    pub(super) async fn migrate(&self, places: &Places) -> anyhow::Result<()> {
        let mut schema = command(&places.programs.path("schema"));
        schema.arg("migrate");
        for (user, file) in [("hook", HOOK_PASSWORD), ("api", API_PASSWORD)] {
            let file = places.file(file);
            schema
                .arg("--login")
                .arg(format!("{user}={}", file.display()));
        }
        schema
            .env("SCHEMA_DATABASE_URL", self.url())
            .stdout(Stdio::null());
        let migrated = tokio::task::spawn_blocking(move || schema.output()).await;
        let output = migrated.context("running schema")??;
        ensure!(
            output.status.success(),
            "schema migrate: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    /// A connection as its owner, straight to the server.
    pub async fn connect(&self) -> anyhow::Result<Client> {
        let url = self.url();
        let connect = tokio_postgres::connect(&url, NoTls);
        let (client, connection) = tokio::time::timeout(STATEMENT_TIME_MAX, connect)
            .await
            .context("connecting to PostgreSQL took too long")??;
        // Ends when the client is dropped.
        tokio::spawn(connection);
        Ok(client)
    }

    /// Runs a statement as the owner.
    pub async fn execute(&self, sql: &str) -> anyhow::Result<()> {
        let client = self.connect().await?;
        tokio::time::timeout(STATEMENT_TIME_MAX, client.batch_execute(sql))
            .await
            .with_context(|| format!("took too long: {sql}"))?
            .with_context(|| sql.to_owned())
    }

    /// A number that a statement answers.
    pub async fn number(&self, sql: &str) -> anyhow::Result<i64> {
        let client = self.connect().await?;
        let row = tokio::time::timeout(STATEMENT_TIME_MAX, client.query_one(sql, &[]))
            .await
            .with_context(|| format!("took too long: {sql}"))?
            .with_context(|| sql.to_owned())?;
        row.try_get(0).with_context(|| sql.to_owned())
    }

    /// Puts devices and their certificates in, in one transaction.
    pub(super) async fn register(&self, devices: &[Device]) -> anyhow::Result<()> {
        let mut client = self.connect().await?;
        let tx = client.transaction().await?;
        let ids: Vec<&str> = devices.iter().map(|device| device.id.as_str()).collect();
        tx.execute(
            "INSERT INTO device (device_id, lifecycle, model, public_key)
             SELECT id, 'bound', 'chaos', '\\x00' FROM unnest($1::text[]) AS id",
            &[&ids],
        )
        .await?;
        let rows = || devices.iter().map(|device| &device.registered);
        let fingerprints: Vec<&[u8]> = rows().map(|row| row.fingerprint.as_slice()).collect();
        let ders: Vec<&[u8]> = rows().map(|row| row.der.as_slice()).collect();
        let begins: Vec<_> = rows().map(|row| row.not_before).collect();
        let ends: Vec<_> = rows().map(|row| row.not_after).collect();
        tx.execute(
            "INSERT INTO certificate (fingerprint, device_id, serial, not_before, not_after, der)
             SELECT fingerprint, id, substr(fingerprint, 1, 16), not_before, not_after, der
             FROM unnest($1::bytea[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::bytea[])
               AS t(fingerprint, id, not_before, not_after, der)",
            &[&fingerprints, &ids, &begins, &ends, &ders],
        )
        .await?;
        tx.commit().await.context("registering devices")
    }

    /// Freezes every process of the server.
    pub async fn pause(&self) -> anyhow::Result<()> {
        self.with(|cluster| {
            cluster.pause();
            Ok(())
        })
        .await
    }

    /// Goes on after [`Database::pause`].
    pub async fn resume(&self) -> anyhow::Result<()> {
        self.with(|cluster| {
            cluster.resume();
            Ok(())
        })
        .await
    }

    /// Kills every process of the server at once.
    pub async fn kill(&self) -> anyhow::Result<()> {
        self.with(|cluster| {
            cluster.kill();
            Ok(())
        })
        .await
    }

    /// Starts it again on the same port and data.
    pub async fn start_again(&self) -> anyhow::Result<()> {
        self.with(|cluster| cluster.start_again().map_err(Into::into))
            .await
    }

    /// Starts it again if it ended by itself.
    pub async fn start_again_if_ended(&self) -> anyhow::Result<()> {
        self.with(|cluster| match cluster.ended() {
            Some(_) => cluster.start_again().map_err(Into::into),
            None => Ok(()),
        })
        .await
    }

    /// Restarts it: as a power cut (`true`), or in an orderly way.
    pub async fn restart(&self, power_cut: bool) -> anyhow::Result<()> {
        let stop = if power_cut {
            Stop::Immediate
        } else {
            Stop::Fast
        };
        self.with(move |cluster| cluster.restart(stop).map_err(Into::into))
            .await
    }

    /// Makes a synchronous standby: from here on a commit waits until the standby has it.
    pub async fn add_standby(&self) -> anyhow::Result<()> {
        let standby = self
            .with(|cluster| cluster.standby().map_err(Into::into))
            .await?;
        *self.standby.lock().unwrap_or_else(PoisonError::into_inner) = Some(standby);
        for statement in [
            "ALTER SYSTEM SET synchronous_standby_names = '*'",
            "SELECT pg_reload_conf()",
        ] {
            self.execute(statement).await?;
        }
        crate::wait::until("a synchronous standby", STATEMENT_TIME_MAX, || async {
            let sql = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
            Ok((self.number(sql).await? == 1).then_some(()))
        })
        .await
    }

    /// Kills the primary and promotes its standby, which is the primary then. The old one never
    /// comes back.
    pub async fn fail_over(&self) -> anyhow::Result<()> {
        self.kill().await?;
        let standby = self
            .standby
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let standby = standby.context("there is no standby")?;
        standby.promote().await?;
        let old = {
            let mut primary = self.primary.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *primary, standby)
        };
        // Blocks while it looks whether the dead server has ended.
        tokio::task::spawn_blocking(move || drop(old))
            .await
            .context("dropping the old primary")
    }

    async fn with<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Cluster) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let primary = Arc::clone(&self.primary);
        let acted = tokio::task::spawn_blocking(move || {
            act(&mut primary.lock().unwrap_or_else(PoisonError::into_inner))
        });
        acted.await.context("acting on PostgreSQL")?
    }
}
