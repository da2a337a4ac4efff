//! The files use no key that their oldest EMQX refuses: an unknown key inside a section stops the start.
//!
//! The list was derived from the configuration that loaded without a warning on a real EMQX 5.8.9 and from the schemas of the
//! tags v5.3.0 and v5.8.9. Listeners' and zones' names are left out of the paths.

use crate::shipped::both;
use emqx_config::hocon::Value;
use std::collections::BTreeSet;

const HOOK: &[&str] = &[
    "enable",
    "method",
    "url",
    "headers",
    "body",
    "pool_size",
    "connect_timeout",
    "request_timeout",
    "enable_pipelining",
    "ssl.enable",
];
const LISTENER: &[&str] = &[
    "enable",
    "bind",
    "acceptors",
    "max_connections",
    "max_conn_rate",
    "messages_rate",
    "zone",
    "access_rules",
    "proxy_protocol",
    "enable_authn",
];
const SSL: &[&str] = &[
    "cacertfile",
    "certfile",
    "keyfile",
    "versions",
    "verify",
    "fail_if_no_peer_cert",
    "depth",
    "reuse_sessions",
    "honor_cipher_order",
    "client_renegotiation",
    "handshake_timeout",
    "gc_after_handshake",
    "hibernate_after",
    "enable_crl_check",
];
const TCP: &[&str] = &["backlog", "send_timeout", "send_timeout_close", "nodelay"];
const WEBSOCKET: &[&str] = &[
    "mqtt_path",
    "compress",
    "idle_timeout",
    "max_frame_size",
    "fail_if_no_subprotocol",
    "check_origin_enable",
    "proxy_address_header",
    "proxy_port_header",
];
const MQTT: &[&str] = &[
    "max_packet_size",
    "max_clientid_len",
    "max_topic_levels",
    "max_qos_allowed",
    "max_topic_alias",
    "retain_available",
    "wildcard_subscription",
    "shared_subscription",
    "exclusive_subscription",
    "idle_timeout",
    "max_subscriptions",
    "max_inflight",
    "max_mqueue_len",
    "max_awaiting_rel",
    "await_rel_timeout",
    "session_expiry_interval",
    "keepalive_multiplier",
    "strict_mode",
    "ignore_loop_deliver",
];
const FLAPPING: &[&str] = &["enable", "window_time", "max_count", "ban_time"];
const ROOT: &[&str] = &[
    "node.data_dir",
    "cluster.name",
    "cluster.discovery_strategy",
    "log.console.enable",
    "log.console.level",
    "log.console.formatter",
    "log.console.time_offset",
    "log.file.enable",
    "authorization.no_match",
    "authorization.deny_action",
    "authorization.cache.enable",
    "retainer.enable",
    "retainer.max_payload_size",
    "retainer.msg_expiry_interval",
    "delayed.enable",
    "rewrite",
    "file_transfer.enable",
    "sys_topics.sys_msg_interval",
    "sys_topics.sys_heartbeat_interval",
    "telemetry.enable",
    "dashboard.listeners.http.bind",
    "api_key.bootstrap_file",
];
/// What 5.3.0 refuses and 5.8.0 knows.
const SINCE_5_8: &[&str] = &[
    "log.throttling.time_window",
    "mqtt.keepalive_check_interval",
    "prometheus.enable_basic_auth",
    "prometheus.collectors.vm_dist",
];
/// Roots and keys that exist no longer or only later, each with its reason. They must never come back.
const NEVER: &[(&str, &str)] = &[
    ("precondition", "5.9+ (authn), 6.3 (authz)"),
    ("node_cache", "5.9+"),
    ("max_inactive", "5.9+"),
    ("peer_cert_as_clientid", "deprecated from 5.8.3 on"),
    ("clientid_override", "5.8.3+"),
    ("partial_chain", "unknown in the community edition"),
    (
        "verify_peer_ext_key_usage",
        "unknown in the community edition",
    ),
    (
        "health_check_interval",
        "unknown: the interval is fixed at 15 s",
    ),
    ("resource_opts", "unknown in authn and authz"),
    ("max_retries", "deprecated since 5.0.4"),
    ("retry_interval", "deprecated since 5.0.4"),
    ("bridges", "deprecated from 5.6 on"),
    ("exhook", "the hooks are HTTP"),
    ("is_superuser", "nobody is"),
];

fn allowed(version: &str) -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    let mut add = |prefix: &str, keys: &[&str]| {
        allowed.extend(keys.iter().map(|key| format!("{prefix}{key}")));
    };
    let chain = ["mechanism", "backend"];
    for kind in ["ssl", "ws"] {
        add(&format!("listeners.{kind}.*."), LISTENER);
        add(&format!("listeners.{kind}.*.authentication[]."), HOOK);
        add(&format!("listeners.{kind}.*.authentication[]."), &chain);
    }
    add("listeners.", &["tcp.*.enable", "wss.*.enable"]);
    add("listeners.ssl.*.ssl_options.", SSL);
    add("listeners.ssl.*.tcp_options.", TCP);
    add("listeners.ws.*.websocket.", WEBSOCKET);
    add("authentication[].", HOOK);
    add("authentication[].", &chain);
    add("authorization.sources[].", HOOK);
    add("authorization.sources[].", &["type"]);
    add("zones.*.mqtt.", MQTT);
    add("zones.*.flapping_detect.", FLAPPING);
    add("flapping_detect.", FLAPPING);
    add("mqtt.", MQTT);
    add("", ROOT);
    if version == "emqx-5.8" {
        add("", SINCE_5_8);
    }
    allowed
}

/// The path with the names of listeners and zones, and the keys of headers and bodies, left out.
fn shape(path: &str) -> String {
    let mut parts: Vec<&str> = path.split('.').collect();
    match parts[0] {
        "listeners" if parts.len() > 2 => parts[2] = "*",
        "zones" if parts.len() > 1 => parts[1] = "*",
        _ => {}
    }
    if let Some(at) = parts
        .iter()
        .position(|part| matches!(*part, "headers" | "body"))
    {
        parts.truncate(at + 1);
    }
    parts.join(".")
}

#[test]
fn every_key_is_known_to_the_oldest_version_of_its_file() {
    for shipped in &both() {
        let allowed = allowed(shipped.name);
        for path in shipped.conf.raw().leaf_paths() {
            assert!(allowed.contains(&shape(&path)), "{}: {path}", shipped.name);
        }
    }
}

#[test]
fn no_key_comes_back_that_some_version_refuses_or_deprecates() {
    for shipped in &both() {
        for path in shipped.conf.raw().leaf_paths() {
            for (key, why) in NEVER {
                let found = path
                    .split('.')
                    .any(|part| part.trim_end_matches("[]") == *key);
                assert!(!found, "{}: {path}: {why}", shipped.name);
            }
        }
    }
}

#[test]
fn the_two_files_differ_only_where_the_versions_do() {
    let [newer, older] = both();
    let paths = |value: &Value| -> BTreeSet<String> {
        value
            .leaf_paths()
            .into_iter()
            .filter(|path| !path.contains(".headers."))
            .collect()
    };
    let newer = paths(newer.conf.raw());
    let older = paths(older.conf.raw());
    let only_newer: Vec<_> = newer.difference(&older).map(String::as_str).collect();
    let mut expected = vec![
        "listeners.ssl.default.authentication[].body.cert_pem",
        "listeners.ssl.service.authentication[].body.cert_pem",
    ];
    expected.extend(SINCE_5_8);
    expected.sort_unstable();
    assert_eq!(only_newer, expected);
    let only_older: Vec<_> = older.difference(&newer).map(String::as_str).collect();
    assert_eq!(
        only_older,
        [
            "listeners.ssl.default.authentication[].body.password",
            "listeners.ssl.service.authentication[].body.password",
        ]
    );
}
