//! What a worker does with entries: claim, look where the device stands, note, renew.
//!
//! An entry is claimed by a worker's name and for a while, and no lock is held while the broker is
//! asked. A worker that dies loses its claims by the passing of that time; one that only slept finds
//! its name gone when it notes something, and stops.
//!
//! None of these writes is flushed to disk before it counts. Losing one in a crash of the server only
//! means that a step is done again, and every step may be; the command itself was flushed.

use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{get, json, read_phase};
use crate::outbox::timeline::{ClusterProgress, Timeline};
use crate::outbox::{Phase, kind};
use crate::store::{Connection, StoreError};
use schema::words::{OUTBOX_DEAD, OUTBOX_DONE, OUTBOX_PENDING};
use schema::{CertificateState, Lifecycle};

/// An entry waits for every earlier one of its subject, and for a later one that is in work (a dead
/// one that was taken up again). Kinds that are not ours are left to whoever knows them and hold up
/// nothing: the end of a device's sessions waits for no message to it.
const CLAIM: &str = "
-- store::outbox::work::claim
WITH unflushed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
UPDATE outbox AS entry
   SET attempts = entry.attempts + 1,
       claimed_by = $3,
       next_attempt_at = now() + make_interval(secs => $4)
  FROM unflushed
 WHERE entry.id IN (
       SELECT due.id
         FROM outbox AS due
        WHERE due.state = 'pending'
          AND due.next_attempt_at <= now()
          AND due.kind = ANY($1)
          AND NOT EXISTS (
              SELECT
                FROM outbox AS other
               WHERE other.subject = due.subject
                 AND other.state = 'pending'
                 AND other.kind = ANY($1)
                 AND (other.id < due.id
                      OR (other.id > due.id
                          AND other.claimed_by IS NOT NULL
                          AND other.next_attempt_at > now())))
        ORDER BY due.next_attempt_at, due.id
        LIMIT $2
          FOR UPDATE OF due SKIP LOCKED)
RETURNING entry.id, entry.kind, entry.subject, entry.payload, entry.attempts, entry.phase,
          entry.timeline, entry.clusters, entry.mass,
          -- Without a number of its own (nothing changed for the hooks) all that is known counts.
          coalesce(entry.change_number, (SELECT max(number) FROM change)) AS number,
          extract(epoch FROM clock_timestamp() - entry.created_at)::float8 AS age_s";

/// A row lock is a write too, therefore unflushed like the others. A device's row that somebody holds
/// is skipped: it is about to change, and nobody else's entry may
/// wait for it.
const STANDING: &str = "
-- store::outbox::work::standing
WITH unflushed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)), asked AS (
    SELECT id, subject, kind, 
           lower(replace(payload ->> 'fingerprint', ':', '')) AS fingerprint
      FROM outbox
     WHERE id = ANY($1)
), held AS (
    SELECT device_id, lifecycle, suspended
      FROM device
     WHERE device_id IN (SELECT subject FROM asked)
       FOR SHARE OF device SKIP LOCKED
)
SELECT asked.id, held.lifecycle, held.suspended,
       EXISTS (SELECT FROM device WHERE device_id = asked.subject) AS is_known,
       (SELECT certificate.state
          FROM certificate
         WHERE certificate.device_id = asked.subject
           AND encode(certificate.fingerprint, 'hex') = asked.fingerprint) AS certificate_state,
       (SELECT max(later.id)
          FROM outbox AS later
         WHERE later.subject = asked.subject
           AND later.id > asked.id
           AND later.state <> 'dead'
           -- A device may be called like an account: an account's entries are among themselves.
           AND CASE asked.kind WHEN $5 THEN later.kind = $5
                               WHEN $4 THEN later.kind = $2
                               ELSE later.kind IN ($2, $3) END) AS superseded_by
  FROM asked
 CROSS JOIN unflushed
  LEFT JOIN held ON held.device_id = asked.subject";

/// Only what this worker still holds.
const NOTE: &str = "
-- store::outbox::work::note
WITH unflushed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
UPDATE outbox AS entry
   SET state = note.state,
       phase = note.phase,
       timeline = note.timeline,
       clusters = note.clusters,
       last_error = note.last_error,
       superseded_by = note.superseded_by,
       done_at = CASE WHEN note.state = 'pending' THEN NULL ELSE now() END,
       claimed_by = CASE WHEN note.state = 'pending' AND note.pause_s IS NULL
                         THEN entry.claimed_by END,
       next_attempt_at = CASE WHEN note.pause_s IS NULL THEN entry.next_attempt_at
                              ELSE now() + make_interval(secs => note.pause_s) END
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::jsonb[], $5::jsonb[], $6::text[],
              $7::bigint[], $8::float8[])
           AS note (id, state, phase, timeline, clusters, last_error, superseded_by, pause_s),
       unflushed
 WHERE entry.id = note.id
   AND entry.claimed_by = $9
   AND entry.state = 'pending'
RETURNING entry.id";

const RENEW: &str = "
-- store::outbox::work::renew
WITH unflushed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
UPDATE outbox AS entry
   SET next_attempt_at = now() + make_interval(secs => $3)
  FROM unflushed
 WHERE entry.id = ANY($1)
   AND entry.claimed_by = $2
   AND entry.state = 'pending'";

const RELEASE: &str = "
-- store::outbox::work::release
UPDATE outbox
   SET claimed_by = NULL, next_attempt_at = now()
 WHERE claimed_by = $1
   AND state = 'pending'";

/// Every statement of this file.
pub(in crate::store) const STATEMENTS: &[&str] = &[CLAIM, STANDING, NOTE, RENEW, RELEASE];

/// An entry claimed by this worker for a while.
#[derive(Debug, Clone)]
pub(crate) struct Claimed {
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) payload: Value,
    pub(crate) attempts: i32,
    pub(crate) phase: Phase,
    pub(crate) timeline: Timeline,
    pub(crate) clusters: Vec<ClusterProgress>,
    /// Kicked in bulk, not banned.
    pub(crate) mass: bool,
    /// The change to fence; none if there never was any.
    pub(crate) number: Option<i64>,
    /// Since the command began, by the database's clock.
    pub(crate) age_s: f64,
}

/// Where the device of an entry stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Lifecycle and whether it is suspended. None: the row is held by somebody who may change it,
    /// or there is no such device.
    pub(crate) device: Option<(Lifecycle, bool)>,
    /// Whether there is such a device.
    pub(crate) is_known: bool,
    /// The state of the certificate that the entry is about.
    pub(crate) certificate: Option<CertificateState>,
    /// A newer entry that says what is right.
    pub(crate) superseded_by: Option<i64>,
}

/// How an entry ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Done,
    Dead,
}

/// What a worker writes about an entry.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub(crate) id: i64,
    /// None: it goes on.
    pub(crate) ended: Option<Ended>,
    pub(crate) phase: Phase,
    pub(crate) timeline: Timeline,
    pub(crate) clusters: Vec<ClusterProgress>,
    pub(crate) last_error: Option<String>,
    pub(crate) superseded_by: Option<i64>,
    /// Gives the claim back, to be taken again after so many seconds.
    pub(crate) pause_s: Option<f64>,
}

impl Connection {
    /// Claims due entries for `lease_s` seconds.
    pub(crate) async fn claim_outbox(
        &self,
        worker: Uuid,
        limit: i64,
        lease_s: f64,
    ) -> Result<Vec<Claimed>, StoreError> {
        let rows = self
            .rows(CLAIM, &[&kind::ALL, &limit, &worker, &lease_s])
            .await?;
        rows.iter().map(Claimed::try_from).collect()
    }

    /// Where the devices of some entries stand, in the order asked.
    pub(crate) async fn outbox_standing(&self, ids: &[i64]) -> Result<Vec<Standing>, StoreError> {
        let ends = kind::END_DEVICE_SESSIONS;
        let (allows, certificate) = (kind::LIFT_DEVICE_BAN, kind::END_CERTIFICATE_SESSION);
        let account = kind::END_ACCOUNT_SESSIONS;
        let rows = self
            .rows(STANDING, &[&ids, &ends, &allows, &certificate, &account])
            .await?;
        let mut found = std::collections::HashMap::new();
        for row in &rows {
            found.insert(get::<i64>(row, "id")?, Standing::try_from(row)?);
        }
        let gone = Standing {
            device: None,
            is_known: false,
            certificate: None,
            superseded_by: None,
        };
        Ok(ids
            .iter()
            .map(|id| found.get(id).copied().unwrap_or(gone))
            .collect())
    }

    /// Writes notes; says for each whether the entry was still this worker's.
    pub(crate) async fn note_outbox(
        &self,
        worker: Uuid,
        notes: &[Note],
    ) -> Result<Vec<bool>, StoreError> {
        let ids: Vec<i64> = notes.iter().map(|note| note.id).collect();
        let states: Vec<&str> = notes.iter().map(|note| word(note.ended)).collect();
        let phases: Vec<&str> = notes.iter().map(|note| note.phase.word()).collect();
        let timelines: Vec<Value> = notes.iter().map(|note| value(&note.timeline)).collect();
        let clusters: Vec<Value> = notes.iter().map(|note| value(&note.clusters)).collect();
        let errors: Vec<Option<&str>> = notes.iter().map(|n| n.last_error.as_deref()).collect();
        let newer: Vec<Option<i64>> = notes.iter().map(|note| note.superseded_by).collect();
        let pauses: Vec<Option<f64>> = notes.iter().map(|note| note.pause_s).collect();
        let rows = self
            .rows(
                NOTE,
                &[
                    &ids, &states, &phases, &timelines, &clusters, &errors, &newer, &pauses,
                    &worker,
                ],
            )
            .await?;
        let written = rows
            .iter()
            .map(|row| get(row, "id"))
            .collect::<Result<std::collections::HashSet<i64>, _>>()?;
        Ok(ids.iter().map(|id| written.contains(id)).collect())
    }

    /// Keeps claims for `lease_s` seconds from now.
    pub(crate) async fn renew_outbox(
        &self,
        worker: Uuid,
        ids: &[i64],
        lease_s: f64,
    ) -> Result<u64, StoreError> {
        self.change(RENEW, &[&ids, &worker, &lease_s]).await
    }

    /// Gives every claim of a worker back.
    pub(crate) async fn release_outbox(&self, worker: Uuid) -> Result<u64, StoreError> {
        self.change(RELEASE, &[&worker]).await
    }
}

fn word(ended: Option<Ended>) -> &'static str {
    match ended {
        None => OUTBOX_PENDING,
        Some(Ended::Done) => OUTBOX_DONE,
        Some(Ended::Dead) => OUTBOX_DEAD,
    }
}

fn value(what: &impl serde::Serialize) -> Value {
    serde_json::to_value(what).expect("its keys are texts and its numbers are whole")
}

impl TryFrom<&Row> for Claimed {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: get(row, "id")?,
            kind: get(row, "kind")?,
            subject: get(row, "subject")?,
            payload: get(row, "payload")?,
            attempts: get(row, "attempts")?,
            phase: read_phase(row)?,
            timeline: json(row, "timeline")?,
            clusters: json(row, "clusters")?,
            mass: get(row, "mass")?,
            number: get(row, "number")?,
            age_s: get(row, "age_s")?,
        })
    }
}

impl TryFrom<&Row> for Standing {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, StoreError> {
        let lifecycle: Option<Lifecycle> = get(row, "lifecycle")?;
        let suspended: Option<bool> = get(row, "suspended")?;
        Ok(Self {
            device: lifecycle.zip(suspended),
            is_known: get(row, "is_known")?,
            certificate: get(row, "certificate_state")?,
            superseded_by: get(row, "superseded_by")?,
        })
    }
}
