//! Where the shipped programs are: beside this one, built first by cargo if cargo runs us.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// The programs of a stack; each is the package of the same name.
pub const NAMES: [&str; 5] = [
    "schema",
    "dev-issuer",
    "hook-service",
    "dev-broker",
    "api-service",
];

/// A folder that holds all of [`NAMES`].
#[derive(Debug, Clone)]
pub struct Programs(PathBuf);

impl Programs {
    /// The folder of the running program. Cargo builds them in the same profile first, so that they
    /// are never older than their source.
    pub fn beside_this_one() -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("finding this program")?;
        let folder = own.parent().context("this program lies in a folder")?;
        if let Some(cargo) = std::env::var_os("CARGO") {
            let mut build = Command::new(cargo);
            build
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .args(["build", "--quiet", "--locked"]);
            build.args(NAMES.iter().flat_map(|name| ["--package", name]));
            if !cfg!(debug_assertions) {
                build.arg("--release");
            }
            let status = build.status().context("running cargo")?;
            ensure!(status.success(), "cargo build ended with {status}");
        }
        Self::of(folder)
    }

    /// A folder where they are already.
    pub fn of(folder: &Path) -> anyhow::Result<Self> {
        for name in NAMES {
            ensure!(
                folder.join(name).is_file(),
                "{name} does not lie beside this program: build it in the same profile"
            );
        }
        Ok(Self(folder.to_owned()))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}
