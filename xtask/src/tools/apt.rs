//! Debian packages: installed as root, or unpacked beside the checkout as anybody else.

use std::path::Path;

use anyhow::{Context, bail};

use crate::process::{Shell, output};

/// Installs packages for the whole machine.
///
/// The database server's package would start a system-wide cluster; it is told not to first,
/// because the local stack runs a private one.
pub(crate) async fn install(shell: &Shell, packages: &[&str]) -> anyhow::Result<()> {
    if packages.contains(&"postgresql") {
        forbid_system_cluster(Path::new("/etc/postgresql-common"))
            .context("telling postgresql-common not to make a system cluster")?;
    }
    let mut update = shell.command("apt-get");
    update.args(["update", "-qq"]);
    output(&mut update).await?.stdout_of("apt-get update")?;
    let mut install = shell.command("apt-get");
    install
        .env("DEBIAN_FRONTEND", "noninteractive")
        // A container has no init to start services with; a package must not try.
        .env("RUNLEVEL", "1")
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(packages);
    output(&mut install).await?.stdout_of("apt-get install")?;
    Ok(())
}

/// An administrator's own file is left alone.
fn forbid_system_cluster(folder: &Path) -> std::io::Result<()> {
    let file = folder.join("createcluster.conf");
    if file.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    std::fs::write(file, "create_main_cluster = false\n")
}

/// Downloads packages with all they need that the machine lacks, and unpacks them below `into`.
///
/// Nothing is configured and no package script runs. The package lists are fetched into a folder of
/// our own, because only root may refresh the system's.
pub(crate) async fn unpack(shell: &Shell, packages: &[&str], into: &Path) -> anyhow::Result<()> {
    if shell.find("dpkg-deb").is_none() {
        bail!("dpkg-deb was not found; without it packages can't be unpacked as an ordinary user");
    }
    let apt = into.join("apt");
    for folder in ["lists/partial", "cache/archives/partial", "packages"] {
        std::fs::create_dir_all(apt.join(folder))?;
    }
    let own_folders = own_folders(&apt);

    let mut update = shell.command("apt-get");
    update.args(&own_folders).args(["update", "-qq"]);
    output(&mut update).await?.stdout_of("apt-get update")?;

    let mut simulate = shell.command("apt-get");
    simulate
        .args(&own_folders)
        .args(["install", "--simulate", "--no-install-recommends"]);
    let plan = output(simulate.args(packages))
        .await?
        .stdout_of("apt-get install --simulate")?;
    let wanted = wanted(&plan);
    if wanted.is_empty() {
        bail!(
            "apt-get says {} need nothing more, yet a program of theirs was not found",
            packages.join(" ")
        );
    }

    let downloads = apt.join("packages");
    let mut download = shell.command("apt-get");
    download
        .args(&own_folders)
        .args(["download", "-qq"])
        .args(&wanted)
        .current_dir(&downloads);
    output(&mut download).await?.stdout_of("apt-get download")?;

    for entry in downloads.read_dir()? {
        let package = entry?.path();
        let mut unpack = shell.command("dpkg-deb");
        unpack.arg("-x").arg(&package).arg(into);
        output(&mut unpack).await?.stdout_of("dpkg-deb -x")?;
    }
    // Lists and packages have done their service; they are larger than what was unpacked.
    std::fs::remove_dir_all(&apt).context("removing the downloaded packages")
}

/// Options that keep apt away from the system's folders; what is installed is still read there.
fn own_folders(apt: &Path) -> Vec<String> {
    let lists = apt.join("lists");
    let cache = apt.join("cache");
    vec![
        "-o".to_owned(),
        format!("Dir::State::Lists={}", lists.display()),
        "-o".to_owned(),
        format!("Dir::Cache={}", cache.display()),
        "-o".to_owned(),
        "Debug::NoLocking=1".to_owned(),
    ]
}

/// The packages of a simulation's `Inst name (version ...)` lines. Left out are those that hold
/// nothing an unpacked tree can use.
fn wanted(plan: &str) -> Vec<String> {
    let names = plan
        .lines()
        .filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
    names
        .filter(|name| !name.starts_with("libllvm"))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulated_installation_lists_what_to_download() {
        let plan = "Reading package lists...\n\
                    Inst libcjson1 (1.7.15-1 Debian:12 [amd64])\n\
                    Inst libllvm14 (1:14 Debian:12 [amd64])\n\
                    Inst mosquitto-clients (2.0.11 Debian:12 [amd64])\n\
                    Conf libcjson1 (1.7.15-1 Debian:12 [amd64])\n";
        assert_eq!(wanted(plan), ["libcjson1", "mosquitto-clients"]);
    }

    #[test]
    fn an_administrators_cluster_policy_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("createcluster.conf");
        forbid_system_cluster(folder.path()).unwrap();
        assert_eq!(
            std::fs::read_to_string(&file).unwrap(),
            "create_main_cluster = false\n"
        );
        std::fs::write(&file, "own = 1\n").unwrap();
        forbid_system_cluster(folder.path()).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "own = 1\n");
    }
}
