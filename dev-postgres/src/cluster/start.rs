//! The server's command line, and a free port for it.

use std::fs::OpenOptions;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use super::Options;
use crate::binaries::Binaries;
use crate::error::Error;
use crate::folder::{Folder, RunningServer};
use crate::postmaster::Postmaster;
use crate::run_as::RunAs;

/// Another process can take the free port before the server binds it; then another is tried.
const PORT_ATTEMPTS: u32 = 5;

/// What makes a throw-away server fast: nothing waits for a disk.
const NOT_DURABLE: [&str; 3] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
];

/// Starts the server on the wanted port, or on a free one.
pub(crate) fn on_a_port(
    binaries: &Binaries,
    run_as: &RunAs,
    folder: &Folder,
    options: &Options,
) -> Result<(Postmaster, RunningServer), Error> {
    if let Some(other) = folder.running() {
        return Err(Error::AlreadyRunning {
            pid: other.pid,
            data: folder.data(),
        });
    }
    let wanted = options.port.filter(|port| *port != 0);
    let mut attempt = 1;
    loop {
        let port = match wanted {
            Some(port) => port,
            None => free_port(folder)?,
        };
        let mut command = command(binaries, run_as, folder, options, port);
        attach_log(&mut command, folder)?;
        let mut postmaster = Postmaster::start(command, folder)?;
        match postmaster.wait_until_ready(folder) {
            Ok(server) => return Ok((postmaster, server)),
            Err(Error::EndedAtStart { tail, .. })
                if wanted.is_none()
                    && attempt < PORT_ATTEMPTS
                    && tail.contains("could not bind") =>
            {
                attempt += 1;
            }
            Err(error) => {
                postmaster.stop(rustix::process::Signal::QUIT);
                return Err(error);
            }
        }
    }
}

/// The server's command line, run as the right user.
pub(crate) fn command(
    binaries: &Binaries,
    run_as: &RunAs,
    folder: &Folder,
    options: &Options,
    port: u16,
) -> Command {
    let mut command = run_as.command_that_dies_with_its_parent(&binaries.program("postgres"));
    command
        .arg("-D")
        .arg(folder.data())
        .arg("-p")
        .arg(port.to_string());
    for setting in settings(folder, options) {
        command.arg("-c").arg(setting);
    }
    command
}

/// Cuts a process off the caller's terminal and sends its output to the cluster's log.
pub(crate) fn attach_log(command: &mut Command, folder: &Folder) -> Result<(), Error> {
    let log = folder.log();
    let open = || OpenOptions::new().create(true).append(true).open(&log);
    let out = open().map_err(Error::io("cannot open the log", &log))?;
    let err = open().map_err(Error::io("cannot open the log", &log))?;
    command
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .current_dir("/")
        // Ctrl-C in a terminal goes to the whole group; the owner decides when the server ends.
        .process_group(0);
    Ok(())
}

fn settings(folder: &Folder, options: &Options) -> Vec<String> {
    let sockets = folder.socket_folder().unwrap_or_default();
    let mut settings = vec![
        "listen_addresses=127.0.0.1".to_owned(),
        format!("unix_socket_directories={}", sockets.display()),
        "max_connections=200".to_owned(),
        "logging_collector=off".to_owned(),
        "log_line_prefix=%m [%p] %q%u@%d ".to_owned(),
        "lc_messages=C".to_owned(),
        "timezone=UTC".to_owned(),
    ];
    if !options.durable {
        settings.extend(NOT_DURABLE.map(str::to_owned));
    }
    settings.extend(
        options
            .settings
            .iter()
            .map(|(name, value)| format!("{name}={value}")),
    );
    settings
}

/// A port that was free a moment ago.
pub(crate) fn free_port(folder: &Folder) -> Result<u16, Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(Error::io("cannot get a free port for", folder.path()))
}
