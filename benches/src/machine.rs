//! What a figure was measured on: processor, kernel, commit. Never a host name or a path.

use std::process::Command;

use serde_json::{Value, json};

/// What is recorded with every run.
pub(crate) fn describe() -> Value {
    let cpu_info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let of_cpu = |key: &str| {
        let line = cpu_info.lines().find(|line| line.starts_with(key));
        line.and_then(|line| line.split_once(": "))
            .map(|(_, value)| value.to_owned())
    };
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    json!({
        "cpu": of_cpu("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        "cores": cores(),
        "memory_gib": memory_gib(),
        "kernel": kernel.trim(),
        "commit": commit(),
        "profile": if cfg!(debug_assertions) { "debug: no figure counts" } else { "release" },
    })
}

/// Processors that this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn memory_gib() -> Option<u64> {
    memory("MemTotal:")
}

/// Memory that a process may still take without pushing others out, GiB.
pub(crate) fn available_gib() -> Option<u64> {
    memory("MemAvailable:")
}

fn memory(key: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    let kib = line.trim().strip_suffix(" kB")?;
    Some(kib.parse::<u64>().ok()? >> 20)
}

/// The commit, with a `+` when the checkout differs from it.
fn commit() -> Option<String> {
    let git = |args: &[&str]| {
        let output = Command::new("git")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(args)
            .output()
            .ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let clean = git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Some(if clean { commit } else { format!("{commit}+") })
}
