//! As which user the server runs. PostgreSQL refuses root, so root steps down to another user.
//!
//! Never changes the caller's own user; only the programs started here run as somebody else.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::Error;

/// Users tried by root, in order. `postgres` comes with the system package.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// How to start a program so that PostgreSQL accepts it.
#[derive(Debug, Clone)]
pub(crate) struct RunAs {
    /// `None`: the caller is an ordinary user and stays what it is.
    ids: Option<(u32, u32)>,
    /// The user needs to pass folders that are closed to it (a checkout below `/root`).
    pass_closed_folders: bool,
    has_setpriv: bool,
}

impl RunAs {
    /// Chooses the user for a server whose data lies below `folder`, with binaries in `bin`.
    ///
    /// Existing data keep their owner. `folder` must exist.
    pub(crate) fn choose(folder: &Path, data: &Path, bin: &Path) -> Result<Self, Error> {
        let has_setpriv = works("setpriv");
        if !rustix::process::geteuid().is_root() {
            return Ok(Self {
                ids: None,
                pass_closed_folders: false,
                has_setpriv,
            });
        }
        let owner = std::fs::metadata(data)
            .ok()
            .map(|data| (data.uid(), data.gid()));
        let ids = match owner {
            Some((uid, gid)) if uid != 0 => (uid, gid),
            _ => ordinary_user()?,
        };
        let mut chosen = Self {
            ids: Some(ids),
            pass_closed_folders: false,
            has_setpriv,
        };
        for path in [folder, bin] {
            if !chosen.reaches(path) {
                chosen.pass_closed_folders = true;
                if !chosen.reaches(path) {
                    return Err(Error::Unreachable {
                        path: path.to_path_buf(),
                        uid: ids.0,
                    });
                }
            }
        }
        Ok(chosen)
    }

    /// A program run as the chosen user.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let args = self.privileges();
        wrapped(&args, program)
    }

    /// A program that gets SIGINT (PostgreSQL: fast shutdown) when the *thread* that started it
    /// ends, which includes the process being killed.
    pub(crate) fn command_that_dies_with_its_parent(&self, program: &Path) -> Command {
        let mut args = self.privileges();
        if self.has_setpriv {
            args.push("--pdeathsig=INT".to_owned());
        }
        wrapped(&args, program)
    }

    /// Gives a folder to the chosen user.
    pub(crate) fn own(&self, path: &Path) -> Result<(), Error> {
        let Some((uid, gid)) = self.ids else {
            return Ok(());
        };
        std::os::unix::fs::chown(path, Some(uid), Some(gid))
            .map_err(Error::io("cannot give away", path))
    }

    fn reaches(&self, path: &Path) -> bool {
        self.command(Path::new("test"))
            .arg("-x")
            .arg(path)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    fn privileges(&self) -> Vec<String> {
        let mut args = Vec::new();
        if let Some((uid, gid)) = self.ids {
            args.push(format!("--reuid={uid}"));
            args.push(format!("--regid={gid}"));
            args.push("--clear-groups".to_owned());
        }
        if self.pass_closed_folders {
            args.push("--inh-caps=+dac_override".to_owned());
            args.push("--ambient-caps=+dac_override".to_owned());
        }
        args
    }
}

fn wrapped(args: &[String], program: &Path) -> Command {
    if args.is_empty() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(args).arg("--").arg(program);
    command
}

fn works(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn ordinary_user() -> Result<(u32, u32), Error> {
    let path = Path::new("/etc/passwd");
    let passwd = std::fs::read_to_string(path).map_err(Error::io("cannot read", path))?;
    USERS
        .iter()
        .find_map(|name| ids_of(&passwd, name))
        .ok_or(Error::NoOrdinaryUser)
}

fn ids_of(passwd: &str, name: &str) -> Option<(u32, u32)> {
    let line = passwd
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::ids_of;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let passwd = "root:x:0:0::/:/bin/sh\npostgres2:x:7:8::/:/x\npostgres:x:101:104::/:/x\n";
        assert_eq!(ids_of(passwd, "postgres"), Some((101, 104)));
        assert_eq!(ids_of(passwd, "nobody"), None);
    }
}
