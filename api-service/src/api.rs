//! What every handler and worker shares.

use std::ops::Deref;
use std::sync::Arc;
use std::time::SystemTime;

use tokens::Verifier;
use tokio::sync::{Notify, Semaphore};

use crate::accounts::Accounts;
use crate::crl::Lists;
use crate::edge::proxies::TrustedProxies;
use crate::edge::refused::Refused;
use crate::fence::Fence;
use crate::guesses::Guesses;
use crate::metrics::Metrics;
use crate::outbox::progress::Progress;
use crate::rates::Rates;
use crate::replicas::Replicas;
use crate::signing::Signer;
use crate::store::Store;
use crate::traces::Traces;

/// Requests at once; more are refused with `busy`.
const IN_FLIGHT_MAX: usize = 512;

/// Where time comes from; tests give their own.
pub(crate) type Clock = fn() -> SystemTime;

/// The service's parts, cheap to clone.
#[derive(Clone)]
pub(crate) struct Api(Arc<Parts>);

/// The service's parts.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) verifier: Verifier,
    pub(crate) accounts: Accounts,
    pub(crate) proxies: TrustedProxies,
    pub(crate) signer: Signer,
    /// What devices trust: the server authority, as PEM.
    pub(crate) server_chain: String,
    /// The issuers of a device's certificate up to the root, as PEM.
    pub(crate) device_chain: String,
    pub(crate) lists: Lists,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Clock,
    pub(crate) in_flight: Semaphore,
    pub(crate) fence: Fence,
    pub(crate) outbox_wake: Arc<Notify>,
    pub(crate) bulk_wake: Arc<Notify>,
    pub(crate) replicas: Replicas,
    pub(crate) progress: Progress,
    pub(crate) guesses: Guesses,
    pub(crate) rates: Rates,
    pub(crate) traces: Traces,
    pub(crate) refused: Refused,
    /// For bulk registrations, whose answers outlive their handlers.
    pub(crate) bulk_slots: Arc<Semaphore>,
}

impl Parts {
    /// A bound for requests at once.
    pub(crate) fn in_flight() -> Semaphore {
        Semaphore::new(IN_FLIGHT_MAX)
    }
}

impl From<Parts> for Api {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for Api {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
