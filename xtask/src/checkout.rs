//! Where things are in this checkout, and how cargo is called in it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::process::{Shell, output};

/// This checkout of the repository.
#[derive(Debug, Clone)]
pub(crate) struct Checkout {
    root: PathBuf,
}

impl Checkout {
    /// The checkout that cargo runs us in, else the one we were built from. (Two checkouts may
    /// share a target directory, so what was true at build time is only the second choice.)
    pub(crate) fn find() -> anyhow::Result<Self> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let manifest = manifest.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).to_owned());
        let root = manifest.parent().context("xtask has no parent folder")?;
        if !root.join("Cargo.toml").is_file() {
            bail!("this xtask was built in a folder that is gone: run it as `cargo xtask`");
        }
        Ok(Self {
            root: root.to_owned(),
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The one git-ignored folder that everything made at run time lives under.
    pub(crate) fn state(&self) -> PathBuf {
        self.root.join(".state")
    }

    /// A cargo command in this checkout, with the environment of `shell`.
    pub(crate) fn cargo<I, A>(&self, shell: &Shell, args: I) -> tokio::process::Command
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = shell.command(cargo);
        command.current_dir(&self.root).args(args);
        command
    }

    /// Where cargo puts what it builds; asked of cargo, which knows all the ways to set it.
    pub(crate) async fn target_dir(&self, shell: &Shell) -> anyhow::Result<PathBuf> {
        let args = ["metadata", "--no-deps", "--format-version=1", "--locked"];
        let metadata = output(&mut self.cargo(shell, args))
            .await?
            .stdout_of("cargo metadata")?;
        let metadata: Value = serde_json::from_str(&metadata).context("reading cargo metadata")?;
        let folder = metadata["target_directory"].as_str();
        folder
            .map(PathBuf::from)
            .context("cargo metadata names no target directory")
    }
}
