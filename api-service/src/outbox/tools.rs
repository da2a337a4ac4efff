//! What every entry in work shares: the clusters, and grouped ways to the database.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::grouped::Grouped;
use super::standing::{Verdict, judge};
use crate::api::Api;
use crate::broker::Cluster;
use crate::problem::chain;
use crate::store::StoreError;
use crate::store::outbox::work::{Claimed, Note, Standing};
use schema::Lifecycle;

/// Entries of one statement.
const GROUP_MAX: usize = 256;

/// Statements at once: so many connections of the pool the workers take, however much there is to do.
const LANES: usize = 2;

/// Between two questions about a device that somebody is changing.
const HELD_PAUSE: Duration = Duration::from_millis(10);

/// Longest time that somebody may hold a device before the attempt fails, to be made again.
const HELD_MAX: Duration = Duration::from_secs(5);

/// What the entries in work share.
pub(crate) struct Tools {
    pub(crate) api: Api,
    pub(crate) clusters: Vec<Cluster>,
    /// This run of the worker: nobody else has its name.
    pub(crate) worker: Uuid,
    /// How long after the fence kicks are repeated.
    pub(crate) settle: Duration,
    standings: Grouped<i64, Standing, StoreError>,
    notes: Grouped<Note, bool, StoreError>,
}

impl Tools {
    /// Puts them together.
    pub(crate) fn new(api: Api, clusters: Vec<Cluster>, settle: Duration) -> Self {
        let worker = Uuid::new_v4();
        let store = api.store.clone();
        let standings = Grouped::start(LANES, GROUP_MAX, move |ids: Vec<i64>| {
            let store = store.clone();
            async move { store.connect().await?.outbox_standing(&ids).await }
        });
        let store = api.store.clone();
        let notes = Grouped::start(LANES, GROUP_MAX, move |notes: Vec<Note>| {
            let store = store.clone();
            async move { store.connect().await?.note_outbox(worker, &notes).await }
        });
        Self {
            api,
            clusters,
            worker,
            settle,
            standings,
            notes,
        }
    }

    /// Whether what an entry does is right now, read under the lock of the device's row.
    pub(crate) async fn judge(&self, entry: &Claimed) -> Result<Verdict, String> {
        let began = Instant::now();
        loop {
            let standing = self.standings.ask(entry.id).await;
            let standing = standing.map_err(|error| chain(&error))?;
            match judge(&entry.kind, &standing) {
                Verdict::Held if began.elapsed() >= HELD_MAX => {
                    return Err("somebody holds the device's row for long".to_owned());
                }
                Verdict::Held => tokio::time::sleep(HELD_PAUSE).await,
                verdict => return Ok(verdict),
            }
        }
    }

    /// Whether the device of an entry may connect now, whatever newer entries say.
    pub(crate) async fn is_allowed(&self, entry: &Claimed) -> Result<bool, String> {
        let standing = self.standings.ask(entry.id).await;
        let standing = standing.map_err(|error| chain(&error))?;
        Ok(standing
            .device
            .is_some_and(|(lifecycle, suspended)| lifecycle != Lifecycle::Revoked && !suspended))
    }

    /// Writes a note and tells those who wait; `false` if the entry is not this worker's any more.
    pub(crate) async fn note(&self, note: Note) -> Result<bool, String> {
        let id = note.id;
        let written = self.notes.ask(note).await;
        let written = written.map_err(|error| chain(&error))?;
        self.api.progress.tell(id);
        Ok(written)
    }
}
