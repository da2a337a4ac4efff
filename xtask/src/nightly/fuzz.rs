//! Fuzz targets: found in the tree, run where a nightly toolchain and cargo-fuzz are.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;

use super::parts::{Part, Work};

/// A part for each target of each `<room>/fuzz/fuzz_targets/`.
pub(super) fn parts(root: &Path, minutes: u32) -> anyhow::Result<Vec<Part>> {
    let missing = (!runs("cargo", &["+nightly", "fuzz", "--version"]))
        .then_some("needs `rustup toolchain install nightly` and `cargo install cargo-fuzz`");
    let mut parts = Vec::new();
    let mut rooms: Vec<_> = root
        .read_dir()
        .context("listing the rooms")?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|room| room.join("fuzz/fuzz_targets").is_dir())
        .collect();
    rooms.sort();
    for room in rooms {
        let name = room.file_name().unwrap_or_default().to_string_lossy();
        let mut targets: Vec<String> = room
            .join("fuzz/fuzz_targets")
            .read_dir()?
            .filter_map(Result::ok)
            .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".rs")?.to_owned()))
            .collect();
        targets.sort();
        for target in targets {
            parts.push(Part {
                about: format!("fuzz target {target} of {name}, {minutes} min"),
                name: format!("fuzz-{name}-{target}"),
                work: match missing {
                    Some(why) => Work::Skip(why.to_owned()),
                    None => run(&room, &target, minutes),
                },
            });
        }
    }
    Ok(parts)
}

fn run(room: &Path, target: &str, minutes: u32) -> Work {
    let fuzz_dir = room.join("fuzz").to_string_lossy().into_owned();
    let seconds = format!("-max_total_time={}", u64::from(minutes) * 60);
    let args = [
        "+nightly",
        "fuzz",
        "run",
        "--fuzz-dir",
        &fuzz_dir,
        target,
        "--",
        &seconds,
    ];
    Work::Rustup(args.map(str::to_owned).into())
}

fn runs(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .env_remove("RUSTUP_TOOLCHAIN");
    command.status().is_ok_and(|status| status.success())
}
