//! A durable PostgreSQL of this run alone, with the migrated schema and logins of our services.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use chaos::programs::Programs;
use tempfile::TempDir;

use crate::cpu::Clock;
use crate::programs::{Running, wait_for_file};

/// The password of every login of a run; the server trusts everybody on the loopback anyway.
pub(crate) const PASSWORD: &str = "benches";

/// The server. It ends with this value, and its files are removed.
#[derive(Debug)]
pub(crate) struct Database {
    /// Ends before its folder goes.
    _server: Running,
    /// As its owner.
    pub(crate) url: String,
    pub(crate) port: u64,
    /// A file with [`PASSWORD`].
    pub(crate) password_file: PathBuf,
    /// What the server writes to its log.
    pub(crate) log: PathBuf,
    postmaster: u32,
    programs: PathBuf,
    pub(crate) folder: TempDir,
}

impl Database {
    /// Starts and migrates one, and makes these logins. Needs `dev-postgres` and `schema`.
    pub(crate) fn start(programs: &Programs, logins: &[&str]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("making a folder for the database")?;
        // As root, PostgreSQL runs as another user, who must pass through.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711))?;
        let address_file = folder.path().join("postgres.json");
        let mut run = Command::new(programs.path("dev-postgres"));
        run.args(["run", "--durable", "--data"])
            .arg(folder.path().join("data"))
            .arg("--address-file")
            .arg(&address_file);
        let mut server = Running::start(&mut run, "dev-postgres")?;
        let announced = wait_for_file(&address_file, &mut server)?;
        let text = |key: &str| announced[key].as_str().map(str::to_owned);
        let number = |key: &str| announced[key].as_u64();
        let postmaster = number("pid").and_then(|id| u32::try_from(id).ok());
        let database = Self {
            _server: server,
            url: text("url").context("dev-postgres says where it is")?,
            port: number("port").context("dev-postgres says its port")?,
            password_file: folder.path().join("password"),
            log: text("log")
                .context("dev-postgres says where its log is")?
                .into(),
            postmaster: postmaster.context("dev-postgres says its process")?,
            programs: text("bin").unwrap_or_default().into(),
            folder,
        };
        std::fs::write(&database.password_file, format!("{PASSWORD}\n"))?;
        database.migrate(&programs.path("schema"), logins)?;
        Ok(database)
    }

    fn migrate(&self, schema: &Path, logins: &[&str]) -> anyhow::Result<()> {
        let mut migrate = Command::new(schema);
        migrate.arg("migrate");
        for login in logins {
            let login = format!("{login}={}", self.password_file.display());
            migrate.arg("--login").arg(login);
        }
        let status = migrate
            .env("SCHEMA_DATABASE_URL", &self.url)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .context("running schema migrate")?;
        if !status.success() {
            bail!("schema migrate ended with {status}");
        }
        Ok(())
    }

    /// Its address for one of the logins, without a password.
    pub(crate) fn url_of(&self, login: &str) -> String {
        format!("postgres://{login}@127.0.0.1:{}/postgres", self.port)
    }

    /// A program of PostgreSQL: beside the server, else wherever the system finds it.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        let beside = self.programs.join(name);
        if beside.is_file() {
            return beside;
        }
        name.into()
    }

    /// The clock of all its processes, those that have ended too.
    pub(crate) fn clock(&self) -> Clock {
        Clock::of_family(self.postmaster)
    }
}
