//! The task that looks at the leases, for everybody who waits.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lease::{Judge, Look, Wait};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{Durability, Fenced, ReplicaFenced};
use crate::problem::chain;
use crate::store::Store;
use crate::store::lease::Leases;

/// Between two looks when nobody waits: the shortest lease is five times as long.
const IDLE: Duration = Duration::from_secs(1);

/// A look may take this long, then it is made again.
const LOOK_MAX: Duration = Duration::from_secs(5);

/// A wait this long is told to operators, and each time again.
const LONG: Duration = Duration::from_secs(10);

/// A wish to be told when a change is everywhere.
pub(super) struct Asked {
    pub(super) number: i64,
    pub(super) begun: Instant,
    pub(super) done: oneshot::Sender<Fenced>,
}

/// Somebody who waits.
struct Waiting {
    wait: Wait,
    number: i64,
    names: BTreeMap<Uuid, String>,
    /// A WAL position behind the change.
    position: Option<String>,
    told_after: Duration,
    done: oneshot::Sender<Fenced>,
}

/// Runs until nobody can ask any more and everybody was answered.
pub(super) async fn run(store: Store, mut asks: mpsc::Receiver<Asked>) {
    let mut judge = Judge::default();
    let mut waiting: Vec<Waiting> = Vec::new();
    let mut failing = false;
    loop {
        let pause = pause(waiting.iter().map(|w| w.wait.begun()).max(), Instant::now());
        tokio::select! {
            asked = asks.recv() => match asked {
                Some(asked) => waiting.push(Waiting::from(asked)),
                None if waiting.is_empty() => return,
                None => tokio::time::sleep(pause).await,
            },
            () = tokio::time::sleep(pause) => {}
        }
        while let Ok(asked) = asks.try_recv() {
            waiting.push(Waiting::from(asked));
        }
        waiting.retain(|waiting| !waiting.done.is_closed());
        let sent = Instant::now();
        match look(&store).await {
            Ok(leases) => {
                failing = false;
                settle(&store, &mut judge, &mut waiting, &leases, sent).await;
            }
            Err(reason) if !waiting.is_empty() && !failing => {
                failing = true;
                tracing::warn!(reason, "the leases cannot be read; fences wait on");
            }
            Err(_) => {}
        }
    }
}

/// Short while somebody has just begun to wait, since a healthy replica needs some milliseconds;
/// longer when only a dead one is waited for.
fn pause(youngest: Option<Instant>, now: Instant) -> Duration {
    match youngest.map(|begun| now.saturating_duration_since(begun)) {
        None => IDLE,
        Some(age) if age < Duration::from_millis(100) => Duration::from_millis(5),
        Some(age) if age < Duration::from_secs(1) => Duration::from_millis(20),
        Some(_) => Duration::from_millis(100),
    }
}

async fn look(store: &Store) -> Result<Leases, String> {
    let look = async { store.connect().await?.leases().await };
    match tokio::time::timeout(LOOK_MAX, look).await {
        Ok(Ok(leases)) => Ok(leases),
        Ok(Err(error)) => Err(chain(&error)),
        Err(_elapsed) => Err(format!("no answer within {LOOK_MAX:?}")),
    }
}

/// Shows a look to everybody, and answers whose wait is over.
async fn settle(
    store: &Store,
    judge: &mut Judge,
    waiting: &mut Vec<Waiting>,
    leases: &Leases,
    sent: Instant,
) {
    let look = Look {
        sent,
        received: Instant::now(),
        newest: leases.newest,
        history: &leases.history,
        rows: &leases.rows,
    };
    judge.look(&look);
    let over: Vec<Waiting> = waiting
        .extract_if(.., |waiting| waiting.looked(judge, &look, leases))
        .collect();
    // Those who began together share a position, and one question about it.
    let mut known = BTreeMap::new();
    for waiting in over {
        let durability = match waiting.replicable(leases.synchronous) {
            None => Durability::Local,
            Some(position) => match known.get(position) {
                Some(durability) => *durability,
                None => {
                    let durability = durability(store, position).await;
                    known.insert(position.to_owned(), durability);
                    durability
                }
            },
        };
        let (done, fenced) = waiting.fenced(look.received, durability);
        // Whoever does not listen any more has no need of it.
        let _ = done.send(fenced);
    }
    for waiting in waiting {
        waiting.tell_if_long(look.received);
    }
}

async fn durability(store: &Store, position: &str) -> Durability {
    let replicated = async { store.connect().await?.is_replicated(position).await };
    match tokio::time::timeout(LOOK_MAX, replicated).await {
        Ok(Ok(true)) => Durability::Replicated,
        _ => Durability::Local,
    }
}

impl Waiting {
    fn looked(&mut self, judge: &Judge, look: &Look<'_>, leases: &Leases) -> bool {
        let over = self.wait.look(judge, look);
        for (row, name) in leases.rows.iter().zip(&leases.names) {
            let names = self.names.entry(row.process);
            names.or_insert_with(|| name.clone());
        }
        self.position.get_or_insert_with(|| leases.position.clone());
        over
    }

    /// The position that a synchronous standby may have.
    fn replicable(&self, synchronous: bool) -> Option<&str> {
        let position = self.position.as_deref();
        position.filter(|_| synchronous && !self.wait.saw_failover())
    }

    fn fenced(self, now: Instant, durability: Durability) -> (oneshot::Sender<Fenced>, Fenced) {
        let begun = self.wait.begun();
        let after = |at: Instant| at.saturating_duration_since(begun);
        let mut replicas: Vec<ReplicaFenced> = self
            .wait
            .leases()
            .filter_map(|(process, verdict)| {
                let verdict = verdict?;
                Some(ReplicaFenced {
                    name: self.names.get(&process).cloned().unwrap_or_default(),
                    process,
                    how: verdict.how,
                    after: after(verdict.at),
                })
            })
            .collect();
        replicas.sort_by(|a, b| (&a.name, a.process).cmp(&(&b.name, b.process)));
        let fenced = Fenced {
            replicas,
            after: after(now),
            durability,
        };
        (self.done, fenced)
    }

    fn tell_if_long(&mut self, now: Instant) {
        let waited = now.saturating_duration_since(self.wait.begun());
        if waited < self.told_after + LONG {
            return;
        }
        self.told_after = waited;
        let open = self.wait.leases().filter(|(_, verdict)| verdict.is_none());
        let replicas: Vec<&str> = open
            .filter_map(|(process, _)| self.names.get(&process).map(String::as_str))
            .collect();
        tracing::warn!(
            change = self.number,
            waited_s = waited.as_secs(),
            ?replicas,
            "a fence still waits for replicas that neither follow nor lapse"
        );
    }
}

impl From<Asked> for Waiting {
    fn from(asked: Asked) -> Self {
        Self {
            wait: Wait::new(asked.number, asked.begun),
            number: asked.number,
            names: BTreeMap::new(),
            position: None,
            told_after: Duration::ZERO,
            done: asked.done,
        }
    }
}
