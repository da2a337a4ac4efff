//! What is counted. Labels come from closed lists (or are the names of our authorities): never an id, a
//! path as sent, or a token.

use prometheus::{
    Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

/// The counters and gauges of this service.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    /// Where they are registered.
    pub(crate) registry: Registry,
    /// Answers by method, route, status and problem code (`ok` without one).
    pub(crate) requests: IntCounterVec,
    /// Time from a request's head to its answer.
    pub(crate) request_seconds: HistogramVec,
    /// Refused tokens by reason.
    pub(crate) tokens_refused: IntCounterVec,
    /// Signatures by what was signed.
    pub(crate) signatures: IntCounterVec,
    /// Pending entries of the outbox.
    pub(crate) outbox_depth: IntGauge,
    /// Entries that were given up.
    pub(crate) outbox_dead: IntGauge,
    /// Entries that this process carries out now.
    pub(crate) outbox_in_work: IntGauge,
    /// Time of a step: `fence`, `close`, `settle`.
    pub(crate) outbox_step_seconds: HistogramVec,
    /// Time from a command to a phase of its entry: `fenced`, `closed`, `complete`.
    pub(crate) outbox_phase_seconds: HistogramVec,
    /// Time of a fence, from the call to its end.
    pub(crate) fence_seconds: HistogramVec,
    /// Until a replica was waited for no more, by why: `applied`, `lapsed`, `gone`.
    pub(crate) fence_replica_seconds: HistogramVec,
    /// Sessions that a repeated kick ended: they were being let in when their device went out.
    pub(crate) late_sessions: IntCounter,
    /// Calls of the broker by cluster, call and outcome.
    pub(crate) broker_calls: IntCounterVec,
    /// Age of the oldest pending entry.
    pub(crate) outbox_oldest_seconds: Gauge,
    /// Attempts by kind and outcome.
    pub(crate) outbox_attempts: IntCounterVec,
    /// Seconds until the first revocation list that is needed is overdue; negative after that.
    pub(crate) crl_next_update_seconds: Gauge,
    /// Devices that are locked out within a time by the end of their last certificate.
    pub(crate) certificates_expiring: IntGaugeVec,
    /// Device authorities with living certificates whose key this process was not given.
    pub(crate) authorities_not_loaded: IntGauge,
    /// When the authorities end, in seconds since 1970, by role and common name.
    pub(crate) authority_not_after: IntGaugeVec,
    /// Devices that bulk revocations have revoked.
    pub(crate) bulk_devices: IntCounter,
    /// Leases of hook-service's processes by what they seem to be.
    pub(crate) hook_replicas: IntGaugeVec,
    /// Refused commands by caller (`account`, `stranger`) and what became of their entries.
    pub(crate) audit_refusals: IntCounterVec,
    /// Number of the newest seal that this replica made.
    pub(crate) audit_seal: IntGauge,
    /// Database connections in use.
    pub(crate) database_in_use: IntGauge,
    /// 1 while the database answers and fits.
    pub(crate) database_up: IntGauge,
}

impl Metrics {
    /// Registers everything in a registry of its own.
    pub(crate) fn new() -> Self {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)
                .expect("name and labels are words of this file");
            register(&registry, counter)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help).expect("the name is a word of this file");
            register(&registry, gauge)
        };
        let gauges = |name: &str, help: &str, labels: &[&str]| {
            let gauges = IntGaugeVec::new(Opts::new(name, help), labels)
                .expect("name and labels are words of this file");
            register(&registry, gauges)
        };
        let seconds = HistogramOpts::new("api_request_seconds", "Time to answer a request")
            .buckets(vec![
                0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
            ]);
        let seconds = HistogramVec::new(seconds, &["method", "route"])
            .expect("name and labels are words of this file");
        let request_seconds = register(&registry, seconds);
        let seconds = |name: &str, help: &str, labels: &[&str]| {
            let buckets = vec![
                0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
            ];
            let options = HistogramOpts::new(name, help).buckets(buckets);
            let histogram =
                HistogramVec::new(options, labels).expect("name and labels are words of this file");
            register(&registry, histogram)
        };
        let late = IntCounter::new(
            "api_late_sessions_total",
            "Sessions that only a repeated kick ended",
        )
        .expect("the name is a word of this file");
        let bulk = IntCounter::new(
            "api_bulk_devices_revoked_total",
            "Devices revoked by bulk revocations",
        );
        let bulk = bulk.expect("the name is a word of this file");
        let replicas = Opts::new(
            "api_hook_replicas",
            "Leases of hook-service's processes by state",
        );
        let replicas =
            IntGaugeVec::new(replicas, &["state"]).expect("name and labels are words of this file");
        let oldest = Gauge::new(
            "api_outbox_oldest_seconds",
            "Age of the oldest pending outbox entry",
        );
        let oldest = oldest.expect("the name is a word of this file");
        let crl_next_update = Gauge::new(
            "api_crl_next_update_seconds",
            "Seconds until a needed revocation list is overdue",
        );
        let crl_next_update = crl_next_update.expect("the name is a word of this file");
        Self {
            crl_next_update_seconds: register(&registry, crl_next_update),
            certificates_expiring: gauges(
                "api_certificates_expiring",
                "Devices whose last certificate ends within a time",
                &["within"],
            ),
            authorities_not_loaded: gauge(
                "api_authorities_not_loaded",
                "Device authorities with living certificates whose key is not loaded",
            ),
            authority_not_after: gauges(
                "api_authority_not_after_seconds",
                "When an authority ends, in seconds since 1970",
                &["role", "name"],
            ),
            requests: counter(
                "api_requests_total",
                "Answers",
                &["method", "route", "status", "code"],
            ),
            request_seconds,
            tokens_refused: counter("api_tokens_refused_total", "Refused tokens", &["reason"]),
            signatures: counter("api_signatures_total", "Signatures made", &["what"]),
            outbox_depth: gauge("api_outbox_pending", "Pending outbox entries"),
            outbox_oldest_seconds: register(&registry, oldest),
            outbox_attempts: counter(
                "api_outbox_attempts_total",
                "Attempts to carry an outbox entry out",
                &["kind", "outcome"],
            ),
            outbox_dead: gauge("api_outbox_dead", "Outbox entries that were given up"),
            outbox_in_work: gauge("api_outbox_in_work", "Entries in work in this process"),
            outbox_step_seconds: seconds(
                "api_outbox_step_seconds",
                "Time of a step of an outbox entry",
                &["step"],
            ),
            outbox_phase_seconds: seconds(
                "api_outbox_phase_seconds",
                "Time from a command to a phase of its outbox entry",
                &["kind", "phase"],
            ),
            fence_seconds: seconds(
                "api_fence_seconds",
                "Time until no replica of the hooks could allow what a change forbids",
                &["durability"],
            ),
            fence_replica_seconds: seconds(
                "api_fence_replica_seconds",
                "Time until a fence waited for a replica of the hooks no more",
                &["how"],
            ),
            late_sessions: register(&registry, late),
            broker_calls: counter(
                "api_broker_calls_total",
                "Calls of the broker's management API",
                &["cluster", "call", "outcome"],
            ),
            bulk_devices: register(&registry, bulk),
            hook_replicas: register(&registry, replicas),
            audit_refusals: counter(
                "api_audit_refusals_total",
                "Refused commands, by whether the audit has them",
                &["caller", "outcome"],
            ),
            audit_seal: gauge(
                "api_audit_seal",
                "Number of the newest seal of the audit made here",
            ),
            database_in_use: gauge("api_database_connections_in_use", "Connections in use"),
            database_up: gauge("api_database_up", "1 while the database answers and fits"),
            registry,
        }
    }
}

fn register<T: prometheus::core::Collector + Clone + 'static>(registry: &Registry, what: T) -> T {
    registry
        .register(Box::new(what.clone()))
        .expect("every name of this file is registered once");
    what
}
