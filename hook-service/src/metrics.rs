//! What operators see: decisions, the table, the feed.

use std::time::Duration;

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry, core::Collector,
};

use crate::decide::Deny;
use crate::endpoints::Hook;

/// Buckets of the decision time, seconds: a decision takes microseconds, a bad one is a millisecond.
const DECISION_BUCKETS: [f64; 10] = [
    0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.001, 0.005, 0.05, 1.0,
];

/// Why the table was loaded as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// For the first time.
    Start,
    /// The database is another one: epoch, system identifier or timeline differ.
    Identity,
    /// The change log has a gap or was trimmed beyond what was applied.
    Gap,
    /// The change log's newest number is smaller than what was applied.
    Behind,
    /// One transaction changed so much that loading everything is cheaper.
    Bulk,
}

impl Reload {
    const ALL: [Self; 5] = [
        Self::Start,
        Self::Identity,
        Self::Gap,
        Self::Behind,
        Self::Bulk,
    ];

    /// The metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Identity => "identity",
            Self::Gap => "gap",
            Self::Behind => "behind",
            Self::Bulk => "bulk",
        }
    }
}

/// Every metric of this service, each label resolved once.
#[derive(Debug)]
pub struct Metrics {
    /// Where they are registered.
    pub registry: Registry,
    allowed: Vec<IntCounter>,
    denied: Vec<Vec<IntCounter>>,
    seconds: Vec<Histogram>,
    /// Open connections of brokers.
    pub connections: IntGauge,
    /// Connections refused because too many were open.
    pub connections_refused: IntCounter,
    /// Devices in the table.
    pub devices: IntGauge,
    /// Active certificates in the table.
    pub certificates: IntGauge,
    /// Bytes of the table.
    pub table_bytes: IntGauge,
    /// Service clients in the table.
    pub service_clients: IntGauge,
    /// Accounts in the table.
    pub accounts: IntGauge,
    /// The newest change that the table has.
    pub applied: IntGauge,
    /// Milliseconds for which allowing may go on without news from the database.
    pub fresh_for_ms: IntGauge,
    /// Renewals of the lease.
    pub renewals: IntCounter,
    /// Times that the lease ran out or was lost.
    pub lapses: IntCounter,
    /// Devices, service clients, accounts and groups that a full compare had to correct. Must stay 0.
    pub corrections: IntCounter,
    /// Full compares that were made.
    pub compares: IntCounter,
    /// Links to the database that broke or could not be made.
    pub link_failures: IntCounter,
    /// Rights of service clients that cannot be told to EMQX and were left out.
    pub rights_left_out: IntGauge,
    reloads: IntCounterVec,
    /// Wake-ups of the feed because of a notification.
    pub woken_by_hint: IntCounter,
    /// Wake-ups of the feed because of the poll interval.
    pub woken_by_poll: IntCounter,
}

impl Metrics {
    /// Registers everything in a registry of its own.
    pub fn new() -> Self {
        let registry = Registry::new();
        let decisions = register(
            &registry,
            IntCounterVec::new(
                Opts::new(
                    "hook_decisions_total",
                    "Decisions by hook, outcome and reason.",
                ),
                &["hook", "outcome", "reason"],
            ),
        );
        let seconds = register(
            &registry,
            prometheus::HistogramVec::new(
                HistogramOpts::new("hook_decision_seconds", "Time from request head to answer.")
                    .buckets(DECISION_BUCKETS.to_vec()),
                &["hook"],
            ),
        );
        let wakeups = register(
            &registry,
            IntCounterVec::new(
                Opts::new("hook_feed_wakeups_total", "Wake-ups of the feed by cause."),
                &["cause"],
            ),
        );
        let reloads = register(
            &registry,
            IntCounterVec::new(
                Opts::new(
                    "hook_feed_reloads_total",
                    "Loads of the whole table by reason.",
                ),
                &["reason"],
            ),
        );
        for reason in Reload::ALL {
            reloads.with_label_values(&[reason.as_str()]);
        }
        let gauge = |name, help| register(&registry, IntGauge::new(name, help));
        let counter = |name, help| register(&registry, IntCounter::new(name, help));
        Self {
            allowed: Hook::ALL
                .map(|hook| decisions.with_label_values(&[hook.as_str(), "allow", "allowed"]))
                .into(),
            denied: Hook::ALL
                .map(|hook| {
                    Deny::ALL
                        .map(|reason| {
                            decisions.with_label_values(&[hook.as_str(), "deny", reason.as_str()])
                        })
                        .into()
                })
                .into(),
            seconds: Hook::ALL
                .map(|hook| seconds.with_label_values(&[hook.as_str()]))
                .into(),
            connections: gauge("hook_connections", "Open connections of brokers."),
            connections_refused: counter(
                "hook_connections_refused_total",
                "Connections refused because too many were open.",
            ),
            devices: gauge("hook_fleet_devices", "Devices in the table."),
            certificates: gauge(
                "hook_fleet_certificates",
                "Active certificates in the table.",
            ),
            table_bytes: gauge("hook_fleet_bytes", "Bytes that the table takes in memory."),
            service_clients: gauge(
                "hook_fleet_service_clients",
                "Service clients in the table.",
            ),
            accounts: gauge("hook_fleet_accounts", "Accounts of people in the table."),
            applied: gauge(
                "hook_applied_change_number",
                "The newest change in the table.",
            ),
            fresh_for_ms: gauge(
                "hook_fresh_for_milliseconds",
                "How long allowing may go on without news from the database; 0 is stale.",
            ),
            renewals: counter("hook_lease_renewals_total", "Renewals of the lease."),
            lapses: counter(
                "hook_lease_lapses_total",
                "Times the lease ran out or was lost.",
            ),
            corrections: counter(
                "hook_corrections_total",
                "Entries that a full compare had to correct; anything but 0 is a bug.",
            ),
            compares: counter(
                "hook_compares_total",
                "Full compares of table and database.",
            ),
            link_failures: counter(
                "hook_feed_link_failures_total",
                "Links to the database that broke or could not be made.",
            ),
            rights_left_out: gauge(
                "hook_service_rights_left_out",
                "Rights of service clients that EMQX could not be told safely.",
            ),
            woken_by_hint: wakeups.with_label_values(&["hint"]),
            woken_by_poll: wakeups.with_label_values(&["poll"]),
            reloads,
            registry,
        }
    }

    /// Counts one decision.
    pub fn decided(&self, hook: Hook, denied: Option<Deny>, took: Duration) {
        match denied {
            None => self.allowed[hook.index()].inc(),
            Some(reason) => self.denied[hook.index()][reason.index()].inc(),
        }
        self.seconds[hook.index()].observe(took.as_secs_f64());
    }

    /// Counts requests to a hook that were denied before anybody looked at them.
    pub fn shed(&self, hook: Hook, count: u32) {
        self.denied[hook.index()][Deny::Overload.index()].inc_by(count.into());
    }

    /// Counts one load of the whole table.
    pub fn reloaded(&self, reason: Reload) {
        self.reloads.with_label_values(&[reason.as_str()]).inc();
    }

    /// How often the whole table was loaded for this reason.
    pub fn reloads(&self, reason: Reload) -> u64 {
        self.reloads.with_label_values(&[reason.as_str()]).get()
    }

    /// How often this hook refused for this reason.
    pub fn denials(&self, hook: Hook, reason: Deny) -> u64 {
        self.denied[hook.index()][reason.index()].get()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn register<M: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<M>) -> M {
    let metric = made.expect("names and labels are constants of this file");
    registry
        .register(Box::new(metric.clone()))
        .expect("each name is registered once");
    metric
}
