//! The folder of one cluster: `pgdata/` (the server's), `postgres.log`, `run.json`.

use std::path::{Path, PathBuf};

use rustix::process::Pid;

use crate::error::Error;
use crate::processes;

/// Longest socket folder for which a Unix socket is offered: `sun_path` holds 108 bytes and the
/// socket's own name takes up to 17.
const SOCKET_FOLDER_MAX_BYTES: usize = 88;

/// What the server wrote about itself in `postmaster.pid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunningServer {
    /// Process id of the postmaster.
    pub pid: i32,
    /// TCP port on 127.0.0.1.
    pub port: u16,
    /// Whether it accepts connections.
    pub ready: bool,
}

/// The folder of one cluster.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes the folder if it is missing; its path becomes absolute.
    pub fn open(path: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(path).map_err(Error::io("cannot make the folder", path))?;
        let path = path
            .canonicalize()
            .map_err(Error::io("cannot resolve", path))?;
        Ok(Self(path))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The server's data folder.
    pub fn data(&self) -> PathBuf {
        self.0.join("pgdata")
    }

    /// The server's log.
    pub fn log(&self) -> PathBuf {
        self.0.join("postgres.log")
    }

    /// Where `dev-postgres run` leaves its own process id.
    pub fn run_file(&self) -> PathBuf {
        self.0.join("run.json")
    }

    /// The folder of the Unix socket, unless its path is too long for one.
    pub fn socket_folder(&self) -> Option<PathBuf> {
        let data = self.data();
        (data.as_os_str().len() <= SOCKET_FOLDER_MAX_BYTES).then_some(data)
    }

    /// What `postmaster.pid` says, if the process it names is alive.
    pub fn running(&self) -> Option<RunningServer> {
        let text = std::fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        let server = parse_pid_file(&text)?;
        processes::is_alive(Pid::from_raw(server.pid)?).then_some(server)
    }

    /// The last lines of the server's log, for an error message.
    pub(crate) fn log_tail(&self) -> String {
        let text = std::fs::read(self.log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(8)..].join(" | ")
    }
}

/// Lines: pid, data folder, start time, port, socket folder, listen address, shared memory, status.
fn parse_pid_file(text: &str) -> Option<RunningServer> {
    let lines: Vec<&str> = text.lines().collect();
    let pid: i32 = lines.first()?.trim().parse().ok()?;
    if pid <= 0 {
        return None; // a single-user backend writes a negative id
    }
    let port = lines
        .get(3)
        .and_then(|port| port.trim().parse().ok())
        .unwrap_or(0);
    let ready = lines.get(7).is_some_and(|status| status.trim() == "ready");
    Some(RunningServer { pid, port, ready })
}

#[cfg(test)]
mod tests {
    use super::{RunningServer, parse_pid_file};

    #[test]
    fn a_pid_file_is_read_while_it_is_still_being_written() {
        let whole = "71\n/d\n1700000000\n5433\n/s\n127.0.0.1\n  1  2\nready   \n";
        assert_eq!(
            parse_pid_file(whole),
            Some(RunningServer {
                pid: 71,
                port: 5433,
                ready: true
            })
        );
        assert_eq!(
            parse_pid_file("71\n/d\n"),
            Some(RunningServer {
                pid: 71,
                port: 0,
                ready: false
            })
        );
        assert_eq!(parse_pid_file(""), None);
        assert_eq!(parse_pid_file("-71\n"), None);
    }
}
