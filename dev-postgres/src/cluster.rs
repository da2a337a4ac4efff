//! A server owned by this process: started, restarted, paused, killed, copied to a standby.

mod standby;
mod start;

use std::path::PathBuf;

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use crate::binaries::Binaries;
use crate::error::Error;
use crate::folder::Folder;
use crate::postmaster::Postmaster;
use crate::processes;
use crate::run_as::RunAs;

pub(crate) use start::{attach_log, command as server_command, free_port};

/// What kind of cluster to start.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Folder of the cluster, kept between starts; `None` is a temporary one, removed at the end.
    pub data_dir: Option<PathBuf>,
    /// TCP port on 127.0.0.1; `None` or 0 is a free one.
    pub port: Option<u16>,
    /// `true` keeps fsync, synchronous commit and full page writes on, as production has them:
    /// for benchmarks and for tests that kill the server. `false` is several times faster.
    pub durable: bool,
    /// More server settings, given as `-c name=value`; they win over ours.
    pub settings: Vec<(String, String)>,
}

/// How to end a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Ends sessions, writes a checkpoint.
    Fast,
    /// As a power cut: no checkpoint, recovery at the next start.
    Immediate,
}

impl Stop {
    fn signal(self) -> Signal {
        match self {
            Self::Fast => Signal::INT,
            Self::Immediate => Signal::QUIT,
        }
    }
}

/// One server. Dropping it stops the server; if this process is killed, the server stops too.
#[derive(Debug)]
pub struct Cluster {
    binaries: Binaries,
    run_as: RunAs,
    folder: Folder,
    options: Options,
    port: u16,
    postmaster: Postmaster,
    /// Held only to be removed at the end, after the server.
    temporary: Option<TempDir>,
}

impl Cluster {
    /// Starts a cluster and waits until it accepts connections. Blocks, up to a minute.
    pub fn start(options: Options) -> Result<Self, Error> {
        let binaries = Binaries::find()?;
        let (folder, temporary) = if let Some(path) = &options.data_dir {
            (Folder::open(path)?, None)
        } else {
            let (folder, temporary) = temporary_folder()?;
            (folder, Some(temporary))
        };
        let run_as = RunAs::choose(folder.path(), &folder.data(), binaries.folder())?;
        crate::initdb::ensure(&folder, &binaries, &run_as)?;
        let (postmaster, server) = start::on_a_port(&binaries, &run_as, &folder, &options)?;
        Ok(Self {
            binaries,
            run_as,
            folder,
            options,
            port: server.port,
            postmaster,
            temporary,
        })
    }

    /// `postgres://user@127.0.0.1:port/database`. The superuser is `postgres`; no passwords.
    pub fn url(&self, database: &str, user: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// TCP port on 127.0.0.1; it stays the same over restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Process id of the postmaster.
    pub fn pid(&self) -> i32 {
        self.postmaster.pid().as_raw_nonzero().get()
    }

    /// The folder with data and log.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The binaries it runs.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// Stops the server and starts it again on the same port and data.
    pub fn restart(&mut self, stop: Stop) -> Result<(), Error> {
        self.stop(stop);
        self.start_again()
    }

    /// Starts a stopped or crashed server on the same port and data.
    pub fn start_again(&mut self) -> Result<(), Error> {
        let options = Options {
            port: Some(self.port),
            ..self.options.clone()
        };
        let (postmaster, _) =
            start::on_a_port(&self.binaries, &self.run_as, &self.folder, &options)?;
        self.postmaster = postmaster;
        Ok(())
    }

    /// Stops the server and waits for its end; does nothing to a stopped one.
    pub fn stop(&mut self, stop: Stop) {
        self.stop_with(stop.signal());
    }

    /// Kills every process of the server at once, as an out-of-memory killer would.
    pub fn kill(&mut self) {
        // Frozen first: a postmaster that cannot run reaps nobody, so no process id is reused.
        self.pause();
        let children: Vec<Pid> = self.processes().skip(1).collect();
        for child in &children {
            processes::signal(*child, Signal::KILL);
        }
        self.stop_with(Signal::KILL);
        // Nobody reaps them any more, and as long as one of them ends, the memory that they share is in
        // use: a server that starts again would refuse to.
        processes::wait_for_ends(&children);
    }

    /// Freezes every process: connections stay open and nothing answers any more.
    pub fn pause(&mut self) {
        // The postmaster first, so that it cannot start a process that would be missed.
        let postmaster = self.processes().next();
        for process in postmaster.into_iter().chain(self.processes().skip(1)) {
            processes::signal(process, Signal::STOP);
        }
    }

    /// Continues after [`Cluster::pause`].
    pub fn resume(&mut self) {
        for process in self.processes() {
            processes::signal(process, Signal::CONT);
        }
    }

    /// The postmaster and its children; nobody when it has ended, since its id may be another's.
    fn processes(&mut self) -> impl Iterator<Item = Pid> + use<> {
        let postmaster = self.ended().is_none().then(|| self.postmaster.pid());
        let children = postmaster.map(processes::children).unwrap_or_default();
        postmaster.into_iter().chain(children)
    }

    fn stop_with(&mut self, signal: Signal) {
        self.postmaster.stop(signal);
    }

    /// Whether the server ended by itself, with how.
    pub fn ended(&mut self) -> Option<String> {
        self.postmaster.wait_for_exit(std::time::Duration::ZERO)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.resume();
        // A temporary cluster is thrown away, so its last checkpoint would be wasted.
        let stop = if self.temporary.is_some() {
            Stop::Immediate
        } else {
            Stop::Fast
        };
        self.stop(stop);
    }
}

fn temporary_folder() -> Result<(Folder, TempDir), Error> {
    let base = std::env::temp_dir();
    let temporary = tempfile::Builder::new()
        .prefix("dev-postgres-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir_in(&base)
        .map_err(Error::io("cannot make a temporary folder in", &base))?;
    Ok((Folder::open(temporary.path())?, temporary))
}
