//! Revokes one by one, at their times whether or not earlier ones have ended.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use chaos::device::Device;
use chaos::oracle::Oracle;
use chaos::stack::ApiClient;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::Scene;
use crate::load;
use crate::report::rounded;

/// A revoke may begin this late at the 99th percentile, or the harness was not able to measure.
const LATE_MAX: Duration = Duration::from_millis(50);
/// Every revoke has ended within this, faults and all.
const ENDS_WITHIN: Duration = Duration::from_secs(180);
/// The device sees its session end within this after the API has said so.
const SEEN_WITHIN: Duration = Duration::from_secs(10);

/// What the open loop found.
#[derive(Debug)]
pub(super) struct Found {
    /// From the call to the later of: the API says `closed`, and the device has seen its session end.
    closed: Histogram<u64>,
    /// The same until the device has seen it.
    seen: Histogram<u64>,
    complete: Histogram<u64>,
    late: Histogram<u64>,
    due: u64,
}

struct One {
    late: Duration,
    /// Not for a device that was between two sessions.
    closed: Option<Duration>,
    seen: Option<Duration>,
    complete: Duration,
}

/// Revokes them in this order. With `faults` no session need have been seen to end by its time.
pub(super) async fn run(
    scene: &Scene,
    order: &[Arc<Device>],
    per_second: u32,
    faults: bool,
) -> anyhow::Result<Found> {
    let mut revokes = JoinSet::new();
    let start = Instant::now();
    for (index, device) in order.iter().enumerate() {
        let due = start + Duration::from_secs(1) * u32::try_from(index)? / per_second;
        sleep_until(due).await;
        let (api, oracle) = (scene.api.clone(), Arc::clone(&scene.oracle));
        let id = device.id.clone();
        revokes.spawn(async move { one(&api, &oracle, &id, due, faults).await });
    }
    let mut found = Found {
        closed: load::histogram(),
        seen: load::histogram(),
        complete: load::histogram(),
        late: load::histogram(),
        due: order.len() as u64,
    };
    while let Some(revoked) = revokes.join_next().await {
        let one = revoked.context("a revoke")??;
        note(&mut found.late, one.late);
        note(&mut found.complete, one.complete);
        if let (Some(closed), Some(seen)) = (one.closed, one.seen) {
            note(&mut found.closed, closed);
            note(&mut found.seen, seen);
        }
    }
    Ok(found)
}

async fn one(
    api: &ApiClient,
    oracle: &Arc<Oracle>,
    device: &str,
    due: Instant,
    faults: bool,
) -> anyhow::Result<One> {
    let late = due.elapsed();
    let deadline = Instant::now() + ENDS_WITHIN;
    let had_session = oracle.has_session(device);
    oracle.revoke_called(device);
    // Counted from when it was due: what the loop was late is the caller's wait too.
    let revoked = api.revoke(device, Some("closed"), ENDS_WITHIN).await?;
    let said = due.elapsed();
    let mut closed = None;
    let mut operation = api.operation(revoked.operation, ENDS_WITHIN).await?;
    if operation.fenced {
        oracle.fenced(device);
    }
    let mut seen = None;
    if had_session && operation.closed {
        let told = format!("{device} to see its session end");
        let wait =
            chaos::wait::until_true(&told, SEEN_WITHIN, || oracle.closed_at(device).is_some());
        match wait.await {
            Ok(()) => {
                seen = oracle
                    .closed_at(device)
                    .map(|at| at.saturating_duration_since(due));
                closed = seen.map(|seen| seen.max(said));
            }
            Err(error) if !faults => return Err(error),
            Err(_) => {}
        }
    }
    while !operation.complete {
        ensure!(Instant::now() < deadline, "{device}: {}", operation.body);
        // Repeating it changes nothing, and it is the call that waits.
        let left = deadline.saturating_duration_since(Instant::now());
        let asked = api.revoke(device, Some("complete"), left).await?;
        operation = api.operation(asked.operation, left).await?;
        if operation.fenced {
            oracle.fenced(device);
        }
    }
    oracle.complete(device);
    Ok(One {
        late,
        closed,
        seen,
        complete: due.elapsed(),
    })
}

fn note(histogram: &mut Histogram<u64>, time: Duration) {
    histogram.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
}

impl Found {
    pub(super) fn note(&self, figures: &mut Value) {
        for (name, histogram) in [
            ("revoke_to_closed", &self.closed),
            ("device_saw_close", &self.seen),
            ("revoke_to_complete", &self.complete),
            ("revoke_began_late", &self.late),
        ] {
            for (suffix, quantile) in [("p50_ms", 0.5), ("p99_ms", 0.99), ("max_ms", 1.0)] {
                figures[format!("{name}_{suffix}")] = ms(histogram, quantile);
            }
        }
        figures["revoked_singly"] = json!(self.due);
        figures["closed_measured"] = json!(self.closed.len());
    }

    /// Refuses a run whose own loop was late: its figures would be the harness's.
    pub(super) fn judge(&self) -> anyhow::Result<()> {
        let late = Duration::from_nanos(self.late.value_at_quantile(0.99));
        ensure!(
            late <= LATE_MAX,
            "refused: revokes began {late:?} late at the 99th percentile, at most {LATE_MAX:?} is \
             taken; the harness could not keep its rate"
        );
        ensure!(
            !self.closed.is_empty(),
            "refused: no session was seen to end"
        );
        Ok(())
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "minutes of nanoseconds stay below 2^53"
)]
fn ms(histogram: &Histogram<u64>, quantile: f64) -> Value {
    if histogram.is_empty() {
        return Value::Null;
    }
    rounded(histogram.value_at_quantile(quantile) as f64 / 1e6)
}
