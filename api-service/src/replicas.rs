//! Which processes of hook-service live, judged by whether their leases' counters move.
//!
//! A lease holds no time, since no two machines' clocks are compared for safety. This process looks
//! every second and remembers, by its own monotonic clock, for how long each counter has stood. The
//! fence does not ask here: it watches from the moment it begins to wait.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::Api;
use crate::store::StoreError;
use crate::store::hook_replica::ReplicaRow;

/// Between two looks. A replica renews after a sixth of its lease, so after 0.8 s at the least.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A lease whose counter stood at so many looks, one a second, is left behind by a process that is
/// gone: three times the longest lease and its margin. The looks count and not the time, so an outage of
/// the database makes nobody look dead.
const LEFT_BEHIND_LOOKS: u32 = 1_000;

/// Whether a replica lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ReplicaState {
    /// Its counter moved, or has not stood for long enough to say.
    Live,
    /// Its counter has stood for a third of its lease, or of the longest one if it is set to go on
    /// with what it knows: two renewals did not come. It may be cut off from the database and still
    /// allow devices, until its lease has run out or for ever.
    Silent,
    /// Its counter has stood for its lease and a tenth: it does not allow anything any more.
    Lapsed,
}

/// A replica with what was seen of it.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) row: ReplicaRow,
    pub(crate) state: ReplicaState,
    /// For how long this process has seen its counter where it is.
    pub(crate) still_for: Duration,
    /// Whether its row may be taken away: its process is gone, or notices and takes a new lease.
    pub(crate) is_left_behind: bool,
}

/// What was seen when.
#[derive(Debug, Default)]
pub(crate) struct Replicas(Mutex<HashMap<Uuid, Stand>>);

#[derive(Debug, Clone, Copy)]
struct Stand {
    renewals: i64,
    since: Instant,
    looks: u32,
    /// When a look was last counted: those of callers come in any number.
    looked: Instant,
}

impl Replicas {
    /// Looks now.
    pub(crate) async fn look(&self, api: &Api) -> Result<Vec<Judged>, StoreError> {
        let rows = api.store.connect().await?.hook_replicas().await?;
        Ok(self.judge(rows, Instant::now()))
    }

    fn judge(&self, rows: Vec<ReplicaRow>, now: Instant) -> Vec<Judged> {
        let mut seen = self.0.lock().expect("nothing panics under this lock");
        seen.retain(|process, _| rows.iter().any(|row| row.process == *process));
        rows.into_iter()
            .map(|row| {
                let here = Stand {
                    renewals: row.renewals,
                    since: now,
                    looks: 1,
                    looked: now,
                };
                let stand = seen.entry(row.process).or_insert(here);
                if stand.renewals != row.renewals {
                    *stand = here;
                }
                if now.saturating_duration_since(stand.looked) >= LOOK_EVERY / 2 {
                    stand.looks = stand.looks.saturating_add(1);
                    stand.looked = now;
                }
                let still_for = now.saturating_duration_since(stand.since);
                let state = state(still_for, row.length_ms);
                // One that serves known devices without end is only ever taken away by a person.
                let lapses = lease::longest_silence(row.length_ms);
                let is_left_behind = stand.looks >= LEFT_BEHIND_LOOKS
                    && lapses.is_some_and(|silence| still_for >= 2 * silence);
                Judged {
                    row,
                    state,
                    still_for,
                    is_left_behind,
                }
            })
            .collect()
    }
}

fn state(still_for: Duration, length_ms: i32) -> ReplicaState {
    let lapses_after = lease::longest_silence(length_ms);
    // One that never lapses renews as often as a lease of some length asks; at the least for this.
    let length = lapses_after.map_or(lease::LENGTH_MAX, |_| {
        Duration::from_millis(u64::try_from(length_ms).unwrap_or(0))
    });
    if lapses_after.is_some_and(|silence| still_for >= silence) {
        ReplicaState::Lapsed
    } else if still_for >= length / 3 {
        ReplicaState::Silent
    } else {
        ReplicaState::Live
    }
}

/// Looks every second until `stop`, so that whoever asks gets an answer at once.
pub(crate) async fn watch(api: Api, stop: CancellationToken) {
    while !stop.is_cancelled() {
        // The database's state is told by readiness; here a look that fails is only not made.
        if let Ok(judged) = api.replicas.look(&api).await {
            let count = |state| judged.iter().filter(|each| each.state == state).count();
            for (word, state) in [
                ("live", ReplicaState::Live),
                ("silent", ReplicaState::Silent),
                ("lapsed", ReplicaState::Lapsed),
            ] {
                let count = i64::try_from(count(state)).unwrap_or(i64::MAX);
                let gauge = api.metrics.hook_replicas.with_label_values(&[word]);
                gauge.set(count);
            }
            for judged in judged.iter().filter(|each| each.is_left_behind) {
                sweep(&api, judged).await;
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Takes away what a process that was killed left behind. With its counter where it stood, so a replica
/// that comes back this moment keeps its lease; one that comes back later takes a new one.
async fn sweep(api: &Api, judged: &Judged) {
    let row = &judged.row;
    let removed = async {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("sweep_hook_replica").await?;
        let removed = tx
            .remove_hook_replica(row.process, Some(row.renewals))
            .await?;
        tx.commit().await?;
        Ok::<_, StoreError>(removed)
    };
    // A failure is tried again at the next look.
    if let Ok(true) = removed.await {
        let (process, replica) = (row.process, &row.name);
        tracing::info!(%process, replica, "a lease that a dead process left behind was removed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH_MS: i32 = 30_000;

    fn row(process: Uuid, renewals: i64, length_ms: i32) -> ReplicaRow {
        ReplicaRow {
            process,
            name: "hook-0".to_owned(),
            applied: 0,
            renewals,
            length_ms,
            newest: 0,
        }
    }

    #[test]
    fn a_counter_that_stands_makes_a_replica_silent_and_then_lapsed() {
        let (replicas, process, began) = (Replicas::default(), Uuid::from_u128(1), Instant::now());
        let after = |seconds, renewals| {
            let now = began + Duration::from_secs(seconds);
            replicas.judge(vec![row(process, renewals, LENGTH_MS)], now)[0].state
        };
        assert_eq!(after(0, 7), ReplicaState::Live);
        assert_eq!(after(9, 7), ReplicaState::Live);
        assert_eq!(after(10, 7), ReplicaState::Silent);
        assert_eq!(after(32, 7), ReplicaState::Silent);
        assert_eq!(after(33, 7), ReplicaState::Lapsed);
        assert_eq!(after(34, 8), ReplicaState::Live);
        assert_eq!(after(44, 8), ReplicaState::Silent);
    }

    #[test]
    fn a_replica_that_serves_what_it_knows_falls_silent_and_never_lapses() {
        let (replicas, process, began) = (Replicas::default(), Uuid::from_u128(1), Instant::now());
        let after = |seconds| {
            let now = began + Duration::from_secs(seconds);
            let endless = row(process, 7, lease::LENGTH_ENDLESS_MS);
            replicas.judge(vec![endless], now)[0].state
        };
        assert_eq!(after(0), ReplicaState::Live);
        assert_eq!(after(99), ReplicaState::Live);
        assert_eq!(after(100), ReplicaState::Silent);
        assert_eq!(after(1_000_000), ReplicaState::Silent);
    }

    #[test]
    fn a_lease_that_is_gone_is_forgotten() {
        let (replicas, process, began) = (Replicas::default(), Uuid::from_u128(1), Instant::now());
        replicas.judge(vec![row(process, 1, LENGTH_MS)], began);
        replicas.judge(Vec::new(), began);
        let again = replicas.judge(
            vec![row(process, 1, LENGTH_MS)],
            began + Duration::from_secs(60),
        );
        assert_eq!(again[0].state, ReplicaState::Live);
    }

    #[test]
    fn a_lease_is_left_behind_when_it_stood_at_a_thousand_looks_unless_it_never_lapses() {
        let (replicas, began) = (Replicas::default(), Instant::now());
        let (dead, alive, endless) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let mut left = Vec::new();
        for second in 0..1_001_u32 {
            let now = began + Duration::from_secs(u64::from(second));
            let without_end = ReplicaRow {
                length_ms: lease::LENGTH_ENDLESS_MS,
                ..row(endless, 1, LENGTH_MS)
            };
            let rows = vec![
                row(dead, 1, LENGTH_MS),
                row(alive, i64::from(second / 600), LENGTH_MS),
                without_end,
            ];
            let judged = replicas.judge(rows, now);
            let gone = judged.iter().filter(|each| each.is_left_behind);
            left.push(gone.map(|each| each.row.process).collect::<Vec<_>>());
        }
        assert!(left[998].is_empty());
        assert_eq!(left[1_000], [dead]);
    }

    #[test]
    fn a_long_silence_of_the_database_leaves_nothing_behind() {
        let (replicas, process, began) = (Replicas::default(), Uuid::from_u128(1), Instant::now());
        replicas.judge(vec![row(process, 1, LENGTH_MS)], began);
        let later = began + Duration::from_secs(86_400);
        assert!(!replicas.judge(vec![row(process, 1, LENGTH_MS)], later)[0].is_left_behind);
    }
}
