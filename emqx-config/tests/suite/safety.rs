//! Every setting that safety rests on, in both files.

use crate::shipped::both;
use emqx_config::hocon::Value;
use emqx_config::{DenyAction, EmqxConf, HttpHook, Kind, Listener, Method, NoMatch, Verify};
use std::time::Duration;

fn enabled(conf: &EmqxConf) -> Vec<&Listener> {
    conf.listeners
        .iter()
        .filter(|listener| listener.enable)
        .collect()
}

fn all_hooks(conf: &EmqxConf) -> Vec<&HttpHook> {
    let chains = enabled(conf)
        .into_iter()
        .flat_map(|listener| conf.chain_of(listener));
    let sources = conf.authorization.sources.iter().flatten();
    chains
        .chain(&conf.global_authentication)
        .chain(sources)
        .collect()
}

/// A setting as the README names it, and whether a file has it right.
type Rule = (&'static str, fn(&EmqxConf) -> bool);

/// The rules. The README has a line for each.
pub(crate) const RULES: &[Rule] = &[
    ("listeners.ssl.default.authentication", |c| {
        own_chain(c, Kind::Ssl, "default")
    }),
    ("listeners.ssl.service.authentication", |c| {
        own_chain(c, Kind::Ssl, "service")
    }),
    ("listeners.ws.default.authentication", |c| {
        own_chain(c, Kind::Ws, "default")
    }),
    ("authentication", |c| {
        let [hook] = c.global_authentication.as_slice() else {
            return false;
        };
        hook.enable && hook.url.ends_with("/authn")
    }),
    ("enable_authn", |c| {
        c.listeners.iter().all(|l| l.enable_authn)
    }),
    ("listeners.tcp.default.enable", |c| off(c, Kind::Tcp)),
    ("listeners.wss.default.enable", |c| off(c, Kind::Wss)),
    ("verify", |c| ssl(c, |s| s.verify == Verify::Peer)),
    ("fail_if_no_peer_cert", |c| {
        ssl(c, |s| s.fail_if_no_peer_cert)
    }),
    ("cacertfile", |c| {
        let ca = |name| {
            c.listener(Kind::Ssl, name)
                .and_then(|l| l.ssl.as_ref()?.cacertfile.clone())
        };
        ca("default").is_some() && ca("service").is_some() && ca("default") != ca("service")
    }),
    ("versions", |c| {
        ssl(c, |s| s.versions == ["tlsv1.3", "tlsv1.2"])
    }),
    ("depth", |c| ssl(c, |s| s.depth == 1)),
    ("reuse_sessions", |c| ssl(c, |s| !s.reuse_sessions)),
    ("client_renegotiation", |c| {
        each_ssl(c, "ssl_options.client_renegotiation", &FALSE)
    }),
    ("handshake_timeout", |c| {
        each_ssl(
            c,
            "ssl_options.handshake_timeout",
            &Value::String("10s".to_owned()),
        )
    }),
    ("enable_crl_check", |c| {
        ssl(c, |s| !s.enable_crl_check) && each_ssl(c, "ssl_options.enable_crl_check", &FALSE)
    }),
    ("method", |c| {
        all_hooks(c).iter().all(|h| h.method == Method::Post)
    }),
    ("headers", |c| {
        all_hooks(c)
            .iter()
            .all(|h| h.headers.contains_key("content-type"))
    }),
    ("request_timeout", |c| {
        all_hooks(c)
            .iter()
            .all(|h| h.request_timeout == Duration::from_secs(2))
    }),
    ("connect_timeout", |c| {
        all_hooks(c)
            .iter()
            .all(|h| h.connect_timeout == Duration::from_secs(2))
    }),
    ("pool_size", |c| {
        let asked = all_hooks(c)
            .into_iter()
            .filter(|h| !h.url.ends_with("/authn"));
        asked.into_iter().all(|h| h.pool_size == 16)
    }),
    ("enable_pipelining", |c| {
        all_hooks(c).iter().all(|h| h.enable_pipelining == 100)
    }),
    ("authorization.no_match", |c| {
        c.authorization.no_match == NoMatch::Deny
    }),
    ("authorization.deny_action", |c| {
        c.authorization.deny_action == DenyAction::Ignore
    }),
    ("authorization.cache", |c| !c.authorization.cache_enable),
    ("authorization.sources", |c| {
        let Some([source]) = c.authorization.sources.as_deref() else {
            return false;
        };
        source.enable && source.url.ends_with("/authz")
    }),
    ("zones.device.flapping_detect", |c| {
        c.flapping_in_zone("device").enable
    }),
    ("zones.service.flapping_detect", |c| {
        !c.flapping_in_zone("service").enable
    }),
    ("zones.people.flapping_detect", |c| {
        !c.flapping_in_zone("people").enable
    }),
    ("flapping_detect", |c| {
        !c.flapping_detect.enable && !c.flapping_in_zone("other").enable
    }),
    ("zones.device.mqtt.wildcard_subscription", |c| {
        wildcard(c, "device") == Some(false)
    }),
    ("zones.device.mqtt.shared_subscription", |c| {
        shared(c, "device") == Some(false)
    }),
    ("zones.service.mqtt.wildcard_subscription", |c| {
        wildcard(c, "service") == Some(true)
    }),
    ("zones.service.mqtt.shared_subscription", |c| {
        shared(c, "service") == Some(true)
    }),
    ("zones.people.mqtt.wildcard_subscription", |c| {
        wildcard(c, "people") == Some(false)
    }),
    ("zones.people.mqtt.shared_subscription", |c| {
        shared(c, "people") == Some(false)
    }),
    ("mqtt.wildcard_subscription", |c| {
        c.mqtt.wildcard_subscription == Some(false)
    }),
    ("mqtt.shared_subscription", |c| {
        c.mqtt.shared_subscription == Some(false)
    }),
    ("mqtt.exclusive_subscription", |c| {
        zones(c, |m| m.exclusive_subscription == Some(false))
    }),
    ("max_packet_size", |c| {
        zones(c, |m| {
            m.max_packet_size <= Some(1 << 20) && m.max_packet_size.is_some()
        })
    }),
    ("max_clientid_len", |c| {
        zones(c, |m| m.max_clientid_len == Some(128))
    }),
    ("max_topic_levels", |c| {
        zones(c, |m| m.max_topic_levels == Some(8))
    }),
    ("max_qos_allowed", |c| {
        zones(c, |m| m.max_qos_allowed == Some(1))
    }),
    ("max_subscriptions", |c| {
        zones(c, |m| m.max_subscriptions.is_some_and(|n| n <= 2_000))
    }),
    ("max_inflight", |c| {
        zones(c, |m| m.max_inflight.is_some_and(|n| n <= 256))
    }),
    ("max_mqueue_len", |c| {
        zones(c, |m| m.max_mqueue_len.is_some_and(|n| n <= 10_000))
    }),
    ("max_awaiting_rel", |c| {
        zones(c, |m| m.max_awaiting_rel.is_some_and(|n| n <= 100))
    }),
    ("session_expiry_interval", |c| {
        zones(c, |m| {
            m.session_expiry_interval
                .is_some_and(|t| t <= Duration::from_hours(1))
        })
    }),
    ("idle_timeout", |c| {
        zones(c, |m| m.idle_timeout == Some(Duration::from_secs(15)))
    }),
    ("max_conn_rate", |c| {
        enabled(c).iter().all(|l| l.max_conn_rate.is_some())
    }),
    ("max_connections", |c| {
        enabled(c).iter().all(|l| l.max_connections.is_some())
    }),
    ("messages_rate", |c| {
        enabled(c).iter().all(|l| l.messages_rate.is_some())
    }),
    ("max_frame_size", |c| {
        is(
            c,
            "listeners.ws.default.websocket.max_frame_size",
            &Value::Int(65_536),
        )
    }),
    ("fail_if_no_subprotocol", |c| {
        is(
            c,
            "listeners.ws.default.websocket.fail_if_no_subprotocol",
            &TRUE,
        )
    }),
    ("proxy_protocol", |c| {
        ["ssl.default", "ssl.service", "ws.default"]
            .iter()
            .all(|l| is(c, &format!("listeners.{l}.proxy_protocol"), &FALSE))
    }),
    ("retainer", |c| {
        c.retainer.enable && c.retainer.max_payload_size == 65_536
    }),
    ("delayed.enable", |c| !c.delayed_enable),
    ("rewrite", |c| {
        c.rewrite_rules == 0 && c.raw().get("rewrite").is_some()
    }),
    ("file_transfer.enable", |c| {
        is(c, "file_transfer.enable", &FALSE)
    }),
    ("telemetry.enable", |c| is(c, "telemetry.enable", &FALSE)),
    ("api_key.bootstrap_file", |c| {
        c.api_key_bootstrap_file.as_deref() == Some("etc/secrets/api-keys")
    }),
    ("dashboard.listeners.http.bind", |c| {
        c.dashboard_bind.is_some_and(|bind| bind.port() == 18083)
    }),
];

fn own_chain(conf: &EmqxConf, kind: Kind, name: &str) -> bool {
    let chain = conf
        .listener(kind, name)
        .and_then(|listener| listener.authentication.as_deref());
    chain.is_some_and(|chain| chain.len() == 1 && chain[0].enable)
}

fn off(conf: &EmqxConf, kind: Kind) -> bool {
    conf.listener(kind, "default")
        .is_some_and(|listener| !listener.enable)
}

fn ssl(conf: &EmqxConf, holds: fn(&emqx_config::SslOptions) -> bool) -> bool {
    let mut tls = enabled(conf)
        .into_iter()
        .filter(|listener| listener.kind == Kind::Ssl);
    tls.all(|listener| listener.ssl.as_ref().is_some_and(holds))
}

fn wildcard(conf: &EmqxConf, zone: &str) -> Option<bool> {
    conf.mqtt_in_zone(zone).wildcard_subscription
}

fn shared(conf: &EmqxConf, zone: &str) -> Option<bool> {
    conf.mqtt_in_zone(zone).shared_subscription
}

/// Whether a limit holds in each zone and where no zone is named.
fn zones(conf: &EmqxConf, holds: fn(&emqx_config::MqttOptions) -> bool) -> bool {
    let mut names = conf
        .zones
        .keys()
        .map(String::as_str)
        .chain(["no such zone"]);
    names.all(|zone| holds(&conf.mqtt_in_zone(zone)))
}

const TRUE: Value = Value::Bool(true);
const FALSE: Value = Value::Bool(false);

/// Whether the file says so itself, where EMQX's default would do today.
fn is(conf: &EmqxConf, path: &str, expected: &Value) -> bool {
    conf.raw().get(path) == Some(expected)
}

/// The same of a key of both TLS listeners.
fn each_ssl(conf: &EmqxConf, key: &str, expected: &Value) -> bool {
    let mut names = ["default", "service"].iter();
    names.all(|name| is(conf, &format!("listeners.ssl.{name}.{key}"), expected))
}

#[test]
fn both_files_have_every_safety_setting() {
    for shipped in &both() {
        let broken: Vec<_> = RULES
            .iter()
            .filter(|(_, holds)| !holds(&shipped.conf))
            .map(|(name, _)| *name)
            .collect();
        assert!(broken.is_empty(), "{}: {broken:?}", shipped.name);
    }
}

#[test]
fn no_enabled_listener_rests_on_the_global_chain() {
    for shipped in &both() {
        for listener in enabled(&shipped.conf) {
            assert!(
                listener.authentication.is_some(),
                "{}: {}",
                shipped.name,
                listener.name
            );
        }
    }
}

#[test]
fn each_path_of_the_hook_is_asked_by_one_listener_only() {
    for shipped in &both() {
        let conf = &shipped.conf;
        let mut urls: Vec<_> = all_hooks(conf)
            .iter()
            .map(|hook| hook.url.clone())
            .collect();
        let all = urls.len();
        urls.sort();
        urls.dedup();
        assert_eq!(urls.len(), all, "{urls:?}");
    }
}
