//! The typed view: EMQX's unsafe defaults are seen, wrong values are named by their path, secrets are not shown.

use emqx_config::{EmqxConf, Kind, NoMatch, Verify};
use std::time::Duration;

fn error(text: &str) -> String {
    EmqxConf::parse(text).expect_err(text).to_string()
}

#[test]
fn an_empty_file_shows_the_defaults_that_make_emqx_open() {
    let conf = EmqxConf::parse("").expect("an empty file");
    assert!(conf.global_authentication.is_empty());
    assert_eq!(conf.authorization.no_match, NoMatch::Allow);
    assert!(conf.authorization.cache_enable);
    assert_eq!(conf.authorization.sources, None);
    assert!(conf.delayed_enable);
    assert!(conf.retainer.enable);
}

#[test]
fn a_bare_tls_listener_trusts_everybody_and_rests_on_the_global_chain() {
    let conf = EmqxConf::parse("listeners.ssl.x.bind = 8883").expect("a listener");
    let listener = conf.listener(Kind::Ssl, "x").expect("it was read");
    let ssl = listener.ssl.as_ref().expect("TLS");
    assert_eq!(ssl.verify, Verify::None);
    assert!(!ssl.fail_if_no_peer_cert);
    assert!(ssl.reuse_sessions);
    assert_eq!(ssl.depth, 10);
    assert!(listener.enable);
    assert!(conf.chain_of(listener).is_empty());
    assert_eq!(
        listener.bind.map(|bind| bind.to_string()).as_deref(),
        Some("0.0.0.0:8883")
    );
}

#[test]
fn time_outs_of_authn_and_authz_have_their_own_defaults() {
    let hook = "method = post, url = \"http://h\"";
    let text = format!(
        "authentication = [{{ mechanism = password_based, backend = http, {hook} }}]\n\
         authorization.sources = [{{ type = http, {hook} }}]"
    );
    let conf = EmqxConf::parse(&text).expect("two hooks");
    assert_eq!(
        conf.global_authentication[0].request_timeout,
        Duration::from_secs(5)
    );
    let sources = conf.authorization.sources.expect("sources");
    assert_eq!(sources[0].request_timeout, Duration::from_secs(30));
    assert_eq!(sources[0].pool_size, 8);
}

#[test]
fn a_zone_replaces_only_what_it_says() {
    let text = "mqtt { max_inflight = 5, max_topic_levels = 9 }\nzones.z.mqtt.max_inflight = 7\nflapping_detect.enable = true";
    let conf = EmqxConf::parse(text).expect("a zone");
    assert_eq!(conf.mqtt_in_zone("z").max_inflight, Some(7));
    assert_eq!(conf.mqtt_in_zone("z").max_topic_levels, Some(9));
    assert_eq!(conf.mqtt_in_zone("unknown").max_inflight, Some(5));
    assert!(conf.flapping_in_zone("z").enable);
}

#[test]
fn only_a_plain_true_counts_as_authenticated() {
    for (value, expected) in [
        ("true", true),
        ("false", false),
        ("quick_deny_anonymous", false),
    ] {
        let conf =
            EmqxConf::parse(&format!("listeners.tcp.x.enable_authn = {value}")).expect(value);
        assert_eq!(conf.listeners[0].enable_authn, expected, "{value}");
    }
}

#[test]
fn a_wrong_value_is_named_by_its_path() {
    for (text, message) in [
        (
            "listeners.ssl.x.bind = \"nowhere\"",
            "listeners.ssl.x.bind: expected an address like 0.0.0.0:8883, or a port, found \"nowhere\"",
        ),
        (
            "listeners.ssl.x.bind = 70000",
            "listeners.ssl.x.bind: expected an address like 0.0.0.0:8883, or a port, found 70000",
        ),
        (
            "listeners.quic.x.enable = true",
            "listeners: expected tcp, ssl, ws or wss, found \"quic\"",
        ),
        ("listeners = 1", "listeners: expected an object, found 1"),
        (
            "mqtt.max_packet_size = big",
            "mqtt.max_packet_size: expected a size like 64KB or 1MB, found \"big\"",
        ),
        (
            "mqtt.max_inflight = -1",
            "mqtt.max_inflight: expected a whole number from 0 up, or infinity, found -1",
        ),
        (
            "mqtt.idle_timeout = 15",
            "mqtt.idle_timeout: expected a duration like 2s, 500ms or 1m, found 15",
        ),
        (
            "zones.z.mqtt.shared_subscription = yes",
            "zones.z.mqtt.shared_subscription: expected true or false, found \"yes\"",
        ),
        (
            "authorization.no_match = maybe",
            "authorization.no_match: expected allow or deny, found \"maybe\"",
        ),
        (
            "authentication = [{ mechanism = jwt }]",
            "authentication[0].mechanism: expected password_based, found \"jwt\"",
        ),
        (
            "authentication = [{ method = post }]",
            "authentication[0].url is absent; EMQX does not start without it",
        ),
        (
            "authorization.sources = [{ type = file }]",
            "authorization.sources[0].type: expected http, found \"file\"",
        ),
        (
            "a = 1\nb = \"",
            "line 2: a quoted string does not end on its line; close it with \" or use \"\"\"",
        ),
    ] {
        assert_eq!(error(text), message);
    }
}

#[test]
fn header_values_are_never_shown() {
    let text = "authentication = [{ method = post, url = \"http://h\", headers { X-Hook-Secret = hunter2 } }]";
    let conf = EmqxConf::parse(text).expect("a hook");
    assert_eq!(
        conf.global_authentication[0].headers["x-hook-secret"],
        "hunter2"
    );
    let shown = format!("{conf:?}");
    assert!(
        shown.contains("x-hook-secret") && !shown.contains("hunter2"),
        "{shown}"
    );
    let wrong = "authentication = [{ method = post, url = \"http://h\", headers { x = 4711 } }]";
    assert!(!error(wrong).contains("4711"));
}
