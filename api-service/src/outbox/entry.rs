//! Leads one entry through its phases: fence, close, settle, complete.
//!
//! The order is the promise (docs/ARCHITECTURE.md, "A revoke"). A phase that is noted is not undone;
//! whoever takes the entry up after a crash goes on behind it, but looks and kicks for the whole time
//! again, because no clock of another process is believed.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;

use super::ending::{BAN, Target, Whose};
use super::standing::Verdict;
use super::timeline::{At, ClusterProgress, ClusterState};
use super::tools::Tools;
use super::{Phase, allow, backoff, kind};
use crate::broker::Cluster;
use crate::store::outbox::work::{Claimed, Ended, Note};
use schema::DeviceId;

mod lane;
mod steps;

/// Longest text kept as an entry's last error, in characters.
const REASON_CHARS_MAX: usize = 500;

/// What an entry says when there is nobody to carry it to.
pub(super) const NO_BROKER: &str = "no broker is configured, so no session was ended and none was \
     looked for: set API_BROKER_URL and API_BROKER_KEY, or API_BROKERS";

/// Why an attempt ended before its entry was done.
enum Stop {
    /// Nothing is to be done any more.
    Needless(Option<i64>),
    /// It failed and is made again.
    Again(String),
    /// It can never succeed.
    Hopeless(&'static str),
    /// Another worker has it.
    Lost,
}

/// An entry in work.
struct Way<'a> {
    tools: &'a Tools,
    entry: Claimed,
    began: Instant,
    /// A cluster of each name; the progress stands in `entry.clusters` at the same place.
    clusters: Vec<Cluster>,
    may_have_banned: bool,
}

/// Carries an entry out, as far as it goes now. `draw` spreads retries. Gives the outcome's word.
pub(crate) async fn carry_out(tools: &Tools, entry: Claimed, draw: f64) -> &'static str {
    let mut way = Way::new(tools, entry);
    let stop = way.lead().await.err();
    match way.finish(stop, draw).await {
        Ok(word) => word,
        Err(reason) => {
            // The claim runs out and the entry is taken again: that is what "at least once" means.
            tracing::warn!(id = way.entry.id, reason, "an outcome could not be noted");
            "unnoted"
        }
    }
}

impl<'a> Way<'a> {
    fn new(tools: &'a Tools, mut entry: Claimed) -> Self {
        let clusters = tools.clusters.clone();
        let known = std::mem::take(&mut entry.clusters);
        entry.clusters = clusters
            .iter()
            .map(|cluster| {
                let known = known.iter().find(|known| known.name == cluster.name());
                let done = known.filter(|known| known.state == ClusterState::Complete);
                done.cloned()
                    .unwrap_or_else(|| ClusterProgress::waiting(cluster.name()))
            })
            .collect();
        Self {
            tools,
            entry,
            began: Instant::now(),
            clusters,
            may_have_banned: false,
        }
    }

    async fn lead(&mut self) -> Result<(), Stop> {
        self.target()?;
        if self.entry.kind == kind::LIFT_DEVICE_BAN {
            return self.allow().await;
        }
        self.fence().await?;
        if self.clusters.is_empty() {
            return Err(Stop::Again(NO_BROKER.to_owned()));
        }
        let settled = Instant::now() + self.tools.settle;
        // Again: the ban's end counts from now, and the fence may have taken minutes.
        let target = self.target()?;
        if self.entry.phase < Phase::Complete {
            self.end(&target, settled).await?;
        }
        if self.entry.kind == kind::END_DEVICE_SESSIONS {
            self.clear_status().await?;
        }
        Ok(())
    }

    fn target(&self) -> Result<Target, Stop> {
        let entry = &self.entry;
        let number = entry
            .number
            .map_or_else(|| "none".to_owned(), |number| number.to_string());
        let now: OffsetDateTime = (self.tools.api.clock)().into();
        Ok(Target {
            whose: whose(entry).map_err(Stop::Hopeless)?,
            mass: entry.mass,
            reason: format!("iot-hub change {number}: device revoked or suspended"),
            until_s: (now + BAN).unix_timestamp(),
        })
    }

    /// The clusters that are neither complete nor in trouble.
    fn open(&self) -> Vec<usize> {
        let clusters = self.entry.clusters.iter().enumerate();
        let open = clusters.filter(|(_, c)| c.state != ClusterState::Complete && c.error.is_none());
        open.map(|(index, _)| index).collect()
    }

    fn complaints(&self) -> Result<(), Stop> {
        let complaints: Vec<String> = self
            .entry
            .clusters
            .iter()
            .filter_map(|cluster| Some(format!("{}: {}", cluster.name, cluster.error.as_ref()?)))
            .collect();
        if complaints.is_empty() {
            return Ok(());
        }
        Err(Stop::Again(complaints.join("; ")))
    }

    async fn check(&self) -> Result<(), Stop> {
        check(self.tools, &self.entry).await
    }

    async fn note(&self) -> Result<(), Stop> {
        let complaint = self.complaints().err();
        let last_error = complaint.and_then(|stop| match stop {
            Stop::Again(reason) => Some(shortened(&reason)),
            _ => None,
        });
        let note = Note {
            last_error,
            ..self.plain()
        };
        match self.tools.note(note).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Stop::Lost),
            Err(reason) => Err(Stop::Again(reason)),
        }
    }

    fn plain(&self) -> Note {
        Note {
            id: self.entry.id,
            ended: None,
            phase: self.entry.phase,
            timeline: self.entry.timeline.clone(),
            clusters: self.entry.clusters.clone(),
            last_error: None,
            superseded_by: None,
            pause_s: None,
        }
    }

    async fn finish(&self, stop: Option<Stop>, draw: f64) -> Result<&'static str, String> {
        let (id, subject) = (self.entry.id, self.entry.subject.as_str());
        let (word, note) = match stop {
            None => {
                tracing::info!(id, subject, kind = self.entry.kind, "carried out");
                let (ended, phase) = (Some(Ended::Done), Phase::Complete);
                let note = Note {
                    ended,
                    phase,
                    ..self.plain()
                };
                ("done", note)
            }
            Some(Stop::Needless(superseded_by)) => {
                tracing::info!(id, subject, superseded_by, "needless by now");
                // A newer entry will do what is right; without one it is done here.
                if superseded_by.is_none() && (self.may_have_banned || self.entry.attempts > 1) {
                    self.take_ban_back().await?;
                }
                let note = Note {
                    ended: Some(Ended::Done),
                    phase: Phase::Superseded,
                    superseded_by,
                    ..self.plain()
                };
                ("superseded", note)
            }
            Some(Stop::Again(reason)) => {
                let attempts = u32::try_from(self.entry.attempts).unwrap_or(0);
                let pause = backoff::pause(attempts, draw);
                tracing::warn!(id, subject, reason, "will be tried again");
                let note = Note {
                    last_error: Some(shortened(&reason)),
                    pause_s: Some(pause.as_secs_f64()),
                    ..self.plain()
                };
                ("failed", note)
            }
            Some(Stop::Hopeless(reason)) => {
                tracing::error!(id, subject, reason, "can never be carried out");
                let note = Note {
                    ended: Some(Ended::Dead),
                    last_error: Some(reason.to_owned()),
                    ..self.plain()
                };
                ("dead", note)
            }
            Some(Stop::Lost) => return self.lost().await,
        };
        if self.tools.note(note).await? {
            return Ok(word);
        }
        self.lost().await
    }

    /// Whoever has the entry now may have let the device in before our ban arrived.
    async fn lost(&self) -> Result<&'static str, String> {
        if self.may_have_banned {
            self.take_ban_back().await?;
        }
        Ok("lost")
    }

    /// Lifts our ban if the device may connect.
    async fn take_ban_back(&self) -> Result<(), String> {
        if self.tools.is_allowed(&self.entry).await? {
            allow::undo(&self.clusters, &self.entry.subject).await;
        }
        Ok(())
    }

    fn at(&self) -> At {
        self.at_instant(Instant::now())
    }

    fn at_instant(&self, instant: Instant) -> At {
        let in_work = instant.saturating_duration_since(self.began);
        let before = Duration::try_from_secs_f64(self.entry.age_s).unwrap_or_default();
        At {
            after_ms: millis(before + in_work),
        }
    }

    fn observe(&self, step: &str, began: Instant) {
        let seconds = &self.tools.api.metrics.outbox_step_seconds;
        let took = began.elapsed().as_secs_f64();
        seconds.with_label_values(&[step]).observe(took);
    }

    fn since(&self, phase: &str) {
        let seconds = &self.tools.api.metrics.outbox_phase_seconds;
        let took = self.entry.age_s + self.began.elapsed().as_secs_f64();
        seconds
            .with_label_values(&[self.entry.kind.as_str(), phase])
            .observe(took);
    }
}

/// Whose sessions an entry is about, or why it can never be carried out.
fn whose(entry: &Claimed) -> Result<Whose, &'static str> {
    let subject = entry.subject.clone();
    if entry.kind == kind::END_ACCOUNT_SESSIONS {
        // What is no id, or not in its one form, would be the prefix of nobody's sessions.
        let is_account =
            uuid::Uuid::try_parse(&subject).is_ok_and(|id| id.hyphenated().to_string() == subject);
        return if is_account {
            Ok(Whose::Account(subject))
        } else {
            Err("the subject is not an account's id")
        };
    }
    if DeviceId::parse(&subject).is_err() {
        return Err("the subject is not a device's id");
    }
    if entry.kind != kind::END_CERTIFICATE_SESSION {
        return Ok(Whose::Device(subject));
    }
    let fingerprint = entry.payload["fingerprint"].as_str();
    let fingerprint = fingerprint.ok_or("the payload names no fingerprint")?;
    Ok(Whose::Certificate {
        device: subject,
        fingerprint: fingerprint.to_owned(),
    })
}

/// Whether what an entry does is still right.
async fn check(tools: &Tools, entry: &Claimed) -> Result<(), Stop> {
    match tools.judge(entry).await.map_err(Stop::Again)? {
        Verdict::Needless(newer) => Err(Stop::Needless(newer)),
        Verdict::Right | Verdict::Held => Ok(()),
    }
}

fn shortened(reason: &str) -> String {
    reason.chars().take(REASON_CHARS_MAX).collect()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
