//! Makes the data folder once. A half-made one never counts: it is built aside and renamed.

use std::path::Path;

use crate::binaries::Binaries;
use crate::error::Error;
use crate::folder::Folder;
use crate::run_as::RunAs;

/// Runs `initdb` unless the folder holds data of this major version already.
pub(crate) fn ensure(folder: &Folder, binaries: &Binaries, run_as: &RunAs) -> Result<(), Error> {
    let data = folder.data();
    if data.join("PG_VERSION").is_file() {
        return check_version(&data, binaries);
    }
    let building = folder.path().join("pgdata.building");
    if building.exists() {
        std::fs::remove_dir_all(&building).map_err(Error::io("cannot remove", &building))?;
    }
    std::fs::create_dir(&building).map_err(Error::io("cannot make the folder", &building))?;
    run_as.own(&building)?;

    let mut command = run_as.command(&binaries.program("initdb"));
    command
        .args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ])
        .arg("--pgdata")
        .arg(&building)
        .current_dir("/");
    run(command, "initdb")?;
    std::fs::rename(&building, &data).map_err(Error::io("cannot rename to", &data))
}

/// Runs a helper to its end; its output appears in the error only.
pub(crate) fn run(mut command: std::process::Command, name: &str) -> Result<(), Error> {
    let output = command
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(Error::io("cannot run", Path::new(name)))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let start = text.char_indices().rev().nth(600).map_or(0, |(at, _)| at);
    Err(Error::Program {
        program: name.to_owned(),
        status: output.status.to_string(),
        output: text[start..].trim().to_owned(),
    })
}

fn check_version(data: &Path, binaries: &Binaries) -> Result<(), Error> {
    let file = data.join("PG_VERSION");
    let made_by = std::fs::read_to_string(&file).map_err(Error::io("cannot read", &file))?;
    if made_by.trim() == binaries.major().to_string() {
        return Ok(());
    }
    Err(Error::OtherVersion {
        data: data.to_path_buf(),
        made_by: made_by.trim().to_owned(),
        binaries: binaries.major(),
    })
}
