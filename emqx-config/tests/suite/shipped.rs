//! The shipped files name what `contract` names: paths, ports, zones, body keys, files.

use emqx_config::{EMQX_5_3, EMQX_5_8, EmqxConf, HttpHook, Kind, Listener, contract, placeholders};
use std::collections::BTreeSet;

/// A shipped file with what depends on the version.
pub(crate) struct Shipped {
    pub(crate) name: &'static str,
    pub(crate) conf: EmqxConf,
    certificate_body: &'static [&'static str],
    authn_placeholders: &'static [&'static str],
    authz_placeholders: &'static [&'static str],
}

/// What EMQX 5.3.0 expands; a later version only adds to it. Anything else is sent as the literal `${..}`.
const AUTHN_5_3: &[&str] = &[
    "username",
    "clientid",
    "password",
    "peerhost",
    "cert_subject",
    "cert_common_name",
];
/// 5.8.0: `zone` came with 5.8.2 and would stay literal on 5.8.0.
const AUTHN_5_8: &[&str] = &[
    "username",
    "clientid",
    "password",
    "peerhost",
    "cert_subject",
    "cert_common_name",
    "cert_pem",
];
const AUTHZ_5_3: &[&str] = &[
    "username",
    "clientid",
    "peerhost",
    "proto_name",
    "mountpoint",
    "topic",
    "action",
    "cert_subject",
    "cert_common_name",
    "qos",
    "retain",
];

pub(crate) fn both() -> [Shipped; 2] {
    let parse = |text| EmqxConf::parse(text).expect("a shipped file parses");
    [
        Shipped {
            name: "emqx-5.8",
            conf: parse(EMQX_5_8),
            certificate_body: contract::BODY_CERTIFICATE_5_8,
            authn_placeholders: AUTHN_5_8,
            authz_placeholders: AUTHZ_5_3,
        },
        Shipped {
            name: "emqx-5.3",
            conf: parse(EMQX_5_3),
            certificate_body: contract::BODY_CERTIFICATE_5_3,
            authn_placeholders: AUTHN_5_3,
            authz_placeholders: AUTHZ_5_3,
        },
    ]
}

fn listener<'a>(shipped: &'a Shipped, kind: Kind, name: &str) -> &'a Listener {
    let listener = shipped.conf.listener(kind, name);
    listener.unwrap_or_else(|| panic!("{}: no listener {kind:?} {name}", shipped.name))
}

fn hooks(shipped: &Shipped) -> Vec<&HttpHook> {
    let conf = &shipped.conf;
    let own = conf
        .listeners
        .iter()
        .flat_map(|l| &l.authentication)
        .flatten();
    let global = &conf.global_authentication;
    let sources = conf.authorization.sources.iter().flatten();
    own.chain(global).chain(sources).collect()
}

#[test]
fn each_listener_has_its_kind_port_zone_and_path() {
    let expected = [
        (
            Kind::Ssl,
            "default",
            contract::PORT_DEVICE,
            contract::ZONE_DEVICE,
            contract::PATH_AUTHN_DEVICE,
        ),
        (
            Kind::Ssl,
            "service",
            contract::PORT_SERVICE,
            contract::ZONE_SERVICE,
            contract::PATH_AUTHN_SERVICE,
        ),
        (
            Kind::Ws,
            "default",
            contract::PORT_PEOPLE,
            contract::ZONE_PEOPLE,
            contract::PATH_AUTHN_PERSON,
        ),
    ];
    for shipped in &both() {
        let enabled = shipped.conf.listeners.iter().filter(|l| l.enable).count();
        assert_eq!(enabled, expected.len(), "{}", shipped.name);
        for (kind, name, port, zone, path) in expected {
            let listener = listener(shipped, kind, name);
            assert_eq!(listener.bind.map(|bind| bind.port()), Some(port));
            assert_eq!(listener.zone, zone);
            assert!(shipped.conf.zones.contains_key(zone), "{zone} is defined");
            let chain = listener.authentication.as_deref().unwrap_or_default();
            let urls: Vec<_> = chain.iter().map(|hook| hook.url.as_str()).collect();
            assert_eq!(urls, [format!("{}{path}", contract::HOOK_BASE_URL)]);
        }
        assert_eq!(
            listener(shipped, Kind::Ws, "default")
                .websocket_path
                .as_deref(),
            Some(contract::WEBSOCKET_PATH)
        );
    }
}

#[test]
fn each_body_has_exactly_the_keys_of_the_contract() {
    for shipped in &both() {
        let body = |hook: &HttpHook| hook.body.keys().cloned().collect::<BTreeSet<_>>();
        let keys = |keys: &[&str]| {
            keys.iter()
                .map(|&key| key.to_owned())
                .collect::<BTreeSet<_>>()
        };
        let chain = |kind, name| {
            let chain = listener(shipped, kind, name).authentication.as_deref();
            body(&chain.expect("a chain of its own")[0])
        };
        assert_eq!(chain(Kind::Ssl, "default"), keys(shipped.certificate_body));
        assert_eq!(chain(Kind::Ssl, "service"), keys(shipped.certificate_body));
        assert_eq!(chain(Kind::Ws, "default"), keys(contract::BODY_PERSON));
        let sources = shipped.conf.authorization.sources.as_deref();
        assert_eq!(
            body(&sources.expect("sources")[0]),
            keys(contract::BODY_AUTHZ)
        );
    }
}

#[test]
fn every_placeholder_is_one_that_the_oldest_version_of_the_file_expands() {
    for shipped in &both() {
        for hook in hooks(shipped) {
            let authz = hook.url.ends_with(contract::PATH_AUTHZ);
            let allowed = if authz {
                shipped.authz_placeholders
            } else {
                shipped.authn_placeholders
            };
            for (key, template) in &hook.body {
                let used = placeholders(template);
                assert_eq!(
                    used,
                    [key.as_str()],
                    "{}: {key} carries itself",
                    shipped.name
                );
                assert!(allowed.contains(&used[0]), "{}: {key}", shipped.name);
            }
            assert!(
                placeholders(&hook.url).is_empty(),
                "a host or path from a client's input"
            );
            for value in hook.headers.values() {
                assert!(
                    placeholders(value).is_empty(),
                    "headers expand from 5.8.5 only"
                );
            }
        }
    }
}

#[test]
fn every_hook_goes_to_hook_service_by_post_with_json() {
    for shipped in &both() {
        let hooks = hooks(shipped);
        assert_eq!(hooks.len(), 5);
        for hook in hooks {
            assert!(
                hook.url.starts_with(contract::HOOK_BASE_URL),
                "{}",
                hook.url
            );
            assert_eq!(
                hook.headers.get("content-type").map(String::as_str),
                Some("application/json")
            );
            assert!(
                !hook.headers.contains_key(contract::SECRET_HEADER),
                "a secret in the file"
            );
        }
    }
    let url = url_port(contract::HOOK_BASE_URL);
    assert_eq!(url, contract::HOOK_PORT);
}

fn url_port(url: &str) -> u16 {
    let port = url
        .rsplit(':')
        .next()
        .expect("rsplit gives one part at least");
    port.parse().expect("the constant ends with a port")
}

#[test]
fn certificates_are_named_as_the_certs_tool_names_them() {
    for shipped in &both() {
        for (name, trust) in [
            ("default", "device-trust.pem"),
            ("service", "service-trust.pem"),
        ] {
            let ssl = listener(shipped, Kind::Ssl, name)
                .ssl
                .as_ref()
                .expect("TLS");
            assert_eq!(
                ssl.cacertfile.as_deref(),
                Some(format!("etc/certs/{trust}").as_str())
            );
            assert_eq!(ssl.certfile.as_deref(), Some("etc/certs/broker.pem"));
            assert_eq!(ssl.keyfile.as_deref(), Some("etc/certs/broker.key"));
        }
    }
}

#[test]
fn the_older_file_also_says_what_it_accepts() {
    let [_, older] = both();
    for hook in hooks(&older) {
        // Up to 5.7.0 the encoding of an authz body follows this header.
        assert_eq!(
            hook.headers.get("accept").map(String::as_str),
            Some("application/json")
        );
    }
}

#[test]
fn no_file_holds_a_password_cookie_or_key() {
    for text in [EMQX_5_8, EMQX_5_3] {
        for line in text
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with('#'))
        {
            let key = line.split(['=', '{']).next().unwrap_or_default();
            let secret = ["cookie", "secret", "default_password", "api_secret"];
            assert!(!secret.iter().any(|word| key.contains(word)), "{line}");
            assert!(
                !key.contains("password") || line.contains("\"${password}\""),
                "{line}"
            );
        }
    }
}
