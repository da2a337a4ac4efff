//! Every rule is seeded once and found; what we ship breaks none.

use std::collections::BTreeSet;

use emqx_config::{EMQX_5_3, EMQX_5_8};
use time::OffsetDateTime;

use super::*;
use crate::doctor::facts::{Database, Feed, Lease, Login, OurSettings, Replica, Version};
use crate::doctor::finding::Severity;
use crate::doctor::gather::broker_of;

mod live;
mod shipped;

fn facts() -> Facts {
    Facts {
        now: OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap(),
        settings: OurSettings::default(),
        brokers: Vec::new(),
        databases: Vec::new(),
        feed: None,
        replicas: Vec::new(),
        certificates: Vec::new(),
        listeners: Vec::new(),
        gaps: Vec::new(),
    }
}

fn codes(facts: &Facts) -> BTreeSet<&'static str> {
    run(facts).iter().map(|found| found.rule.code).collect()
}

/// A file's findings that are more than notes.
fn complaints(text: &str, version: Option<Version>) -> Vec<String> {
    let mut facts = facts();
    facts.brokers.push(broker_of(text, version));
    let found = run(&facts);
    let bad = found
        .iter()
        .filter(|found| found.rule.severity > Severity::Note);
    bad.map(|found| format!("{} {}: {}", found.rule.code, found.subject, found.seen))
        .collect()
}

#[test]
fn the_files_we_ship_are_clean() {
    let none: [String; 0] = [];
    assert_eq!(complaints(EMQX_5_8, None), none);
    assert_eq!(complaints(EMQX_5_8, Some(Version(5, 8, 9))), none);
    assert_eq!(complaints(EMQX_5_3, None), none);
    assert_eq!(complaints(EMQX_5_3, Some(Version(5, 7, 2))), none);
}

#[test]
fn a_file_that_says_nothing_gets_emqx_defaults_judged() {
    let mut facts = facts();
    let text = "listeners.ssl.default { bind = \"0.0.0.0:8883\" }";
    facts.brokers.push(broker_of(text, Some(Version(5, 8, 9))));
    let found = codes(&facts);
    for code in [
        "emqx_no_match_allow",
        "emqx_authz_cache",
        "emqx_foreign_source",
        "emqx_global_chain_empty",
        "emqx_listener_without_authenticator",
        "emqx_verify_none",
        "emqx_certificate_optional",
        "emqx_session_reuse",
        "emqx_delayed",
    ] {
        assert!(found.contains(code), "{code} in {found:?}");
    }
}

#[test]
fn codes_are_words_that_stand_once() {
    let mut known = BTreeSet::new();
    for rule in rules() {
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(rule.code.chars().all(word), "{}", rule.code);
        assert!(known.insert(rule.code), "{} stands twice", rule.code);
        for text in [rule.why, rule.source, rule.mend] {
            assert!(!text.is_empty() && !text.ends_with('.'), "{}", rule.code);
        }
    }
}

#[test]
fn every_rule_has_a_seed() {
    let seeded: BTreeSet<_> = shipped::SEEDS
        .iter()
        .map(|seed| seed.code)
        .chain(live::SEEDS.iter().map(|(code, _)| *code))
        .collect();
    let all: BTreeSet<_> = rules().map(|rule| rule.code).collect();
    let unseeded: Vec<_> = all.difference(&seeded).collect();
    assert!(unseeded.is_empty(), "{unseeded:?}");
}

#[test]
fn the_worst_comes_first() {
    let mut facts = facts();
    facts.brokers.push(broker_of("", None));
    let found = run(&facts);
    let severities: Vec<_> = found.iter().map(|found| found.rule.severity).collect();
    assert!(severities.is_sorted_by(|a, b| a >= b));
}

fn database(login: Login) -> Database {
    let settings = [
        ("default_transaction_isolation", "read committed"),
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("idle_session_timeout", "0"),
        ("password_encryption", "scram-sha-256"),
        ("session_replication_role", "origin"),
        ("statement_timeout", "5000"),
        ("synchronous_commit", "on"),
        ("synchronous_standby_names", "ANY 1 (*)"),
        ("data_checksums", "on"),
    ];
    Database {
        login,
        user: "somebody".to_owned(),
        attributes: Vec::new(),
        other_roles: Vec::new(),
        has_role: true,
        owned: Vec::new(),
        rights: Vec::new(),
        encrypted: true,
        local: false,
        pooled: false,
        standby: false,
        version_num: 150_004,
        settings: settings.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        standbys: 1,
        sees_standbys: true,
        schema: None,
        silent_triggers: Vec::new(),
    }
}

fn feed() -> Feed {
    Feed {
        newest: 7,
        leases: vec![Lease {
            replica: "r".to_owned(),
            applied: 7,
            length_ms: 30_000,
            renewed: true,
        }],
        watched: std::time::Duration::from_secs(5),
        dead: 0,
        oldest_pending: None,
        service_certificates: Vec::new(),
    }
}

fn replica() -> Replica {
    let metrics = [
        ("hook_applied_change_number", 7.0),
        ("hook_corrections_total", 0.0),
        ("hook_fresh_for_milliseconds", 29_000.0),
        ("hook_connections", 16.0),
    ];
    Replica {
        address: "hook:9081".to_owned(),
        not_ready: None,
        metrics: metrics.map(|(k, v)| (k.to_owned(), v)).into(),
        denied: std::collections::BTreeMap::new(),
    }
}

/// Everything looked at and nothing wrong.
fn clean() -> Facts {
    let mut facts = facts();
    facts
        .brokers
        .push(broker_of(EMQX_5_8, Some(Version(5, 8, 9))));
    facts.databases = vec![database(Login::Api), database(Login::Hook)];
    facts.feed = Some(feed());
    facts.replicas.push(replica());
    facts
}
