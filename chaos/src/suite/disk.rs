//! A full disk under the database: a small tmpfs, where we may mount one.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use chaos::programs::Programs;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use tempfile::TempDir;

use super::fault::Fault;
use super::report::Report;
use super::run::{Effort, Hand, Run};
use crate::alerts::Rules;

/// Holds a fresh cluster and some segments of WAL, and little else.
const SIZE: &str = "256m";
/// What fills it.
const BALLAST: &str = "ballast";
/// Written at once.
const PIECE_BYTES: usize = 64 * 1024;

/// A small disk of our own.
pub(super) struct Disk {
    folder: PathBuf,
    _kept: TempDir,
}

impl Disk {
    fn mount() -> anyhow::Result<Self> {
        let kept = TempDir::with_prefix("chaos-disk-").context("making a folder")?;
        std::fs::set_permissions(kept.path(), std::fs::Permissions::from_mode(0o711))?;
        let folder = kept.path().join("disk");
        std::fs::create_dir(&folder).context("making a folder")?;
        let options = std::ffi::CString::new(format!("size={SIZE},mode=0711"))?;
        let flags = MountFlags::NODEV | MountFlags::NOSUID;
        mount("tmpfs", &folder, "tmpfs", flags, options.as_c_str())
            .context("mounting a tmpfs (only root may)")?;
        Ok(Self {
            folder,
            _kept: kept,
        })
    }

    fn database(&self) -> PathBuf {
        self.folder.join("database")
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join(BALLAST)
    }

    /// Writes until nothing more fits.
    pub(super) fn fill(&self) -> anyhow::Result<()> {
        fill(&self.ballast())
    }

    /// Makes room again.
    pub(super) fn free(&self) -> anyhow::Result<()> {
        std::fs::remove_file(self.ballast()).context("freeing the disk")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Whoever still has a file open keeps it; the name is free at once.
        let _ = unmount(&self.folder, UnmountFlags::DETACH);
    }
}

fn fill(path: &Path) -> anyhow::Result<()> {
    let mut file = std::fs::File::create(path).context("filling the disk")?;
    let mut piece = vec![0x5a; PIECE_BYTES];
    loop {
        match file.write(&piece) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                if piece.len() == 1 {
                    return Ok(());
                }
                piece.truncate(piece.len() / 2);
            }
            Err(error) => bail!("filling the disk: {error}"),
        }
    }
}

/// Runs the fault on a stack of its own, or says loudly why not.
pub(super) async fn suffer(
    programs: &Programs,
    effort: Effort,
    seed: u64,
    rules: Rules,
    fault: Fault,
    report: &mut Report,
) -> anyhow::Result<Rules> {
    let disk = match Disk::mount() {
        Ok(disk) => disk,
        Err(error) => {
            report.skipped(fault.name(), format!("{error:#}"));
            return Ok(rules);
        }
    };
    let data_dir = Some(disk.database());
    let run = Run::start(programs, effort, seed, rules, data_dir, 1).await;
    let mut run = run.context("starting a stack on a small disk")?;
    let ended = run.suffer_with(fault, report, Hand::Disk(&disk)).await;
    run.end(ended, report).await
}
