//! What the stack and the tests need besides Rust: found on the machine, else installed.
//!
//! As root the system's packages are installed; as an ordinary user the same packages are unpacked
//! under `.state/tools/`, where nothing else on the machine sees them. Either way it is said in one
//! line what was done. Nothing is ever downloaded from anywhere but the machine's package sources.

mod apt;
mod need;

use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::checkout::Checkout;
use crate::console::Console;
use crate::process::{POSTGRES_BIN, Shell};
use crate::tools::need::{NEEDS, Need};

/// The folder under the state folder that an ordinary user's packages are unpacked in.
const UNPACKED: &str = "tools";

/// Finds everything, installing what is missing, and says what it did. Returns the environment in
/// which programs find it.
pub(crate) async fn ready(checkout: &Checkout, console: &Console) -> anyhow::Result<Shell> {
    let unpacked = checkout.state().join(UNPACKED);
    let shell = environment(&unpacked);
    let missing = missing(&shell);
    if missing.is_empty() {
        console.say(format!("tools: {}", found(&shell).join(", ")));
        return Ok(shell);
    }
    let names: Vec<&str> = missing.iter().map(|need| need.name).collect();
    if shell.find("apt-get").is_none() {
        bail!(
            "missing: {}. This machine has no apt-get; install them with its own package manager \
             and run again",
            names.join(", ")
        );
    }
    let packages: Vec<&str> = missing
        .iter()
        .flat_map(|need| need.packages)
        .copied()
        .collect();
    if rustix::process::geteuid().is_root() {
        console.say(format!(
            "tools: installing {} with apt-get ({})",
            names.join(", "),
            packages.join(" ")
        ));
        apt::install(&shell, &packages).await?;
    } else {
        console.say(format!(
            "tools: unpacking {} into .state/{UNPACKED} ({}), since only root may install",
            names.join(", "),
            packages.join(" ")
        ));
        apt::unpack(&shell, &packages, &unpacked).await?;
    }
    let shell = environment(&unpacked);
    let still: Vec<&str> = self::missing(&shell).iter().map(|need| need.name).collect();
    if !still.is_empty() {
        bail!(
            "the packages are in place, but these were not found: {}",
            still.join(", ")
        );
    }
    console.say(format!("tools: {}", found(&shell).join(", ")));
    Ok(shell)
}

/// Installs further packages where that is possible: as root, with apt-get. Says whether it did.
pub(crate) async fn install(shell: &Shell, packages: &[&str]) -> anyhow::Result<bool> {
    let possible = shell.find("apt-get").is_some() && rustix::process::geteuid().is_root();
    if possible {
        apt::install(shell, packages).await?;
    }
    Ok(possible)
}

fn missing(shell: &Shell) -> Vec<&'static Need> {
    NEEDS
        .iter()
        .filter(|need| need.find(shell).is_none())
        .collect()
}

/// `openssl`, `mosquitto_pub`, ... each with the folder it was found in.
fn found(shell: &Shell) -> Vec<String> {
    let place = |need: &Need| {
        let path = need.find(shell)?;
        Some(format!("{} in {}", need.name, path.parent()?.display()))
    };
    NEEDS.iter().filter_map(place).collect()
}

/// The environment in which unpacked programs run; empty when nothing was unpacked.
fn environment(unpacked: &Path) -> Shell {
    let mut shell = Shell::default();
    let usr = unpacked.join("usr");
    if usr.is_dir() {
        shell.bin.push(usr.join("bin"));
        shell.lib.extend(library_folders(unpacked));
    }
    // PostgreSQL's own programs are outside PATH on Debian. Who names a folder wants that one;
    // else the newest major wins.
    let named = std::env::var_os(POSTGRES_BIN).map(PathBuf::from);
    shell.postgres = named
        .or_else(|| postgres_folders(&usr).into_iter().next())
        .or_else(|| postgres_folders(Path::new("/usr")).into_iter().next());
    // First: Debian's `psql` in `usr/bin` is a wrapper that only finds installed servers.
    shell.bin.splice(0..0, shell.postgres.clone());
    shell
}

/// `usr/lib`, `lib` and their multi-architecture folders, as far as they exist.
fn library_folders(unpacked: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for base in ["usr/lib", "lib"].map(|name| unpacked.join(name)) {
        let Ok(entries) = base.read_dir() else {
            continue;
        };
        folders.extend(entries.flatten().map(|entry| entry.path()).filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().contains("-linux-gnu"))
        }));
        folders.push(base);
    }
    folders
}

/// `lib/postgresql/<major>/bin` below `usr`, newest first.
fn postgres_folders(usr: &Path) -> Vec<PathBuf> {
    let Ok(entries) = usr.join("lib/postgresql").read_dir() else {
        return Vec::new();
    };
    let major = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut folders: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| Some((major(&entry.path())?, entry.path().join("bin"))))
        .collect();
    folders.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    folders
        .into_iter()
        .map(|(_, bin)| bin)
        .filter(|bin| bin.join("postgres").is_file())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postgres(usr: &Path, major: &str) {
        let bin = usr.join("lib/postgresql").join(major).join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::write(bin.join("postgres"), "").unwrap();
    }

    #[test]
    fn the_newest_postgresql_is_taken_by_number_not_by_spelling() {
        let usr = tempfile::tempdir().unwrap();
        postgres(usr.path(), "9");
        postgres(usr.path(), "15");
        let folders = postgres_folders(usr.path());
        assert!(folders[0].ends_with("15/bin"), "{folders:?}");
    }

    #[test]
    fn a_postgresql_folder_without_the_server_does_not_count() {
        let usr = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(usr.path().join("lib/postgresql/16/bin")).unwrap();
        assert!(postgres_folders(usr.path()).is_empty());
    }

    #[test]
    fn an_unpacked_tree_gives_programs_and_libraries() {
        let tree = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(tree.path().join("usr/bin")).unwrap();
        std::fs::create_dir_all(tree.path().join("usr/lib/x86_64-linux-gnu")).unwrap();
        let shell = environment(tree.path());
        assert!(shell.bin.contains(&tree.path().join("usr/bin")));
        assert!(
            shell
                .lib
                .iter()
                .any(|folder| folder.ends_with("x86_64-linux-gnu"))
        );
    }
}
