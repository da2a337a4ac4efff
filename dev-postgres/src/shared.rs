//! One cluster for all test processes of a target folder.
//!
//! Two lock files (`flock`, which the kernel releases when a process dies in whatever way):
//! `users.lock` is held shared by every process that uses the cluster, until it ends; `start.lock`
//! is held while one process looks at the cluster and starts it if needed. The server's supervisor
//! (`supervisor.sh`) waits for `users.lock` exclusively and stops the
//! server [`IDLE_SECONDS`] after the last user is gone.

use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use crate::binaries::Binaries;
use crate::cluster::Options;
use crate::error::Error;
use crate::folder::Folder;
use crate::postmaster::Postmaster;
use crate::run_as::RunAs;

/// How long the server outlives its last user, so that the next test binary finds it warm;
/// `DEV_POSTGRES_IDLE_SECONDS` changes it.
const IDLE_SECONDS: &str = "20";
const SUPERVISOR: &str = include_str!("shared/supervisor.sh");

/// Autovacuum would connect to a template and make `CREATE DATABASE` wait for it.
const TEST_SETTINGS: [(&str, &str); 2] = [("autovacuum", "off"), ("max_wal_size", "256MB")];

/// What this process holds of the shared cluster.
struct Held {
    folder: Folder,
    /// The shared lock; the kernel gives it back when this process ends.
    _users: File,
}

static HELD: Mutex<Option<Held>> = Mutex::new(None);

/// The shared cluster, as one call found or made it.
pub(crate) struct Server {
    pub(crate) port: u16,
    /// Started by this very call.
    pub(crate) fresh: bool,
}

/// The shared cluster, started if it isn't running. Blocks, up to a minute.
pub(crate) fn server() -> Result<Server, Error> {
    // A panic of another test while it held this lock leaves nothing half-done.
    let mut held = HELD
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let binaries = Binaries::find()?;
    if held.is_none() {
        let folder = Folder::open(&state_folder().join(binaries.major().to_string()))?;
        let users = open_lock(&folder, "users.lock")?;
        let path = folder.path();
        users
            .lock_shared()
            .map_err(Error::io("cannot lock users.lock in", path))?;
        *held = Some(Held {
            folder,
            _users: users,
        });
    }
    let held = held.as_ref().expect("set just above");

    let starting = open_lock(&held.folder, "start.lock")?;
    starting
        .lock()
        .map_err(Error::io("cannot lock start.lock in", held.folder.path()))?;
    match answering(&held.folder) {
        Some(port) => Ok(Server { port, fresh: false }),
        None => Ok(Server {
            port: start(&held.folder, &binaries)?,
            fresh: true,
        }),
    }
}

/// The port of a server that runs and takes connections.
fn answering(folder: &Folder) -> Option<u16> {
    let server = folder.running().filter(|server| server.ready)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port));
    TcpStream::connect_timeout(&address, Duration::from_secs(5)).ok()?;
    Some(server.port)
}

fn start(folder: &Folder, binaries: &Binaries) -> Result<u16, Error> {
    let run_as = RunAs::choose(folder.path(), &folder.data(), binaries.folder())?;
    crate::initdb::ensure(folder, binaries, &run_as)?;
    let log = folder.log();
    File::create(&log).map_err(Error::io("cannot empty the log", &log))?;

    let settings = TEST_SETTINGS
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    let options = Options {
        settings,
        ..Options::default()
    };
    let port = crate::cluster::free_port(folder)?;
    let server = crate::cluster::server_command(binaries, &run_as, folder, &options, port);

    let idle = std::env::var_os("DEV_POSTGRES_IDLE_SECONDS").unwrap_or_else(|| IDLE_SECONDS.into());
    let mut supervisor = Command::new("sh");
    supervisor
        .args(["-c", SUPERVISOR, "dev-postgres-supervisor"])
        .arg(folder.path().join("users.lock"))
        .arg(idle)
        .arg(server.get_program())
        .args(server.get_args());
    crate::cluster::attach_log(&mut supervisor, folder)?;
    let mut supervisor = Postmaster::start(supervisor, folder)?;
    supervisor
        .wait_until_ready(folder)
        .map(|server| server.port)
}

fn open_lock(folder: &Folder, name: &str) -> Result<File, Error> {
    let path = folder.path().join(name);
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .map_err(Error::io("cannot open the lock", &path))
}

/// `DEV_POSTGRES_STATE`, else `dev-postgres` in cargo's target folder, else a temporary place.
fn state_folder() -> PathBuf {
    if let Some(named) = std::env::var_os("DEV_POSTGRES_STATE") {
        return PathBuf::from(named);
    }
    // Cargo marks its target folder with this file; a test binary lies somewhere below it.
    let exe = std::env::current_exe().unwrap_or_default();
    exe.ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file())
        .map_or_else(std::env::temp_dir, Path::to_path_buf)
        .join("dev-postgres")
}
