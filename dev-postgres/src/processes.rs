//! Signals to the server's processes. Only ever to a process that this crate knows by its id.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// A killed process has ended after this time, whatever the kernel has to free for it.
const END_BOUND: Duration = Duration::from_secs(30);

/// Between two looks at processes that end.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Whether the process still exists (a zombie counts).
pub(crate) fn is_alive(pid: Pid) -> bool {
    match test_kill_process(pid) {
        Ok(()) => true,
        Err(error) => error == rustix::io::Errno::PERM,
    }
}

/// Waits until these processes have ended, for as long as a killed process can take. A zombie has.
pub(crate) fn wait_for_ends(processes: &[Pid]) {
    let give_up = Instant::now() + END_BOUND;
    let ended = |process: &Pid| {
        let stat = format!("/proc/{}/stat", process.as_raw_nonzero());
        let state = std::fs::read_to_string(stat).ok();
        state.is_none_or(|stat| after_name(&stat).is_some_and(|rest| rest.starts_with(['Z', 'X'])))
    };
    while !processes.iter().all(ended) && Instant::now() < give_up {
        std::thread::park_timeout(LOOK_EVERY);
    }
}

/// Sends a signal; a process that is already gone is fine.
pub(crate) fn signal(pid: Pid, signal: Signal) {
    // The only other failure is a lack of rights, and then the wait that follows reports it.
    let _ = kill_process(pid, signal);
}

/// The direct children, read from `/proc`. PostgreSQL has no grandchildren.
pub(crate) fn children(parent: Pid) -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
            (parent_of(&entry.path())? == parent).then_some(pid)
        })
        .collect()
}

fn parent_of(process: &Path) -> Option<Pid> {
    let stat = std::fs::read_to_string(process.join("stat")).ok()?;
    Pid::from_raw(after_name(&stat)?.split_whitespace().nth(1)?.parse().ok()?)
}

/// The fields of a `stat` file from the state on. The name before it stands in brackets and may itself
/// contain blanks and brackets.
fn after_name(stat: &str) -> Option<&str> {
    Some(stat.rsplit_once(')')?.1.trim_start())
}
