//! `dev-postgres restart`: restarts a server that another process runs.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use dev_postgres::{Error, Folder};
use rustix::process::{Pid, Signal, kill_process};

/// Bound of the whole restart.
const BOUND: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(20);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folder given to `dev-postgres run`
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// How the server goes down: `fast` ends sessions, `immediate` is like a power cut
    #[arg(long, value_enum, default_value = "fast")]
    mode: Mode,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Mode {
    Fast,
    Immediate,
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<()> {
    let folder = Folder::open(&args.data)?;
    let not_running = || Error::NotRunning {
        folder: folder.path().to_path_buf(),
    };
    let before = folder.running().ok_or_else(not_running)?;
    let runner = runner(&folder).ok_or_else(not_running)?;
    let signal = match args.mode {
        Mode::Fast => Signal::USR1,
        Mode::Immediate => Signal::USR2,
    };
    kill_process(runner, signal).context("cannot signal `dev-postgres run`")?;

    let back = async {
        loop {
            match folder.running() {
                Some(now) if now.ready && now.pid != before.pid => return now,
                _ => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    };
    tokio::time::timeout(BOUND, back)
        .await
        .map(drop)
        .with_context(|| {
            format!(
                "not back after {} s; see {}",
                BOUND.as_secs(),
                folder.log().display()
            )
        })
}

fn runner(folder: &Folder) -> Option<Pid> {
    let text = std::fs::read(folder.run_file()).ok()?;
    let content: serde_json::Value = serde_json::from_slice(&text).ok()?;
    Pid::from_raw(i32::try_from(content.get("pid")?.as_i64()?).ok()?)
}
