//! Misconfigurations of everything that is not a file for EMQX: clean facts with one change.

use std::time::Duration;

use emqx_config::EMQX_5_3;

use super::{Facts, Lease, Version, clean, codes};
use crate::doctor::facts::{
    Gap, Identity, Missing, Node, Role, SeenCertificate, SeenListener, ServiceCertificate,
};
use crate::doctor::gather::broker_of;

type Seed = (&'static str, fn(&mut Facts));

pub(super) const SEEDS: &[Seed] = &[
    ("emqx_unreadable", |f| {
        gap(f, Missing::Broker);
    }),
    ("emqx_not_configured", |f| {
        gap(f, Missing::NoBroker);
    }),
    ("emqx_setting_unknown", |f| {
        gap(f, Missing::BrokerSetting);
    }),
    ("emqx_zones_unseen", |f| {
        gap(f, Missing::Zones);
    }),
    ("pg_unreadable", |f| {
        gap(f, Missing::Database);
    }),
    ("pg_tables_unreadable", |f| {
        gap(f, Missing::DatabaseView);
    }),
    ("pg_hook_not_asked", |f| {
        gap(f, Missing::NoHookDatabase);
    }),
    ("replica_unreachable", |f| {
        gap(f, Missing::Replica);
    }),
    ("replica_not_asked", |f| {
        gap(f, Missing::NoReplica);
    }),
    ("listener_unreachable", |f| {
        gap(f, Missing::Listener);
    }),
    ("listener_not_asked", |f| {
        gap(f, Missing::NoListener);
    }),
    ("file_unreadable", |f| {
        gap(f, Missing::File);
    }),
    ("hook_secret_missing", |f| {
        f.settings.shared_secret = Some(true);
    }),
    ("identity_mismatch", |f| {
        f.settings.identity = Some(Identity::CnAndPassword);
    }),
    ("identity_by_name", |f| {
        f.brokers = vec![broker_of(EMQX_5_3, None)];
    }),
    ("identity_by_name_needless", |f| {
        f.brokers = vec![broker_of(EMQX_5_3, Some(Version(5, 8, 9)))];
    }),
    ("emqx_versions_mixed", |f| {
        nodes(f, &[(Version(5, 8, 9), true), (Version(5, 8, 8), true)]);
    }),
    ("emqx_licence", |f| {
        f.brokers[0].version = Some(Version(5, 10, 0));
        nodes(f, &[(Version(5, 10, 0), true), (Version(5, 10, 0), true)]);
    }),
    ("emqx_node_down", |f| {
        nodes(f, &[(Version(5, 8, 9), false)]);
    }),
    ("emqx_nodes_differ", |f| {
        f.brokers[0].differs_from.push("emqx@b".to_owned());
    }),
    ("listener_admits_strangers", |f| {
        f.listeners.push(SeenListener {
            address: "emqx:8883".to_owned(),
            admits_without_certificate: true,
        });
    }),
    ("certificate_expired", |f| {
        certificate(f, Role::Authority, -10, -1, None);
    }),
    ("certificate_expiring", |f| {
        certificate(f, Role::Authority, -10, 60, None);
    }),
    ("certificate_expiring", |f| {
        certificate(f, Role::Broker, -10, 29, None);
    }),
    ("certificate_not_yet_valid", |f| {
        certificate(f, Role::Broker, 1, 100, None);
    }),
    ("ca_ends_before_leaves", |f| {
        f.settings.device_cert_days = Some(365);
        certificate(f, Role::DeviceAuthority, -10, 200, None);
    }),
    ("broker_certificate_refused", |f| {
        certificate(f, Role::Broker, -10, 100, Some("name"));
    }),
    ("service_certificate_expiring", |f| {
        service(f, Some(10));
    }),
    ("service_certificate_expiring", |f| {
        service(f, None);
    }),
    ("pg_role_powerful", |f| {
        f.databases[0].attributes.push("SUPERUSER".to_owned());
    }),
    ("pg_role_foreign", |f| {
        f.databases[0].other_roles.push("iot_hub_hook".to_owned());
    }),
    ("pg_role_foreign", |f| {
        f.databases[1]
            .other_roles
            .push("pg_read_all_stats".to_owned());
    }),
    ("pg_role_missing", |f| {
        f.databases[1].has_role = false;
    }),
    ("pg_role_owner", |f| {
        f.databases[0].owned.push("device".to_owned());
    }),
    ("pg_rights_excess", |f| {
        right(f, 0, "TRUNCATE", "device");
    }),
    ("pg_rights_excess", |f| {
        right(f, 0, "UPDATE", "device");
    }),
    ("pg_rights_excess", |f| {
        right(f, 0, "INSERT", "change");
    }),
    ("pg_rights_excess", |f| {
        right(f, 0, "column UPDATE", "audit_entry");
    }),
    ("pg_rights_excess", |f| {
        right(f, 0, "EXECUTE", "bump_epoch()");
    }),
    ("pg_rights_excess", |f| {
        right(f, 1, "column UPDATE", "device");
    }),
    ("pg_rights_excess", |f| {
        right(f, 1, "CREATE", "schema public");
    }),
    ("pg_pooler", |f| {
        f.databases[1].pooled = true;
    }),
    ("pg_pooler_api", |f| {
        f.databases[0].pooled = true;
    }),
    ("pg_plain", |f| {
        f.databases[0].encrypted = false;
    }),
    ("pg_session_limits", |f| {
        setting(f, "statement_timeout", "0");
    }),
    ("pg_fsync_off", |f| {
        setting(f, "fsync", "off");
    }),
    ("pg_commit_unflushed", |f| {
        setting(f, "synchronous_commit", "off");
    }),
    ("pg_standby_async", |f| {
        setting(f, "synchronous_standby_names", "");
    }),
    ("pg_standby_async", |f| {
        setting(f, "synchronous_commit", "local");
    }),
    ("pg_standby_unseen", |f| {
        f.databases[0].sees_standbys = false;
    }),
    ("pg_no_standby", |f| {
        f.databases[0].standbys = 0;
        setting(f, "synchronous_standby_names", "");
    }),
    ("pg_checksums_off", |f| {
        setting(f, "data_checksums", "off");
    }),
    ("pg_standby", |f| {
        f.databases[0].standby = true;
    }),
    ("pg_schema", |f| {
        f.databases[0].schema = Some("too old".to_owned());
    }),
    ("pg_triggers", |f| {
        f.databases[0]
            .silent_triggers
            .push("device.change_update".to_owned());
    }),
    ("pg_isolation", |f| {
        setting(f, "default_transaction_isolation", "serializable");
    }),
    ("pg_session_replica", |f| {
        setting(f, "session_replication_role", "replica");
    }),
    ("pg_idle_session_timeout", |f| {
        setting(f, "idle_session_timeout", "60000");
    }),
    ("pg_md5", |f| {
        setting(f, "password_encryption", "md5");
    }),
    ("pg_version_old", |f| {
        f.databases[0].version_num = 140_010;
    }),
    ("lease_missing", |f| {
        leases(f).clear();
    }),
    ("lease_missing", |f| {
        f.replicas.push(super::replica());
    }),
    ("lease_stale", |f| {
        leases(f)[0].renewed = false;
    }),
    ("lease_behind", |f| {
        leases(f)[0].applied = 6;
    }),
    ("lease_lengths_differ", |f| {
        let mut other = leases(f)[0].clone();
        other.length_ms = 5_000;
        leases(f).push(other);
    }),
    ("outbox_dead", |f| {
        f.feed.as_mut().unwrap().dead = 1;
    }),
    ("outbox_old", |f| {
        f.feed.as_mut().unwrap().oldest_pending = Some(Duration::from_secs(121));
    }),
    ("replica_not_ready", |f| {
        f.replicas[0].not_ready = Some("not loaded".to_owned());
    }),
    ("replica_behind", |f| {
        metric(f, "hook_applied_change_number", 6.0);
    }),
    ("replica_stale", |f| {
        metric(f, "hook_fresh_for_milliseconds", 0.0);
    }),
    ("replica_corrections", |f| {
        metric(f, "hook_corrections_total", 1.0);
    }),
    ("replica_lapses", |f| {
        metric(f, "hook_lease_lapses_total", 1.0);
    }),
    ("replica_idle", |f| {
        metric(f, "hook_connections", 0.0);
    }),
    ("replica_rights_left_out", |f| {
        metric(f, "hook_service_rights_left_out", 1.0);
    }),
    ("replica_connections_refused", |f| {
        metric(f, "hook_connections_refused_total", 1.0);
    }),
    ("replica_overload", |f| {
        denied(f, "overload");
    }),
    ("replica_secret_refused", |f| {
        denied(f, "secret");
    }),
    ("replica_unknown", |f| {
        f.replicas[0].metrics.clear();
    }),
    ("serve_known", |f| {
        f.settings.serve_known = true;
    }),
];

#[test]
fn each_seeded_fault_is_found_and_clean_facts_have_none() {
    let notes = ["emqx_people_listener_plain"];
    assert_eq!(codes(&clean()).into_iter().collect::<Vec<_>>(), notes);
    for (code, change) in SEEDS {
        let mut facts = clean();
        change(&mut facts);
        let found = codes(&facts);
        assert!(found.contains(code), "{code} is not in {found:?}");
    }
}

#[test]
fn rights_that_the_services_use_are_no_excess() {
    let mut facts = clean();
    let roles = &mut facts.databases[0].other_roles;
    roles.push("pg_read_all_stats".to_owned());
    assert!(!codes(&facts).contains("pg_role_foreign"));
    for (privilege, object) in [
        ("INSERT", "device"),
        ("column UPDATE", "device"),
        ("DELETE", "outbox"),
        ("DELETE", "service_client"),
        ("DELETE", "audit_entry"),
        ("column UPDATE", "ledger"),
    ] {
        right(&mut facts, 0, privilege, object);
    }
    for privilege in ["INSERT", "UPDATE", "DELETE"] {
        right(&mut facts, 1, privilege, "hook_lease");
    }
    assert!(!codes(&facts).contains("pg_rights_excess"));
}

fn gap(facts: &mut Facts, what: Missing) {
    facts.gaps.push(Gap {
        what,
        subject: "it".to_owned(),
        reason: "so".to_owned(),
    });
}

fn nodes(facts: &mut Facts, versions: &[(Version, bool)]) {
    let node = |(version, running): &(Version, bool)| Node {
        name: "emqx@a".to_owned(),
        version: Some(*version),
        running: *running,
    };
    facts.brokers[0].nodes = versions.iter().map(node).collect();
}

/// A certificate that begins and ends so many days from now.
fn certificate(facts: &mut Facts, role: Role, begins: i64, ends: i64, refused: Option<&str>) {
    facts.certificates.push(SeenCertificate {
        place: "file".to_owned(),
        subject: "CN=x".to_owned(),
        not_before: facts.now + time::Duration::days(begins),
        not_after: facts.now + time::Duration::days(ends),
        role,
        refused: refused.map(str::to_owned),
    });
}

fn service(facts: &mut Facts, ends: Option<i64>) {
    let not_after = ends.map(|days| facts.now + time::Duration::days(days));
    let feed = facts.feed.as_mut().unwrap();
    feed.service_certificates.push(ServiceCertificate {
        name: "gateway".to_owned(),
        not_after,
    });
}

fn right(facts: &mut Facts, login: usize, privilege: &str, object: &str) {
    let right = (privilege.to_owned(), object.to_owned());
    facts.databases[login].rights.push(right);
}

fn setting(facts: &mut Facts, name: &str, value: &str) {
    let settings = &mut facts.databases[0].settings;
    settings.insert(name.to_owned(), value.to_owned());
}

fn leases(facts: &mut Facts) -> &mut Vec<Lease> {
    &mut facts.feed.as_mut().unwrap().leases
}

fn metric(facts: &mut Facts, name: &str, value: f64) {
    facts.replicas[0].metrics.insert(name.to_owned(), value);
}

fn denied(facts: &mut Facts, reason: &str) {
    facts.replicas[0].denied.insert(reason.to_owned(), 3.0);
}
