//! Misconfigurations of a file for EMQX: the shipped one with one change.

use emqx_config::EMQX_5_8;

use super::{Version, codes, facts};
use crate::doctor::gather::broker_of;

/// A change of the shipped file and the rule that it breaks.
pub(super) struct Seed {
    pub(super) code: &'static str,
    change: Change,
    version: Version,
}

enum Change {
    Nothing,
    Replace(&'static str, &'static str),
    Append(&'static str),
}

use Change::{Append, Nothing, Replace};

const V: Version = Version(5, 8, 9);

const fn seed(code: &'static str, change: Change, version: Version) -> Seed {
    Seed {
        code,
        change,
        version,
    }
}

pub(super) const SEEDS: &[Seed] = &[
    seed(
        "emqx_no_match_allow",
        Replace("no_match = deny", "no_match = allow"),
        V,
    ),
    seed(
        "emqx_deny_disconnects",
        Replace("= ignore", "= disconnect"),
        V,
    ),
    seed(
        "emqx_authz_cache",
        Replace("cache { enable = false }", "cache { enable = true }"),
        V,
    ),
    seed("emqx_node_cache", Nothing, Version(6, 2, 0)),
    seed(
        "emqx_foreign_source",
        Replace("type = http", "type = file"),
        V,
    ),
    seed("emqx_no_source", Append("authorization.sources = []"), V),
    seed("emqx_global_chain_empty", Append("authentication = []"), V),
    seed(
        "emqx_global_chain_admits",
        Replace(":8081/authn\"", ":8081/authn/person\""),
        V,
    ),
    seed(
        "emqx_listener_without_authenticator",
        Append("listeners.ssl.extra { bind = \"0.0.0.0:8899\" }"),
        V,
    ),
    seed(
        "emqx_foreign_authenticator",
        Append(
            "listeners.ssl.default.authentication = \
             [{mechanism = password_based, backend = built_in_database}]",
        ),
        V,
    ),
    seed(
        "emqx_authenticator_path",
        Replace("/authn/person", "/authn/device"),
        V,
    ),
    seed(
        "emqx_listener_anonymous",
        Replace("enable_authn = true", "enable_authn = false"),
        V,
    ),
    seed(
        "emqx_listener_plain",
        Replace("tcp.default.enable = false", "tcp.default.enable = true"),
        V,
    ),
    seed("emqx_people_listener_plain", Nothing, V),
    seed(
        "emqx_listener_unknown",
        Append("listeners.quic.default { enable = true }"),
        V,
    ),
    seed(
        "emqx_verify_none",
        Replace("= verify_peer", "= verify_none"),
        V,
    ),
    seed(
        "emqx_certificate_optional",
        Replace(
            "fail_if_no_peer_cert = true",
            "fail_if_no_peer_cert = false",
        ),
        V,
    ),
    seed(
        "emqx_session_reuse",
        Replace("reuse_sessions = false", "reuse_sessions = true"),
        V,
    ),
    seed(
        "emqx_tls_old",
        Replace("\"tlsv1.2\"]", "\"tlsv1.2\", \"tlsv1.1\"]"),
        V,
    ),
    seed("emqx_tls_depth", Replace("depth = 1", "depth = 10"), V),
    seed(
        "emqx_tls_renegotiation",
        Replace(
            "client_renegotiation = false",
            "client_renegotiation = true",
        ),
        V,
    ),
    seed(
        "emqx_crl_check",
        Replace("enable_crl_check = false", "enable_crl_check = true"),
        V,
    ),
    seed(
        "emqx_crl_cache_key",
        Replace("enable_crl_check = false", "enable_crl_check = true"),
        Version(5, 8, 1),
    ),
    seed(
        "emqx_proxy_protocol",
        Replace("proxy_protocol = false", "proxy_protocol = true"),
        V,
    ),
    seed("emqx_no_connect_rate", Replace("\"1000/s\"", "infinity"), V),
    seed(
        "emqx_listener_stopped",
        Append("listeners.ssl.default.running = false"),
        V,
    ),
    seed(
        "emqx_flapping_strangers",
        Append("zones.people.flapping_detect.enable = true"),
        V,
    ),
    seed(
        "emqx_flapping_service",
        Append("zones.service.flapping_detect.enable = true"),
        V,
    ),
    seed(
        "emqx_flapping_off",
        Append("zones.device.flapping_detect.enable = false"),
        V,
    ),
    seed(
        "emqx_zone_wildcards",
        Append("zones.device.mqtt.wildcard_subscription = true"),
        V,
    ),
    seed(
        "emqx_zone_shared",
        Append("zones.people.mqtt.shared_subscription = true"),
        V,
    ),
    seed(
        "emqx_identity_rewritten",
        Append("zones.device.mqtt.peer_cert_as_clientid = cn"),
        V,
    ),
    seed(
        "emqx_hook_method",
        Replace("method = post", "method = get"),
        V,
    ),
    seed(
        "emqx_hook_body",
        Replace(
            "cert_common_name = \"${cert_common_name}\"",
            "cert_common_name = \"x\"",
        ),
        V,
    ),
    seed(
        "emqx_hook_content_type",
        Replace("\"content-type\"", "\"x-other\""),
        V,
    ),
    seed("emqx_hook_accept", Nothing, Version(5, 7, 0)),
    seed(
        "emqx_pool_small",
        Replace("pool_size = 16", "pool_size = 8"),
        V,
    ),
    seed(
        "emqx_pipelining_low",
        Replace("enable_pipelining = 100", "enable_pipelining = 1"),
        V,
    ),
    seed(
        "emqx_request_timeout_long",
        Replace("request_timeout = 2s", "request_timeout = 5s"),
        V,
    ),
    seed(
        "emqx_connect_timeout_long",
        Replace("connect_timeout = 2s", "connect_timeout = 15s"),
        V,
    ),
    seed(
        "emqx_hook_unverified",
        Replace("ssl.enable = false", "ssl.enable = true"),
        V,
    ),
    seed(
        "emqx_hook_precondition",
        Replace("pool_size = 16", "pool_size = 16, precondition = \"x\""),
        Version(5, 9, 0),
    ),
    seed(
        "emqx_delayed",
        Replace("delayed.enable = false", "delayed.enable = true"),
        V,
    ),
    seed(
        "emqx_rewrite",
        Replace("rewrite = []", "rewrite = [{action = all}]"),
        V,
    ),
    seed(
        "emqx_file_transfer",
        Append("file_transfer.enable = true"),
        V,
    ),
    seed("emqx_side_door", Append("gateway.coap.enable = true"), V),
    seed("emqx_side_door", Append("exhook.servers = [{name = x}]"), V),
    seed("emqx_version_old", Nothing, Version(5, 2, 1)),
    seed("emqx_acl_ignored", Nothing, Version(5, 7, 1)),
    seed("emqx_placeholder_literal", Nothing, Version(5, 7, 2)),
    seed("emqx_security_profile", Nothing, Version(6, 2, 1)),
];

#[test]
fn each_misconfiguration_of_the_file_is_found() {
    for Seed {
        code,
        change,
        version,
    } in SEEDS
    {
        let text = match change {
            Nothing => EMQX_5_8.to_owned(),
            Replace(from, to) => {
                assert!(EMQX_5_8.contains(from), "the shipped file has no `{from}`");
                EMQX_5_8.replace(from, to)
            }
            Append(more) => format!("{EMQX_5_8}\n{more}\n"),
        };
        let mut facts = facts();
        facts.brokers.push(broker_of(&text, Some(*version)));
        let found = codes(&facts);
        assert!(found.contains(code), "{code} is not in {found:?}");
        // The rule is about the change and not about the file.
        if !matches!(change, Nothing) {
            facts.brokers = vec![broker_of(EMQX_5_8, Some(V))];
            assert!(!codes(&facts).contains(code), "{code} without its seed");
        }
    }
}
