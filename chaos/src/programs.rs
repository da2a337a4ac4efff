//! Where the shipped programs are: beside the running one, and never older than their source.
//!
//! Run through cargo, they are built first, in the profile and the target folder of the running
//! program. Run in any other way, cargo's own lists of sources say whether one is too old: a program of
//! yesterday with a schema of today has made figures that nobody could explain.

mod sources;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

/// The programs of a stack; each is the package of the same name.
pub const STACK: [&str; 5] = [
    "schema",
    "dev-issuer",
    "hook-service",
    "dev-broker",
    "api-service",
];

/// A folder that holds programs.
#[derive(Debug, Clone)]
pub struct Programs(PathBuf);

impl Programs {
    /// These programs beside the running one. Cargo's progress goes to standard error.
    pub fn up_to_date(names: &[&str]) -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("finding this program")?;
        let mut folder = own.parent().context("this program lies in a folder")?;
        if folder.ends_with("deps") {
            // A test's own program lies one deeper.
            folder = folder.parent().context("`deps` lies in a folder")?;
        }
        if let Some(cargo) = std::env::var_os("CARGO") {
            let mut build = build(&cargo, folder, names)?;
            let status = build.status().context("running cargo")?;
            ensure!(
                status.success(),
                "cargo build of {} ended with {status}",
                names.join(", ")
            );
            return Self::of(folder, names);
        }
        let programs = Self::of(folder, names)?;
        for name in names {
            if let Some(source) = sources::newer_than(&programs.path(name))? {
                anyhow::bail!(
                    "{name} is older than {}: build it in the same profile, or run this program \
                     with `cargo run`, which does",
                    source.display()
                );
            }
        }
        Ok(programs)
    }

    /// A folder where they are already, whatever their age.
    pub fn of(folder: &Path, names: &[&str]) -> anyhow::Result<Self> {
        for name in names {
            ensure!(
                folder.join(name).is_file(),
                "there is no {name} in {}: build it in the same profile, or run this program with \
                 `cargo run`, which does",
                folder.display()
            );
        }
        Ok(Self(folder.to_owned()))
    }

    /// The program of this name.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// A cargo command that puts these programs into `folder`, which is `<target>/<profile>`.
fn build(cargo: &OsStr, folder: &Path, names: &[&str]) -> anyhow::Result<Command> {
    let profile = folder
        .file_name()
        .context("a profile's folder has a name")?;
    let profile = if profile == "debug" {
        OsStr::new("dev")
    } else {
        profile
    };
    let target = folder.parent().context("it lies in a target folder")?;
    // Cargo says where the package is that it runs. Two checkouts may share a target folder, so what
    // was true at build time is only the second choice.
    let package = std::env::var_os("CARGO_MANIFEST_DIR");
    let package = package.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let mut build = Command::new(cargo);
    build
        .current_dir(package)
        .args(["build", "--locked", "--profile"])
        .arg(profile)
        .arg("--target-dir")
        .arg(target)
        .args(names.iter().flat_map(|name| ["--package", name]))
        .stdin(Stdio::null())
        // Standard output is kept for figures.
        .stdout(Stdio::null());
    Ok(build)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_built_where_the_running_one_lies_and_in_its_profile() {
        for (folder, profile) in [("debug", "dev"), ("release", "release"), ("slim", "slim")] {
            let folder = Path::new("/somewhere/target").join(folder);
            let build = build(OsStr::new("cargo"), &folder, &["schema", "dev-broker"]).unwrap();
            let args: Vec<_> = build.get_args().map(|arg| arg.to_str().unwrap()).collect();
            let profile = ["build", "--locked", "--profile", profile];
            let target = ["--target-dir", "/somewhere/target"];
            let packages = ["--package", "schema", "--package", "dev-broker"];
            assert_eq!(args, [&profile[..], &target, &packages].concat());
        }
    }

    #[test]
    fn a_program_that_is_missing_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("schema"), "").unwrap();
        let error = Programs::of(folder.path(), &["schema", "dev-broker"]).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("no dev-broker") && error.contains("cargo run"),
            "{error}"
        );
    }
}
