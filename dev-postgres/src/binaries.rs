//! Finds PostgreSQL's own binaries. Never downloads: `cargo xtask up` installs what is missing.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;

/// Deepest folder searched below `.state/tools`; Debian's package has its `bin` at depth 5.
const EXTRACTED_DEPTH: u32 = 7;

/// One folder of PostgreSQL binaries and their major version.
#[derive(Debug, Clone)]
pub struct Binaries {
    bin: PathBuf,
    major: u32,
}

impl Binaries {
    /// Looks, in this order, at `DEV_POSTGRES_BIN`, at the answer of `pg_config --bindir`, at the
    /// newest of `/usr/lib/postgresql/*/bin`, and below `.state/tools` of the current folder and
    /// its parents (where `cargo xtask tools` unpacks them without root).
    ///
    /// A set `DEV_POSTGRES_BIN` is the only place looked at: who names a version wants that one.
    pub fn find() -> Result<Self, Error> {
        if let Some(named) = std::env::var_os("DEV_POSTGRES_BIN") {
            let named = PathBuf::from(named);
            if !is_complete(&named) {
                return Err(Error::NoBinaries {
                    looked_in: format!("DEV_POSTGRES_BIN={}", named.display()),
                });
            }
            return Self::at(named);
        }
        if let Some(bin) = from_pg_config().or_else(newest_system).or_else(extracted) {
            return Self::at(bin);
        }
        Err(Error::NoBinaries {
            looked_in: "DEV_POSTGRES_BIN, `pg_config --bindir`, /usr/lib/postgresql/*/bin, \
                        .state/tools"
                .to_owned(),
        })
    }

    fn at(bin: PathBuf) -> Result<Self, Error> {
        let program = bin.join("postgres");
        let output = Command::new(&program)
            .arg("--version")
            .output()
            .map_err(Error::io("cannot run", &program))?;
        let answer = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        match major_of(&answer) {
            Some(major) => Ok(Self { bin, major }),
            None => Err(Error::UnknownVersion { program, answer }),
        }
    }

    /// The folder that holds them.
    pub fn folder(&self) -> &Path {
        &self.bin
    }

    /// The major version, for example 15.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// Path of a binary that every set has (`postgres`, `initdb`).
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// Path of a binary that small sets lack (`pg_basebackup`, `psql`).
    pub fn optional(&self, name: &'static str) -> Result<PathBuf, Error> {
        let path = self.bin.join(name);
        if path.is_file() {
            return Ok(path);
        }
        Err(Error::NoBinary {
            name,
            bin: self.bin.clone(),
        })
    }
}

fn is_complete(bin: &Path) -> bool {
    bin.join("postgres").is_file() && bin.join("initdb").is_file()
}

fn from_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let bin = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    is_complete(&bin).then_some(bin)
}

fn newest_system() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let major: u32 = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            is_complete(&bin).then_some((major, bin))
        })
        .max()
        .map(|(_, bin)| bin)
}

fn extracted() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors()
        .find_map(|folder| search(&folder.join(".state/tools"), EXTRACTED_DEPTH))
}

fn search(folder: &Path, depth: u32) -> Option<PathBuf> {
    let bin = folder.join("bin");
    if is_complete(&bin) {
        return Some(bin);
    }
    if depth == 0 {
        return None;
    }
    let mut below: Vec<PathBuf> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_dir() && !path.is_symlink())
        .collect();
    below.sort();
    below.iter().find_map(|folder| search(folder, depth - 1))
}

/// `postgres (PostgreSQL) 15.18 (Debian ..)` is 15; `.. 18beta1` is 18.
fn major_of(answer: &str) -> Option<u32> {
    let version = answer.split(") ").nth(1)?;
    let digits: &str = version.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Binaries, major_of};

    #[test]
    fn the_major_version_is_read_from_every_known_form() {
        assert_eq!(
            major_of("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"),
            Some(15)
        );
        assert_eq!(major_of("postgres (PostgreSQL) 18.4"), Some(18));
        assert_eq!(major_of("postgres (PostgreSQL) 19beta2"), Some(19));
        assert_eq!(major_of("mysqld"), None);
    }

    #[test]
    fn the_machine_that_runs_the_tests_has_binaries() {
        let found = Binaries::find().expect("the tests of this workspace need PostgreSQL");
        assert!(
            found.major() >= 13,
            "gen_random_uuid and xid8 need PostgreSQL 13"
        );
    }
}
