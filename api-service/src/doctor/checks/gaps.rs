//! What could not be looked at. Silence about it would read as "clean".

use crate::doctor::facts::{Facts, Missing};
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[
    &BROKER,
    &NO_BROKER,
    &SETTING,
    &ZONES,
    &DATABASE,
    &VIEW,
    &NO_HOOK,
    &REPLICA,
    &NO_REPLICA,
    &LISTENER,
    &NO_LISTENER,
    &FILE,
];

pub(super) static BROKER: Rule = Rule {
    code: "emqx_unreadable",
    severity: Severity::Error,
    why: "the broker was not checked, or only a part of it",
    source: "a failing call",
    mend: "mend what the reason says; API_BROKER_URL and API_BROKER_KEY reach the management API",
};

pub(super) static NO_BROKER: Rule = Rule {
    code: "emqx_not_configured",
    severity: Severity::Warning,
    why: "no broker was checked, and no session can be ended",
    source: "API_BROKER_URL",
    mend: "API_BROKER_URL and API_BROKER_KEY; or --offline",
};

pub(super) static SETTING: Rule = Rule {
    code: "emqx_setting_unknown",
    severity: Severity::Warning,
    why: "a setting holds something that these checks cannot read, and counted as absent",
    source: "crate emqx-config",
    mend: "write it as the shipped file does",
};

pub(super) static ZONES: Rule = Rule {
    code: "emqx_zones_unseen",
    severity: Severity::Note,
    why: "limits and flapping detection of zones were not checked",
    source: "`zones` is a hidden root of GET /configs in 5.3.2, 5.8.9 and 6.3, read",
    mend: "--emqx-conf FILE with the emqx.conf of the nodes",
};

pub(super) static DATABASE: Rule = Rule {
    code: "pg_unreadable",
    severity: Severity::Error,
    why: "the database was not checked with that login",
    source: "a failing connection or statement",
    mend: "mend what the reason says",
};

pub(super) static VIEW: Rule = Rule {
    code: "pg_tables_unreadable",
    severity: Severity::Error,
    why: "change log, leases and outbox were not checked",
    source: "a failing statement",
    mend: "mend what the reason says; schema migrate gives the rights",
};

pub(super) static NO_HOOK: Rule = Rule {
    code: "pg_hook_not_asked",
    severity: Severity::Note,
    why: "the rights of hook-service's login and its way to the database were not checked",
    source: "HOOK_DATABASE_URL",
    mend: "run it with HOOK_DATABASE_URL and HOOK_DATABASE_PASSWORD of hook-service",
};

pub(super) static REPLICA: Rule = Rule {
    code: "replica_unreachable",
    severity: Severity::Error,
    why: "that replica was not checked: it is down, or its operators' port is not reachable from here",
    source: "a failing call",
    mend: "start it, or correct the address",
};

pub(super) static NO_REPLICA: Rule = Rule {
    code: "replica_not_asked",
    severity: Severity::Note,
    why: "no replica was asked what it thinks of itself",
    source: "--replica",
    mend: "--replica HOST:PORT or API_DOCTOR_REPLICAS, with the address in HOOK_OPS_LISTEN",
};

pub(super) static LISTENER: Rule = Rule {
    code: "listener_unreachable",
    severity: Severity::Error,
    why: "devices cannot get in there either, or the address is wrong",
    source: "a failing handshake",
    mend: "start the listener, or correct the address",
};

pub(super) static NO_LISTENER: Rule = Rule {
    code: "listener_not_asked",
    severity: Severity::Note,
    why: "the certificate that devices see, and what strangers get, were not checked",
    source: "--listener",
    mend: "--listener HOST:PORT or API_DOCTOR_LISTENERS, with the host that devices use",
};

pub(super) static FILE: Rule = Rule {
    code: "file_unreadable",
    severity: Severity::Error,
    why: "what rests on that file was not checked",
    source: "a failing read",
    mend: "mend what the reason says",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let gaps = facts.gaps.iter();
    gaps.map(|gap| rule(gap.what).at(&gap.subject, &gap.reason))
        .collect()
}

fn rule(what: Missing) -> &'static Rule {
    match what {
        Missing::Broker => &BROKER,
        Missing::NoBroker => &NO_BROKER,
        Missing::BrokerSetting => &SETTING,
        Missing::Zones => &ZONES,
        Missing::Database => &DATABASE,
        Missing::DatabaseView => &VIEW,
        Missing::NoHookDatabase => &NO_HOOK,
        Missing::Replica => &REPLICA,
        Missing::NoReplica => &NO_REPLICA,
        Missing::Listener => &LISTENER,
        Missing::NoListener => &NO_LISTENER,
        Missing::File => &FILE,
    }
}
