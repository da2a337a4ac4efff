//! CPU time of processes, from `/proc`. Never of one thread: a server is all of its threads.

use std::path::Path;

/// Clock ticks in a second of `/proc/<pid>/stat`; fixed on Linux for user space.
const TICKS_PER_SECOND: f64 = 100.0;

/// Reads the CPU time that one or more processes used so far.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    processes: Vec<u32>,
    families: Vec<u32>,
}

impl Clock {
    /// Of these processes together.
    pub(crate) fn of(processes: Vec<u32>) -> Self {
        let families = Vec::new();
        Self {
            processes,
            families,
        }
    }

    /// Of a process and its children, those that have ended and were waited for too. To 10 ms.
    pub(crate) fn of_family(parent: u32) -> Self {
        let (processes, families) = (Vec::new(), vec![parent]);
        Self {
            processes,
            families,
        }
    }

    /// Of both.
    pub(crate) fn with(mut self, other: Self) -> Self {
        self.processes.extend(other.processes);
        self.families.extend(other.families);
        self
    }

    pub(crate) fn of_this_process() -> Self {
        Self::of(vec![std::process::id()])
    }

    /// Seconds used so far; a process that is gone counts as nothing.
    pub(crate) fn seconds(&self) -> f64 {
        let used = |process: &u32| {
            let folder = Path::new("/proc").join(process.to_string());
            of_threads(&folder).or_else(|| of_ticks(&folder))
        };
        let alone: f64 = self.processes.iter().filter_map(used).sum();
        let families = self.families.iter().filter_map(|parent| of_family(*parent));
        alone + families.sum::<f64>()
    }
}

/// What a process, its living children, and all that it has waited for used so far.
fn of_family(parent: u32) -> Option<f64> {
    let read = |file: String| std::fs::read_to_string(file).ok();
    let stat = read(format!("/proc/{parent}/stat"))?;
    let children = read(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    let alive = children.split_ascii_whitespace().filter_map(|child| {
        // One may end between the listing and the look; its parent has waited for it then.
        ticks(&read(format!("/proc/{child}/stat"))?)
    });
    Some(ticks(&stat)? + ticks_of_ended_children(&stat)? + alive.sum::<f64>())
}

/// CPU seconds of the children that this process has waited for.
pub(crate) fn seconds_of_ended_children() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    ticks_of_ended_children(&stat).unwrap_or_default()
}

/// To the nanosecond, where the kernel keeps scheduler statistics.
#[expect(
    clippy::cast_precision_loss,
    reason = "nanoseconds of hours stay below 2^53"
)]
fn of_threads(process: &Path) -> Option<f64> {
    let mut nanos = 0_u64;
    for thread in process.join("task").read_dir().ok()? {
        // A thread may end between the listing and the look.
        if let Ok(text) = std::fs::read_to_string(thread.ok()?.path().join("schedstat")) {
            nanos += text.split(' ').next()?.parse::<u64>().ok()?;
        }
    }
    (nanos > 0).then_some(nanos as f64 / 1e9)
}

/// To 10 ms: user and system time of `/proc/<pid>/stat`.
fn of_ticks(process: &Path) -> Option<f64> {
    ticks(&std::fs::read_to_string(process.join("stat")).ok()?)
}

fn ticks(stat: &str) -> Option<f64> {
    two_fields(stat, 11)
}

fn ticks_of_ended_children(stat: &str) -> Option<f64> {
    two_fields(stat, 13)
}

/// The sum of two neighbouring fields, user and system time, in seconds.
fn two_fields(stat: &str, first: usize) -> Option<f64> {
    // The command's name stands in brackets and may hold anything, brackets too.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(first);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

/// Processor seconds of the whole machine since its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MachineSeconds {
    /// Used by processes.
    pub(crate) busy: f64,
    /// Used by interrupts: the loopback interface's share of every request and answer is here, where
    /// no process is charged for it.
    pub(crate) interrupts: f64,
    /// Taken by the machine below.
    pub(crate) stolen: f64,
}

/// Reads `/proc/stat`.
pub(crate) fn machine_seconds() -> Option<MachineSeconds> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    let fields: Vec<f64> = text
        .lines()
        .next()?
        .split_ascii_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    let [user, nice, system, _idle, _wait, irq, softirq, steal, ..] = fields[..] else {
        return None;
    };
    Some(MachineSeconds {
        busy: (user + nice + system) / TICKS_PER_SECOND,
        interrupts: (irq + softirq) / TICKS_PER_SECOND,
        stolen: steal / TICKS_PER_SECOND,
    })
}

/// Resident memory of a process, bytes.
pub(crate) fn resident_bytes(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_seen_by_the_clock() {
        let clock = Clock::of_this_process();
        let before = clock.seconds();
        let mut sum = 0_u64;
        while clock.seconds() < before + 0.02 {
            sum = (0..100_000).fold(sum, |sum, n| sum ^ std::hint::black_box(n));
        }
        assert!(clock.seconds() > before, "{sum}");
        assert!(resident_bytes(std::process::id()).unwrap() > 1 << 20);
        assert!(machine_seconds().unwrap().busy > 0.0);
    }

    #[test]
    fn a_command_with_brackets_does_not_shift_the_fields() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 250 50 0 0 20 0";
        assert_eq!(ticks(stat), Some(3.0));
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 250 50 100 20 20 0";
        assert_eq!(ticks_of_ended_children(stat), Some(1.2));
        assert_eq!(ticks(""), None);
    }

    #[test]
    fn a_family_keeps_the_time_of_those_who_have_ended() {
        let own = Clock::of_family(std::process::id());
        let before = own.seconds();
        let mut child = std::process::Command::new("sh");
        child.args(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"]);
        assert!(child.status().unwrap().success());
        assert!(own.seconds() > before + 0.01);
        assert!(seconds_of_ended_children() > 0.0);
    }

    #[test]
    fn a_process_that_is_gone_counts_as_nothing() {
        assert!(Clock::of(vec![u32::MAX]).seconds().abs() < f64::EPSILON);
    }
}
