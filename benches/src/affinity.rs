//! Which processors a thread may use. Keeps a server and its load generator apart, so that neither
//! is measured by what the other leaves it.

use anyhow::Context;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The processors that this process may use, lowest first.
pub(crate) fn available() -> anyhow::Result<Vec<usize>> {
    let set = sched_getaffinity(None).context("asking for this process's processors")?;
    Ok((0..CpuSet::MAX_CPU)
        .filter(|cpu| set.is_set(*cpu))
        .collect())
}

/// Leaves the calling thread, and every thread that it starts from now on, one processor.
pub(crate) fn pin_to(cpu: usize) -> anyhow::Result<()> {
    anyhow::ensure!(
        cpu < CpuSet::MAX_CPU,
        "there is no processor {cpu}: name one of {:?}",
        available()?
    );
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).with_context(|| format!("taking processor {cpu} alone"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_thread_has_one_processor_and_others_keep_theirs() {
        let before = available().unwrap();
        let last = *before.last().unwrap();
        let pinned = std::thread::spawn(move || {
            pin_to(last).unwrap();
            available().unwrap()
        });
        assert_eq!(pinned.join().unwrap(), [last]);
        assert_eq!(available().unwrap(), before);
        assert!(pin_to(CpuSet::MAX_CPU).is_err());
    }
}
