//! One transaction that changes a hundred thousand devices: how long until every answer knows it.

use std::time::{Duration, Instant};

use super::Found;
use super::applied::{connect, suspend_all};
use super::ask::Asker;
use super::stack::{HookService, Stack};
use crate::fleet;
use crate::report::{rounded, say};

const DEVICES: u32 = 100_000;

/// Longer means that answers stay wrong.
const APPLIED_TIME_MAX: Duration = Duration::from_secs(60);

pub(super) fn measure(stack: &Stack, hooks: &HookService, found: &mut Found) -> anyhow::Result<()> {
    // From the end of the fleet: the measurement before changed devices at its beginning.
    let last = stack.devices;
    let numbers: Vec<u32> = (last.saturating_sub(DEVICES)..last).collect();
    say(&format!("one transaction of {} devices", numbers.len()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let client = runtime.block_on(connect(&stack.url))?;
    let mut asker = Asker::connect(hooks.hooks)?;
    for (suspended, name) in [(true, "burst"), (false, "burst_back")] {
        let begun = Instant::now();
        runtime.block_on(suspend_all(&client, &numbers, suspended))?;
        let committed = Instant::now();
        // The first, the middle and the last; a change is applied as a whole.
        for at in [0, numbers.len() / 2, numbers.len() - 1] {
            let number = (0..=at)
                .rev()
                .map(|at| numbers[at])
                .find(|n| fleet::is_active(*n));
            let Some(number) = number else { continue };
            while asker.is_allowed(number)? == suspended {
                if committed.elapsed() > APPLIED_TIME_MAX {
                    found.wrong_answers += 1;
                    break;
                }
            }
        }
        found.note(
            &format!("{name}_commit_s"),
            rounded((committed - begun).as_secs_f64()),
        );
        found.note(
            &format!("{name}_applied_s"),
            rounded(committed.elapsed().as_secs_f64()),
        );
    }
    Ok(())
}
