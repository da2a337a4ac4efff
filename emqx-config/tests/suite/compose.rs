//! `compose.yaml` against the code: settings, ports, files, and what no container may have.

use crate::checkout::{is_ours, names_a_secret, settings, text, yaml};
use emqx_config::contract;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

fn compose() -> Value {
    yaml("compose.yaml").swap_remove(0)
}

fn services(compose: &Value) -> &Map<String, Value> {
    compose["services"].as_object().expect("services")
}

fn environment(service: &Value) -> Vec<(&str, &str)> {
    let variables = service["environment"].as_object().into_iter().flatten();
    variables
        .map(|(name, value)| (name.as_str(), value.as_str().expect("a string")))
        .collect()
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

#[test]
fn every_variable_is_a_setting_that_some_program_reads() {
    let known = settings();
    let compose = compose();
    for (name, service) in services(&compose) {
        for (variable, _) in environment(service) {
            assert!(
                !is_ours(variable) || known.all.contains(variable),
                "{name}: {variable}"
            );
        }
    }
}

#[test]
fn every_setting_without_which_a_program_does_not_start_is_set() {
    let required = settings().required;
    assert!(required.len() >= 6, "the search found {required:?}");
    let compose = compose();
    let set: BTreeSet<String> = services(&compose)
        .values()
        .flat_map(environment)
        .map(|(name, _)| name.to_owned())
        .collect();
    let missing: Vec<_> = required.difference(&set).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn no_secret_stands_in_the_file() {
    let compose = compose();
    for (name, service) in services(&compose) {
        for (variable, value) in environment(service) {
            assert!(!names_a_secret(variable), "{name}: {variable}");
            let after_scheme = value.split_once("://").map(|(_, rest)| rest);
            let user = after_scheme
                .and_then(|rest| rest.split_once('@'))
                .map(|(user, _)| user);
            assert!(
                !user.is_some_and(|user| user.contains(':')),
                "{name}: {variable} holds a password"
            );
        }
    }
    for (name, secret) in compose["secrets"].as_object().expect("secrets") {
        let file = secret["file"].as_str().expect("secrets come from files");
        assert_eq!(
            file,
            format!(".state/secrets/{name}"),
            "git-ignored, named as the secret"
        );
    }
}

#[test]
fn every_secret_that_is_read_is_mounted_and_every_one_declared_is_read() {
    let compose = compose();
    let mut used = BTreeSet::new();
    for (name, service) in services(&compose) {
        let listed = service["secrets"].as_array().into_iter().flatten();
        let mounted: BTreeSet<&str> = listed
            .map(|secret| {
                secret
                    .as_str()
                    .or(secret["source"].as_str())
                    .expect("a name")
            })
            .collect();
        for (variable, value) in environment(service) {
            if let Some(secret) = value.strip_prefix("/run/secrets/") {
                assert!(mounted.contains(secret), "{name}: {variable}");
            }
        }
        for command in strings(&service["command"]) {
            for piece in command.split("/run/secrets/").skip(1) {
                let end = piece.find([')', ' ', '\n']).unwrap_or(piece.len());
                assert!(mounted.contains(&piece[..end]), "{name}: {}", &piece[..end]);
            }
        }
        used.extend(mounted);
    }
    let declared: BTreeSet<&str> = compose["secrets"]
        .as_object()
        .expect("secrets")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(used, declared.into_iter().collect());
}

#[test]
fn every_container_is_hardened_limited_and_not_root() {
    let compose = compose();
    for (name, service) in services(&compose) {
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(strings(&service["cap_drop"]), ["ALL"], "{name}");
        assert_eq!(
            strings(&service["security_opt"]),
            ["no-new-privileges:true"],
            "{name}"
        );
        assert!(service["privileged"].is_null(), "{name}");
        for limit in ["cpus", "memory", "pids"] {
            assert!(
                !service["deploy"]["resources"]["limits"][limit].is_null(),
                "{name}: {limit}"
            );
        }
        let user = service["user"].as_str();
        // Our own images name their user; `dockerfile` holds that it is not root.
        assert!(user.is_none_or(|user| !user.starts_with('0')), "{name}");
        assert!(
            user.is_some() || !service["build"].is_null(),
            "{name}: whose user?"
        );
        let once = service["restart"] == "no";
        assert_eq!(
            once,
            service["healthcheck"].is_null(),
            "{name}: what stays is looked at"
        );
    }
}

#[test]
fn only_the_doors_are_published() {
    let compose = compose();
    let mut published = BTreeSet::new();
    for service in services(&compose).values() {
        published.extend(strings(&service["ports"]));
    }
    let device = contract::PORT_DEVICE;
    let people = contract::PORT_PEOPLE;
    let expected = [
        format!("{device}:{device}"),
        format!("127.0.0.1:{people}:{people}"),
        "127.0.0.1:8080:8080".to_owned(),
        // Revocation lists, which are signed and need no more.
        "127.0.0.1:8082:8082".to_owned(),
        "127.0.0.1:9090:9090".to_owned(),
    ];
    assert_eq!(published, expected.iter().map(String::as_str).collect());
}

#[test]
fn the_networks_keep_the_broker_from_the_database() {
    let compose = compose();
    let networks = |name: &str| strings(&compose["services"][name]["networks"]);
    assert_eq!(networks("postgres"), ["db-net"]);
    assert_eq!(networks("hook-service"), ["broker-net", "db-net", "edge"]);
    assert!(!networks("emqx").contains(&"db-net"));
    assert!(!networks("prometheus").contains(&"db-net"));
    assert_eq!(compose["networks"]["db-net"]["internal"], true);
    assert_eq!(compose["networks"]["broker-net"]["internal"], true);
    assert_eq!(compose["services"]["certs"]["network_mode"], "none");
}

#[test]
fn emqx_gets_our_file_and_its_node_fields() {
    let compose = compose();
    let emqx = &compose["services"]["emqx"];
    let volumes = strings(&emqx["volumes"]);
    assert!(volumes.contains(&"./emqx-config/emqx-5.8/emqx.conf:/opt/emqx/etc/emqx.conf:ro"));
    assert!(volumes.contains(&"broker-certs:/opt/emqx/etc/certs:ro"));
    assert!(
        emqx["image"]
            .as_str()
            .is_some_and(|image| image.starts_with("emqx/emqx:5.8."))
    );
    let command = strings(&emqx["command"]).join("\n");
    for variable in ["EMQX_NODE__COOKIE", "EMQX_DASHBOARD__DEFAULT_PASSWORD"] {
        assert!(command.contains(&format!("{variable}=")), "{variable}");
    }
    assert!(
        environment(emqx)
            .iter()
            .any(|(name, _)| *name == "EMQX_NODE__NAME")
    );
    let key = emqx["secrets"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|secret| secret["source"] == "emqx-api-key");
    assert_eq!(
        key.expect("the API key")["target"],
        "/opt/emqx/etc/secrets/api-keys"
    );
}

#[test]
fn the_hooks_listen_where_emqx_asks() {
    let compose = compose();
    let hook = environment(&compose["services"]["hook-service"]);
    let listen = hook
        .iter()
        .find(|(name, _)| *name == "HOOK_LISTEN")
        .expect("HOOK_LISTEN");
    assert_eq!(listen.1, format!("0.0.0.0:{}", contract::HOOK_PORT));
    assert_eq!(
        contract::HOOK_BASE_URL,
        format!("http://hook-service:{}", contract::HOOK_PORT)
    );
    let api = environment(&compose["services"]["api-service"]);
    let broker = api
        .iter()
        .find(|(name, _)| *name == "API_BROKER_URL")
        .expect("API_BROKER_URL");
    assert_eq!(
        broker.1,
        format!("http://emqx:{}", contract::PORT_MANAGEMENT)
    );
}

#[test]
fn prometheus_asks_the_operators_ports() {
    let config = yaml("docker/prometheus.yml").swap_remove(0);
    let compose = compose();
    for (job, variable) in [
        ("hook-service", "HOOK_OPS_LISTEN"),
        ("api-service", "API_OPS_LISTEN"),
    ] {
        let jobs = config["scrape_configs"].as_array().expect("jobs");
        let found = jobs
            .iter()
            .find(|entry| entry["job_name"] == job)
            .expect(job);
        let port = &found["dns_sd_configs"][0]["port"];
        let service = environment(&compose["services"][job]);
        let listen = service
            .iter()
            .find(|(name, _)| *name == variable)
            .expect(variable);
        assert_eq!(listen.1, format!("0.0.0.0:{port}"));
    }
    assert!(text("docker/prometheus.yml").contains(&format!("emqx:{}", contract::PORT_MANAGEMENT)));
}
