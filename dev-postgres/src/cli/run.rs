//! `dev-postgres run`: a server in the foreground.
//!
//! SIGUSR1 restarts the server (fast), SIGUSR2 restarts it as after a power cut; `dev-postgres
//! restart` sends them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use dev_postgres::{Cluster, Folder, Options, Stop};
use rustix::process::{Pid, getppid};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How often the parent and the server are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folder of the cluster; made when missing, kept at the end
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// TCP port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Keep fsync on, as production has it (slower)
    #[arg(long)]
    durable: bool,
    /// Where to write the bound address as JSON once the server is ready
    #[arg(long, value_name = "FILE")]
    address_file: PathBuf,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    // Asked first: a parent that dies from here on is noticed.
    let parent = getppid();
    let mut signals = Signals::install()?;
    let folder = Folder::open(&args.data)?;
    let mut cluster = Cluster::start(Options {
        data_dir: Some(args.data),
        port: Some(args.port),
        durable: args.durable,
        settings: Vec::new(),
    })?;
    let own_id = serde_json::json!({ "pid": std::process::id() });
    write_atomically(&folder.run_file(), &own_id)?;
    announce(&cluster, &args.address_file)?;

    let result = loop {
        match signals.next(parent, &mut cluster).await {
            Event::Stop => break Ok(()),
            Event::Restart(stop) => {
                cluster.restart(stop)?;
                announce(&cluster, &args.address_file)?;
            }
            Event::ServerEnded(how) => {
                let log = folder.log();
                break Err(anyhow::anyhow!(
                    "the server ended ({how}); its log is {}",
                    log.display()
                ));
            }
        }
    };
    cluster.stop(Stop::Fast);
    for file in [&args.address_file, &folder.run_file()] {
        // Gone already is as good.
        let _ = std::fs::remove_file(file);
    }
    result
}

enum Event {
    Stop,
    Restart(Stop),
    ServerEnded(String),
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    fast: Signal,
    immediate: Signal,
}

impl Signals {
    fn install() -> anyhow::Result<Self> {
        let on = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            fast: on(SignalKind::user_defined1())?,
            immediate: on(SignalKind::user_defined2())?,
        })
    }

    async fn next(&mut self, parent: Option<Pid>, cluster: &mut Cluster) -> Event {
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return Event::Stop,
                _ = self.interrupt.recv() => return Event::Stop,
                _ = self.fast.recv() => return Event::Restart(Stop::Fast),
                _ = self.immediate.recv() => return Event::Restart(Stop::Immediate),
                _ = look.tick() => {
                    // A process whose parent ended gets another one.
                    if getppid() != parent {
                        return Event::Stop;
                    }
                    if let Some(how) = cluster.ended() {
                        return Event::ServerEnded(how);
                    }
                }
            }
        }
    }
}

fn announce(cluster: &Cluster, file: &Path) -> anyhow::Result<()> {
    let address = serde_json::json!({
        "url": cluster.url("postgres", "postgres"),
        "port": cluster.port(),
        "socket_dir": cluster.folder().socket_folder(),
        "pid": cluster.pid(),
        "bin": cluster.binaries().folder(),
        "log": cluster.folder().log(),
    });
    write_atomically(file, &address)
}

/// A reader sees the old content or the new one, never a part.
fn write_atomically(file: &Path, content: &serde_json::Value) -> anyhow::Result<()> {
    let aside = file.with_extension("writing");
    std::fs::write(&aside, format!("{content}\n"))
        .and_then(|()| std::fs::rename(&aside, file))
        .with_context(|| format!("cannot write {}", file.display()))
}
