//! What a replica of hook-service said at its operators' listener.

use std::collections::BTreeMap;

/// A replica that answered.
#[derive(Debug, Clone)]
pub(crate) struct Replica {
    /// The address that was asked.
    pub(crate) address: String,
    /// Why it is not ready.
    pub(crate) not_ready: Option<String>,
    /// Its metrics without labels, by name; those with labels are summed up.
    pub(crate) metrics: BTreeMap<String, f64>,
    /// `hook_decisions_total` of refusals, by reason.
    pub(crate) denied: BTreeMap<String, f64>,
}

impl Replica {
    /// A metric; `None` when this is not a hook-service that we know.
    pub(crate) fn metric(&self, name: &str) -> Option<f64> {
        self.metrics.get(name).copied()
    }

    /// How often it refused for this reason.
    pub(crate) fn denied(&self, reason: &str) -> f64 {
        self.denied.get(reason).copied().unwrap_or_default()
    }
}
