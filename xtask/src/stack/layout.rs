//! What lies where in a state folder.

use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;

/// The folders of one stack.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    state: PathBuf,
}

impl Layout {
    /// Makes the folders that are missing; those with keys are closed to others.
    pub(crate) fn make(state: &Path) -> anyhow::Result<Self> {
        let layout = Self {
            state: state.to_owned(),
        };
        for folder in [layout.logs(), layout.run()] {
            std::fs::create_dir_all(&folder).with_context(|| told(&folder))?;
        }
        for folder in [layout.secrets(), layout.devices()] {
            private_folder(&folder)?;
        }
        Ok(layout)
    }

    pub(crate) fn state(&self) -> &Path {
        &self.state
    }

    /// One file per process.
    pub(crate) fn logs(&self) -> PathBuf {
        self.state.join("logs")
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.logs().join(format!("{name}.log"))
    }

    /// Begins every log anew: what is in one is from this run.
    pub(crate) fn empty_logs(&self) -> anyhow::Result<()> {
        for entry in self.logs().read_dir()? {
            std::fs::write(entry?.path(), "")?;
        }
        Ok(())
    }

    /// Address files of the running processes.
    pub(crate) fn run(&self) -> PathBuf {
        self.state.join("run")
    }

    pub(crate) fn address_file(&self, name: &str) -> PathBuf {
        self.run().join(format!("{name}.json"))
    }

    /// Passwords and client secrets of this stack, one file each, mode 0600. (`.state/secrets/` is
    /// for `compose.yaml`, and `--fresh` must not touch a production password.)
    pub(crate) fn secrets(&self) -> PathBuf {
        self.state.join("passwords")
    }

    pub(crate) fn secret(&self, name: &str) -> PathBuf {
        self.secrets().join(name)
    }

    /// Certificates and keys that `certs` makes.
    pub(crate) fn pki(&self) -> PathBuf {
        self.state.join("pki")
    }

    /// A file in the PKI folder.
    pub(crate) fn pem(&self, name: &str) -> PathBuf {
        self.pki().join(name)
    }

    /// Keys and certificates of simulated devices.
    pub(crate) fn devices(&self) -> PathBuf {
        self.state.join("devices")
    }

    /// The database cluster.
    pub(crate) fn database(&self) -> PathBuf {
        self.state.join("database")
    }
}

/// A folder that only its owner may enter.
pub(crate) fn private_folder(folder: &Path) -> anyhow::Result<()> {
    if !folder.is_dir() {
        let mut builder = std::fs::DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| told(folder))?;
    }
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
        .with_context(|| told(folder))
}

fn told(folder: &Path) -> String {
    format!("making {}", folder.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_with_secrets_are_closed_to_others() {
        let state = tempfile::tempdir().unwrap();
        let layout = Layout::make(state.path()).unwrap();
        for folder in [layout.secrets(), layout.devices()] {
            assert_eq!(
                folder.metadata().unwrap().permissions().mode() & 0o777,
                0o700
            );
        }
        assert!(layout.log("x").starts_with(state.path()));
    }
}
