//! Signals to the server's processes. Only ever to a process that this crate knows by its id.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// Whether the process still exists (a zombie counts).
pub(crate) fn is_alive(pid: Pid) -> bool {
    match test_kill_process(pid) {
        Ok(()) => true,
        Err(error) => error == rustix::io::Errno::PERM,
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
    // The second field is the name in brackets and may itself contain blanks and brackets.
    let after_name = stat.rsplit_once(')')?.1;
    Pid::from_raw(after_name.split_whitespace().nth(1)?.parse().ok()?)
}
