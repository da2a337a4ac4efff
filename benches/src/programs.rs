//! The shipped programs that scenarios run: found or built, started, waited for, ended.

mod running;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};

pub(crate) use self::running::{Running, START_TIME_MAX, pause, wait_for_file};

use crate::report::say;

/// Where the program is; cargo builds it first, so that it is never older than its source.
pub(crate) fn find(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("finding this program")?;
    let folder = own.parent().context("this program lies in a folder")?;
    if let Some(cargo) = std::env::var_os("CARGO") {
        say(&format!("cargo build -p {name}"));
        let mut build = Command::new(cargo);
        build
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["build", "--quiet", "--locked", "--bin", name, "-p", name]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        let status = build.status().context("running cargo")?;
        if !status.success() {
            bail!("cargo build -p {name} ended with {status}");
        }
    }
    let program = folder.join(name);
    if !program.is_file() {
        bail!(
            "{name} does not lie beside this program: run it as `cargo run --release -p benches`, \
             or build {name} in the same profile"
        );
    }
    Ok(program)
}
