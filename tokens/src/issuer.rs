//! One issuer: its last good keys, and one refresh at a time behind them.
//!
//! Readers take the current keys with one atomic load. A refresh runs in a task of its own, so a
//! caller that goes away cannot stop it half-way, and it starts no more often than the limits say,
//! whatever strangers send as key ids.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::IssuerUrl;
use crate::discovery::keys_of;
use crate::keys::KeySet;
use crate::verifier::Limits;

/// An issuer and what is known of its keys.
pub(crate) struct Issuer {
    url: IssuerUrl,
    client: reqwest::Client,
    limits: Limits,
    keys: ArcSwap<Known>,
    gate: Mutex<Gate>,
    finished: watch::Sender<u64>,
}

/// The keys known now.
pub(crate) struct Known {
    /// The keys; empty before the first good fetch.
    pub set: KeySet,
    /// Grows with every change of the keys, so that what was verified with older ones is known.
    pub generation: u64,
    /// When they were last fetched.
    fetched: Option<Instant>,
}

#[derive(Default)]
struct Gate {
    running: bool,
    started: Option<Instant>,
    last_error: Option<String>,
}

impl Issuer {
    /// An issuer whose keys are not known yet.
    pub(crate) fn new(url: IssuerUrl, client: reqwest::Client, limits: Limits) -> Self {
        Self {
            url,
            client,
            limits,
            keys: ArcSwap::from_pointee(Known {
                set: KeySet::default(),
                generation: 0,
                fetched: None,
            }),
            gate: Mutex::default(),
            finished: watch::Sender::new(0),
        }
    }

    /// The issuer's address.
    pub(crate) fn url(&self) -> &IssuerUrl {
        &self.url
    }

    /// The keys known now, unless there are none or they are too old to be trusted.
    pub(crate) fn keys(&self) -> Option<Arc<Known>> {
        let known = self.keys.load_full();
        let age = known.fetched?.elapsed();
        (age < self.limits.keys_age_max).then_some(known)
    }

    /// Whether it is time to look for new keys though nothing is missing.
    pub(crate) fn is_due(&self) -> bool {
        let fetched = self.keys.load().fetched;
        fetched.is_none_or(|at| at.elapsed() >= self.limits.refresh_every)
    }

    /// Starts a refresh unless one runs or the last one began too short a time ago. Gives a signal
    /// of its end, if there is one to wait for.
    pub(crate) fn refresh(self: &Arc<Self>) -> Option<watch::Receiver<u64>> {
        let mut end = self.finished.subscribe();
        end.mark_unchanged();
        {
            let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
            if !gate.running {
                if gate.started.is_some_and(|at| at.elapsed() < self.pause()) {
                    return None;
                }
                gate.running = true;
                gate.started = Some(Instant::now());
                let issuer = Arc::clone(self);
                tokio::spawn(async move { issuer.run().await });
            }
        }
        Some(end)
    }

    /// Why the keys are not known, or could not be renewed the last time.
    pub(crate) fn last_error(&self) -> Option<String> {
        let gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        gate.last_error.clone()
    }

    /// Without any key nobody can get in, so the search is quicker.
    fn pause(&self) -> Duration {
        if self.keys.load().set.is_empty() {
            self.limits.retry_pause
        } else {
            self.limits.refresh_pause
        }
    }

    async fn run(&self) {
        let _end = EndOnDrop(self);
        let error = match keys_of(&self.client, &self.url).await {
            Ok(set) => {
                self.publish(set);
                None
            }
            Err(error) => {
                let sentence = error.to_string();
                tracing::warn!(issuer = %self.url, error = %sentence, "signing keys could not be renewed");
                Some(sentence)
            }
        };
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        gate.last_error = error;
    }

    fn publish(&self, set: KeySet) {
        let before = self.keys.load();
        let changed = !set.same_as(&before.set);
        if changed {
            tracing::info!(issuer = %self.url, keys = ?set, "signing keys changed");
        }
        self.keys.store(Arc::new(Known {
            set,
            generation: before.generation + u64::from(changed),
            fetched: Some(Instant::now()),
        }));
    }
}

/// Opens the gate again however the refresh ends, a panic included.
struct EndOnDrop<'a>(&'a Issuer);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        let mut gate = self.0.gate.lock().unwrap_or_else(PoisonError::into_inner);
        gate.running = false;
        drop(gate);
        self.0.finished.send_modify(|count| *count += 1);
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
