//! What must hold after every fault.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use chaos::device::Device;
use chaos::stack::{Replica, Sample, scrape};
use chaos::wait;
use tokio::time::Instant;

use super::fault::Fault;
use super::run::Run;

/// Full compares that a replica has made.
const COMPARES: &str = "hook_compares_total";
/// A closed session reaches its device within this, on a busy machine too.
const CLOSES_WITHIN: Duration = Duration::from_secs(5);
/// Devices are heard again within this after the fault.
const BACK_WITHIN: Duration = Duration::from_secs(60);
/// Everything that follows the database has caught up within this.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(60);

/// Checks everything; the first thing that does not hold is the error.
pub(super) async fn all(
    run: &Run,
    fault: Fault,
    condemned: &[Arc<Device>],
    survivors: &[Arc<Device>],
    healed: Instant,
) -> anyhow::Result<()> {
    sessions_ended(run, condemned).await?;
    refused(run, condemned).await?;
    survivors_are_back(run, survivors, healed).await?;
    outbox_is_empty(run, fault).await?;
    // All begin to count before any is waited for: they compare side by side.
    let mut before = Vec::new();
    for replica in &run.stack.replicas {
        before.push(counter(&metrics(replica).await?, COMPARES));
    }
    for (replica, before) in run.stack.replicas.iter().zip(before) {
        let told = || format!("the table of {}", replica.name);
        table_is_the_database(run, replica, before, fault)
            .await
            .with_context(told)?;
    }
    nobody_wrong_was_let_in(run)
}

/// No revoked device has a session: neither by its own word nor by the broker's.
async fn sessions_ended(run: &Run, condemned: &[Arc<Device>]) -> anyhow::Result<()> {
    let ended = wait::until_true("the end of revoked sessions", CLOSES_WITHIN, || {
        run.oracle.lingering().is_empty()
    })
    .await;
    if ended.is_err() {
        for device in run.oracle.lingering() {
            run.oracle.escaped(&device);
        }
    }
    for device in condemned {
        ensure!(
            run.oracle.is_complete(&device.id),
            "{} is not complete",
            device.id
        );
        if run.stack.broker.has_session(&device.id).await? {
            run.oracle.escaped(&device.id);
        }
    }
    nobody_wrong_was_let_in(run)
}

async fn refused(run: &Run, condemned: &[Arc<Device>]) -> anyhow::Result<()> {
    wait::until_true("a refusal of every revoked device", BACK_WITHIN, || {
        condemned
            .iter()
            .all(|device| run.oracle.was_refused_after(&device.id))
    })
    .await
}

async fn survivors_are_back(
    run: &Run,
    survivors: &[Arc<Device>],
    healed: Instant,
) -> anyhow::Result<()> {
    wait::until_true("every other device let in again", BACK_WITHIN, || {
        survivors
            .iter()
            .all(|device| run.oracle.accepted_since(&device.id, healed))
    })
    .await
}

/// Everything was carried out, and nothing given up but what the fault itself put there.
async fn outbox_is_empty(run: &Run, fault: Fault) -> anyhow::Result<()> {
    let count = async |state: &str| {
        let sql = format!("SELECT count(*) FROM outbox WHERE state = '{state}'");
        run.stack.database.number(&sql).await
    };
    wait::until(
        "an outbox without pending entries",
        CAUGHT_UP_WITHIN,
        || async { Ok((count("pending").await? == 0).then_some(())) },
    )
    .await?;
    let (dead, expected) = (count("dead").await?, i64::from(fault.spoils_the_table()));
    ensure!(dead == expected, "{dead} entries were given up");
    Ok(())
}

/// The replica has applied the newest change, and full compares begun from now on correct nothing.
async fn table_is_the_database(
    run: &Run,
    replica: &Replica,
    before: f64,
    fault: Fault,
) -> anyhow::Result<()> {
    let newest = run
        .stack
        .database
        .number("SELECT coalesce(max(number), 0) FROM change")
        .await?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "change numbers of a run are small"
    )]
    let newest = newest as f64;
    // One compare may have begun before now.
    let compares = before + f64::from(run.effort.compares) + 1.0;
    let metrics = wait::until(
        "a full compare after the last change",
        CAUGHT_UP_WITHIN,
        || async {
            let metrics = metrics(replica).await?;
            let applied = counter(&metrics, "hook_applied_change_number") >= newest;
            let compared = counter(&metrics, COMPARES) >= compares;
            Ok((applied && compared).then_some(metrics))
        },
    )
    .await?;
    let corrections = counter(&metrics, "hook_corrections_total");
    if fault.spoils_the_table() {
        ensure!(corrections > 0.0, "the compare did not see the spoiled row");
    } else {
        ensure!(
            corrections == 0.0,
            "a full compare had to correct {corrections} entries"
        );
    }
    Ok(())
}

async fn metrics(replica: &Replica) -> anyhow::Result<Vec<Sample>> {
    scrape(replica.ops).await.context("reading metrics")
}

fn counter(samples: &[Sample], name: &str) -> f64 {
    let of_name = samples.iter().filter(|sample| sample.name == name);
    of_name.map(|sample| sample.value).sum()
}

fn nobody_wrong_was_let_in(run: &Run) -> anyhow::Result<()> {
    let violations = run.oracle.violations();
    let told: Vec<String> = violations
        .iter()
        .take(5)
        .map(|violation| format!("{}: {}", violation.device, violation.what))
        .collect();
    ensure!(
        violations.is_empty(),
        "{} wrong: {}",
        violations.len(),
        told.join("; ")
    );
    Ok(())
}
