//! What a version of EMQX does differently.

use std::collections::BTreeSet;

use emqx_config::contract;

use crate::doctor::facts::{Broker, Facts, Version};
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&OLD, &ACL, &LITERAL, &MIXED, &LICENCE, &PROFILE];

pub(super) static OLD: Rule = Rule {
    code: "emqx_version_old",
    severity: Severity::Error,
    why: "nothing of ours was tried or read on it",
    source: "emqx-contract of this project starts at 5.3",
    mend: "EMQX 5.8.9",
};

pub(super) static ACL: Rule = Rule {
    code: "emqx_acl_ignored",
    severity: Severity::Warning,
    why: "the rights and the end of the session in the hook's answer are ignored: each publish asks /authz, and a lost kick is not bounded",
    source: "read: `acl` and `expire_at` count from 5.7.2",
    mend: "EMQX 5.7.2 or later; 5.8.9 is best",
};

pub(super) static LITERAL: Rule = Rule {
    code: "emqx_placeholder_literal",
    severity: Severity::Error,
    why: "this version does not know the placeholder and sends it as it stands, so the hook sees no such field",
    source: "read: cert_pem 5.8.0, client_attrs 5.7.0, zone 5.8.2 (authorization 5.9), listener and peerport 5.9",
    mend: "the shipped file for this version, with HOOK_DEVICE_IDENTITY to match",
};

pub(super) static MIXED: Rule = Rule {
    code: "emqx_versions_mixed",
    severity: Severity::Warning,
    why: "nodes of one cluster behave differently, and what was checked here holds for the oldest",
    source: "5.8.9 read",
    mend: "finish the upgrade",
};

pub(super) static LICENCE: Rule = Rule {
    code: "emqx_licence",
    severity: Severity::Note,
    why: "from 5.9 a cluster of more than one node needs a licence",
    source: "BSL 1.1, 5.9.0 read",
    mend: "a licence, one node, or EMQX 5.8.9",
};

pub(super) static PROFILE: Rule = Rule {
    code: "emqx_security_profile",
    severity: Severity::Note,
    why: "with the profile `hardened` failing hooks and empty chains deny by themselves; the management API does not tell which is on",
    source: "6.2.1 and 6.3 read",
    mend: "EMQX_SECURITY_PROFILE=hardened in the environment of every node",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    facts.brokers.iter().flat_map(of_broker).collect()
}

fn of_broker(broker: &Broker) -> Vec<Finding> {
    let mut found = Vec::new();
    let versions: BTreeSet<_> = broker
        .nodes
        .iter()
        .filter_map(|node| node.version)
        .collect();
    if versions.len() > 1 {
        let all: Vec<_> = versions.iter().map(ToString::to_string).collect();
        found.push(MIXED.at(&broker.name, all.join(", ")));
    }
    let Some(version) = broker.version else {
        return found;
    };
    let seen = format!("EMQX {version}");
    if version < Version(5, 3, 0) {
        found.push(OLD.at(&broker.name, &seen));
    }
    if version < Version(5, 7, 2) {
        found.push(ACL.at(&broker.name, &seen));
    }
    if version >= Version(5, 9, 0) && broker.nodes.len() > 1 {
        let seen = format!("{seen}, {} nodes", broker.nodes.len());
        found.push(LICENCE.at(&broker.name, seen));
    }
    if version >= Version(6, 2, 1) {
        found.push(PROFILE.at(&broker.name, &seen));
    }
    for hook in broker.conf.hooks().filter(|hook| hook.is_ours()) {
        let authz = hook.path() == contract::PATH_AUTHZ;
        let templates = hook.body.values().chain([&hook.url]);
        let names = templates.flat_map(|template| emqx_config::placeholders(template));
        for name in names.filter(|name| !expands(name, version, authz)) {
            found.push(LITERAL.at(broker.hook(hook), format!("${{{name}}} on {seen}")));
        }
    }
    found
}

/// Whether this version expands a placeholder.
fn expands(name: &str, version: Version, authz: bool) -> bool {
    let since = match name {
        "username" | "clientid" | "peerhost" | "cert_subject" | "cert_common_name" => return true,
        "password" => return !authz,
        "proto_name" | "mountpoint" | "topic" | "action" | "qos" | "retain" => return authz,
        "access" if authz => Version(5, 7, 1),
        "cert_pem" => Version(5, 8, 0),
        "zone" if !authz => Version(5, 8, 2),
        "zone" | "peerport" | "listener" => Version(5, 9, 0),
        _ if name.starts_with("client_attrs.") => Version(5, 7, 0),
        _ => return false,
    };
    version >= since
}
