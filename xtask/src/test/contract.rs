//! The contract: `schemathesis` against the served document, and the TypeScript client against the
//! service. Both are tests of `api-service` that want the machine for themselves, so that a plain
//! `cargo test` leaves them out; here their programs are installed and they are run.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::cargo_test;
use super::tally::Tally;
use crate::checkout::Checkout;
use crate::console::Console;
use crate::process::{Shell, output};
use crate::tools;

/// What is installed, each at one version, with all that it needs.
const REQUIREMENTS: &str = ".ci/requirements-contract.txt";

/// The tests, by the beginning of their names; they are marked `ignore`.
const TESTS: &[&str] = &[
    "--test",
    "it",
    "contract::",
    "--",
    "--ignored",
    "--test-threads=1",
    "--nocapture",
];

/// Installs what the tests need and runs them.
pub(super) async fn run(
    checkout: &Checkout,
    shell: &Shell,
    console: &Console,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let folder = checkout.target_dir(shell).await?.join("contract");
    let fuzzer = schemathesis(checkout, shell, console, &folder).await?;
    for folder in ["client-ts", "client-ts/generator"] {
        super::npm_ci(checkout, shell, folder).await?;
    }
    let fuzzer = ("IOT_HUB_SCHEMATHESIS".into(), fuzzer.into());
    cargo_test(checkout, shell, tally, TESTS, &[fuzzer]).await
}

/// The program, in an environment of its own that is made anew when the list changed.
async fn schemathesis(
    checkout: &Checkout,
    shell: &Shell,
    console: &Console,
    folder: &Path,
) -> anyhow::Result<PathBuf> {
    let list = checkout.root().join(REQUIREMENTS);
    let wanted = std::fs::read_to_string(&list).with_context(|| REQUIREMENTS.to_owned())?;
    let venv = folder.join("venv");
    let program = venv.join("bin/schemathesis");
    let installed = folder.join("installed.txt");
    if std::fs::read_to_string(&installed).is_ok_and(|text| text == wanted) && program.is_file() {
        return Ok(program);
    }
    console.say(format!("installing {REQUIREMENTS} into {}", venv.display()));
    std::fs::create_dir_all(folder)?;
    environment(shell, &venv).await?;
    let mut pip = shell.command(venv.join("bin/pip"));
    pip.args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--requirement",
    ]);
    output(pip.arg(&list)).await?.stdout_of("pip install")?;
    std::fs::write(&installed, wanted)?;
    Ok(program)
}

/// An empty environment for Python's packages. Debian keeps what makes one in a package of its own.
async fn environment(shell: &Shell, venv: &Path) -> anyhow::Result<()> {
    let make = || async {
        let mut python = shell.command("python3");
        output(python.args(["-m", "venv", "--clear"]).arg(venv)).await
    };
    if make().await.is_ok_and(|made| made.status.success()) {
        return Ok(());
    }
    if !tools::install(shell, &["python3", "python3-venv"]).await? {
        bail!("`python3 -m venv` does not work: install python3 and python3-venv");
    }
    make().await?.stdout_of("python3 -m venv").map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_is_pinned_to_one_version() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let list = std::fs::read_to_string(root.join(REQUIREMENTS)).unwrap();
        let packages: Vec<&str> = list.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(
            packages
                .iter()
                .any(|line| line.starts_with("schemathesis=="))
        );
        for line in packages {
            assert_eq!(line.matches("==").count(), 1, "{line}");
        }
    }
}
