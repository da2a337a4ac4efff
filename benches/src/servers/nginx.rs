//! nginx answering a constant: found on the machine, else installed by the system's packages.
//!
//! Its configuration is written here, and is the best for nginx that we know: one worker for each
//! processor, a listening socket for each worker, no log, room for a whole burst of requests.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tempfile::TempDir;

use super::Constants;
use crate::cpu::Clock;
use crate::report::say;

/// nginx listens within this time.
const START_TIME_MAX: Duration = Duration::from_secs(5);

/// Where packages put it besides the places of `PATH`.
const PLACES: [&str; 2] = ["/usr/sbin/nginx", "/usr/local/sbin/nginx"];

/// A running nginx; ends with this value, and also when this process is killed.
#[derive(Debug)]
pub(crate) struct Nginx {
    child: Child,
    pub(crate) address: SocketAddr,
    /// What `nginx -v` says.
    pub(crate) version: String,
    workers: usize,
    _folder: TempDir,
}

impl Nginx {
    /// Starts it with one worker for each of `workers` processors.
    pub(crate) fn start(constants: &Constants, workers: usize) -> anyhow::Result<Self> {
        let program = find_or_install()?;
        let folder = tempfile::tempdir().context("making a folder for nginx")?;
        // nginx cannot be given port 0. Between here and its start somebody else may take the port;
        // then it does not start, and says so.
        let address = {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("finding a port")?;
            free.local_addr()?
        };
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, config(folder.path(), address, constants, workers))
            .context("writing nginx.conf")?;
        // setpriv ends it when this process is killed.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM", "--"])
            .arg(&program)
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&file)
            .args(["-e", "stderr"])
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {} through setpriv", program.display()))?;
        let mut nginx = Self {
            child,
            address,
            version: version(&program),
            workers,
            _folder: folder,
        };
        nginx.wait_until_ready()?;
        Ok(nginx)
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let start = Instant::now();
        while TcpStream::connect(self.address).is_err()
            || self.worker_processes().len() < self.workers
        {
            if let Some(status) = self.child.try_wait()? {
                bail!("nginx ended at once ({status}); its reason stands above");
            }
            if start.elapsed() > START_TIME_MAX {
                bail!(
                    "nginx does not listen on {} after {START_TIME_MAX:?}",
                    self.address
                );
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        Ok(())
    }

    /// The clock of its workers' CPU time.
    pub(crate) fn clock(&self) -> Clock {
        Clock::of(self.worker_processes())
    }

    fn worker_processes(&self) -> Vec<u32> {
        let master = self.child.id();
        let path = format!("/proc/{master}/task/{master}/children");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.split_ascii_whitespace()
            .filter_map(|id| id.parse().ok())
            .collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGTERM lets the master end its workers; a kill would leave them behind.
        if let Some(pid) = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

fn config(folder: &Path, address: SocketAddr, constants: &Constants, workers: usize) -> String {
    // A `$` would be a variable, and nginx has no escape for it. The size stays the same.
    let constant = |body: &[u8]| String::from_utf8_lossy(body).replace(['$', '\''], "_");
    let folder = folder.display();
    format!(
        "daemon off;
worker_processes {workers};
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  server_tokens off;
  default_type application/json;
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
  tcp_nodelay on;
  client_header_buffer_size 32k;
  client_max_body_size 16k;
  client_body_buffer_size 16k;
  client_body_temp_path {folder}/client;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen {address} reuseport;
    location = /authn/device {{ return 200 '{}'; }}
    location = /authz {{ return 200 '{}'; }}
  }}
}}
",
        constant(&constants.authn),
        constant(&constants.authz),
    )
}

/// What nginx answers instead of `body`: see [`config`].
pub(crate) fn constant_of(body: &[u8]) -> Vec<u8> {
    body.iter()
        .map(|byte| {
            if matches!(byte, b'$' | b'\'') {
                b'_'
            } else {
                *byte
            }
        })
        .collect()
}

fn version(program: &Path) -> String {
    let output = Command::new(program).arg("-v").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
    let text = text.unwrap_or_default();
    text.trim()
        .rsplit(' ')
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn find() -> Option<PathBuf> {
    let in_path = std::env::var_os("PATH").into_iter();
    let in_path = in_path.flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    in_path
        .map(|folder| folder.join("nginx"))
        .chain(PLACES.map(PathBuf::from))
        .find(|place| place.is_file())
}

fn find_or_install() -> anyhow::Result<PathBuf> {
    if let Some(found) = find() {
        return Ok(found);
    }
    if !rustix::process::geteuid().is_root() {
        bail!("nginx was not found: have an administrator run 'apt-get install nginx-core'");
    }
    say("nginx was not found; installing it with apt-get (nginx-core)");
    for arguments in [
        &["update", "-qq"][..],
        &[
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
            "nginx-core",
        ],
    ] {
        let status = Command::new("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            // A container has no init to start services with; a package must not try.
            .env("RUNLEVEL", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .context("running apt-get; install nginx by hand")?;
        if !status.success() {
            bail!(
                "apt-get {} ended with {status}; install nginx by hand",
                arguments[0]
            );
        }
    }
    find().context("nginx-core is installed, yet nginx was not found")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constant_keeps_its_size_and_holds_nothing_that_nginx_reads() {
        let constants = Constants {
            authn: br##"{"result":"allow","acl":["#","$SYS/#"]}"##.to_vec(),
            authz: b"{}".to_vec(),
        };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let text = config(Path::new("/tmp/x"), address, &constants, 2);
        let constant = constant_of(&constants.authn);
        assert_eq!(constant.len(), constants.authn.len());
        assert!(text.contains(std::str::from_utf8(&constant).unwrap()) && !text.contains('$'));
        assert!(text.contains("worker_processes 2;"));
    }
}
