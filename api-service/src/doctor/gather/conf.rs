//! A broker's configuration tree as the values that the checks look at.
//!
//! Absent keys stay absent where the default depends on EMQX's version; the checks know versions.

use emqx_config::hocon::Value;

use super::hooks::{self, Use};
use super::tree::{Node, Strange};
use crate::doctor::facts::{Authorization, Conf, Kind, Listener, Zone};

/// Reads a tree. `strange` gets a sentence for each value that could not be read.
pub(super) fn read(tree: &Value, strange: &mut Strange) -> Conf {
    let root = Node::new("", tree);
    let zones = root.get("zones").is_some().then(|| {
        let zones = root.entries("zones").into_iter();
        zones
            .map(|(name, node)| (name.to_owned(), zone(&node, strange)))
            .collect()
    });
    Conf {
        listeners: listeners(&root, strange),
        global_chain: hooks::read_list(&root, "authentication", Use::Authn, strange)
            .unwrap_or_default(),
        authorization: authorization(&root, strange),
        authn_node_cache: root.boolean("authentication_settings.node_cache.enable", strange),
        zones,
        global: zone(&root, strange),
        delayed: root.boolean("delayed.enable", strange),
        rewrite_rules: root.list("rewrite", strange).map_or(0, |rules| rules.len()),
        file_transfer: root.boolean("file_transfer.enable", strange),
        side_doors: side_doors(&root, strange),
    }
}

fn listeners(root: &Node<'_>, strange: &mut Strange) -> Vec<Listener> {
    let mut found = Vec::new();
    for (kind, kinds) in root.entries("listeners") {
        for (name, node) in kinds.entries_here() {
            if node.boolean("enable", strange) == Some(false) {
                continue;
            }
            found.push(listener(kind, name, &node, strange));
        }
    }
    found
}

fn listener(kind: &str, name: &str, node: &Node<'_>, strange: &mut Strange) -> Listener {
    let tickets = node.text("ssl_options.session_tickets", strange);
    let verify = node.text("ssl_options.verify", strange);
    Listener {
        id: format!("{kind}:{name}"),
        kind: match kind {
            "tcp" => Kind::Tcp,
            "ssl" => Kind::Ssl,
            "ws" => Kind::Ws,
            "wss" => Kind::Wss,
            _ => Kind::Other,
        },
        zone: node
            .text("zone", strange)
            .unwrap_or_else(|| "default".to_owned()),
        enable_authn: node
            .text("enable_authn", strange)
            .unwrap_or_else(|| "true".to_owned()),
        chain: hooks::read_list(node, "authentication", Use::Authn, strange).unwrap_or_default(),
        verify_peer: verify.as_deref() == Some("verify_peer"),
        fail_if_no_peer_cert: node.boolean("ssl_options.fail_if_no_peer_cert", strange)
            == Some(true),
        versions: node.texts("ssl_options.versions"),
        reuse_sessions: node.boolean("ssl_options.reuse_sessions", strange),
        session_tickets: tickets.filter(|tickets| tickets != "disabled" && tickets != "false"),
        depth: node.count("ssl_options.depth", strange),
        crl_check: node.boolean("ssl_options.enable_crl_check", strange) == Some(true),
        client_renegotiation: node.boolean("ssl_options.client_renegotiation", strange),
        proxy_protocol: node.boolean("proxy_protocol", strange) == Some(true),
        rate_limited: node
            .text("max_conn_rate", strange)
            .is_some_and(|rate| rate != "infinity"),
        running: node.boolean("running", strange) != Some(false),
    }
}

fn authorization(root: &Node<'_>, strange: &mut Strange) -> Authorization {
    Authorization {
        no_match: root.text("authorization.no_match", strange),
        deny_action: root.text("authorization.deny_action", strange),
        cache: root.boolean("authorization.cache.enable", strange),
        node_cache: root.boolean("authorization.node_cache.enable", strange),
        sources: root
            .node("authorization")
            .and_then(|node| hooks::read_list(&node, "sources", Use::Authz, strange)),
    }
}

fn zone(node: &Node<'_>, strange: &mut Strange) -> Zone {
    let mut identity_changed = Vec::new();
    for key in [
        "mqtt.peer_cert_as_clientid",
        "mqtt.peer_cert_as_username",
        "mqtt.clientid_override",
    ] {
        let on = node.text(key, strange);
        if on.is_some_and(|value| !matches!(value.as_str(), "" | "disabled" | "false")) {
            let dot = if node.path.is_empty() { "" } else { "." };
            identity_changed.push(format!("{}{dot}{key}", node.path));
        }
    }
    Zone {
        flapping: node.boolean("flapping_detect.enable", strange),
        wildcard: node.boolean("mqtt.wildcard_subscription", strange),
        shared: node.boolean("mqtt.shared_subscription", strange),
        identity_changed,
    }
}

/// Ways in that ask no hook of ours, and hooks that decide beside it.
fn side_doors(root: &Node<'_>, strange: &mut Strange) -> Vec<String> {
    let mut found = Vec::new();
    for (name, gateway) in root.entries("gateway") {
        if gateway.boolean("enable", strange) != Some(false) {
            found.push(format!("gateway.{name}"));
        }
    }
    for key in ["exhook.servers", "cluster.links", "auto_subscribe.topics"] {
        for item in root.list(key, strange).unwrap_or_default() {
            if item.boolean("enable", strange) != Some(false) {
                found.push(item.path);
            }
        }
    }
    if root.boolean("psk_authentication.enable", strange) == Some(true) {
        found.push("psk_authentication".to_owned());
    }
    found
}
