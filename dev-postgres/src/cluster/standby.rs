//! Streaming replicas, for tests of failover: copy, stop receiving, promote.

use super::{Cluster, Options, start, temporary_folder};
use crate::error::Error;
use crate::initdb::run;
use crate::run_as::RunAs;

impl Cluster {
    /// A streaming replica of this cluster, readable while it follows. Needs `pg_basebackup`.
    pub fn standby(&self) -> Result<Self, Error> {
        let backup = self.binaries.optional("pg_basebackup")?;
        let (folder, temporary) = temporary_folder()?;
        let data = folder.data();
        std::fs::create_dir(&data).map_err(Error::io("cannot make the folder", &data))?;
        let run_as = RunAs::choose(folder.path(), &self.folder.data(), self.binaries.folder())?;
        run_as.own(&data)?;
        std::fs::set_permissions(&data, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .map_err(Error::io("cannot close to others", &data))?;

        let mut command = run_as.command(&backup);
        command
            .args([
                "--host=127.0.0.1",
                "--username=postgres",
                "--checkpoint=fast",
            ])
            .args(["--wal-method=stream", "--write-recovery-conf", "--no-sync"])
            .arg(format!("--port={}", self.port))
            .arg("--pgdata")
            .arg(&data)
            .current_dir("/");
        run(command, "pg_basebackup")?;

        let options = Options {
            data_dir: None,
            port: None,
            ..self.options.clone()
        };
        let (postmaster, server) = start::on_a_port(&self.binaries, &run_as, &folder, &options)?;
        Ok(Self {
            binaries: self.binaries.clone(),
            run_as,
            folder,
            options,
            port: server.port,
            postmaster,
            temporary: Some(temporary),
        })
    }

    /// Cuts a standby off its primary: what the primary commits from now on never arrives, so a
    /// promotion afterwards loses it, as a failover to an asynchronous standby can.
    pub async fn stop_receiving(&self) -> Result<(), Error> {
        let client = self.superuser().await?;
        for statement in [
            "ALTER SYSTEM SET primary_conninfo = ''",
            "SELECT pg_reload_conf()",
        ] {
            client
                .batch_execute(statement)
                .await
                .map_err(Error::sql("cannot cut the standby off"))?;
        }
        crate::test_database::wait_for(
            &client,
            "SELECT NOT EXISTS (SELECT FROM pg_stat_wal_receiver)",
        )
        .await
    }

    /// Makes a standby a primary on a new timeline and waits until it accepts writes.
    pub async fn promote(&self) -> Result<(), Error> {
        let client = self.superuser().await?;
        client
            .batch_execute("SELECT pg_promote(true, 60)")
            .await
            .map_err(Error::sql("cannot promote the standby"))?;
        crate::test_database::wait_for(&client, "SELECT NOT pg_is_in_recovery()").await
    }

    async fn superuser(&self) -> Result<tokio_postgres::Client, Error> {
        crate::test_database::connect(&self.url("postgres", "postgres")).await
    }
}
