//! The manifests against the code. Whether they fit Kubernetes' schema is `cargo xtask lint`'s question.

use crate::checkout::{files, is_ours, names_a_secret, root, settings, yaml};
use emqx_config::contract;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Every object of every manifest, with the file's name.
fn objects() -> &'static [(String, Value)] {
    static OBJECTS: LazyLock<Vec<(String, Value)>> = LazyLock::new(read_objects);
    &OBJECTS
}

fn read_objects() -> Vec<(String, Value)> {
    let root = root();
    let mut all = Vec::new();
    for path in files("k8s", ".yaml") {
        let name = path
            .strip_prefix(&root)
            .expect("below the checkout")
            .to_string_lossy()
            .into_owned();
        for object in yaml(&name) {
            if object["kind"].is_string() && object["kind"] != "Kustomization" {
                all.push((name.clone(), object));
            }
        }
    }
    all
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Pod specs of the base, complete, with the names of their objects.
fn pods() -> Vec<(String, Value)> {
    let workloads = objects()
        .iter()
        .filter(|(file, _)| !file.contains("overlays/prod"));
    workloads
        .filter(|(_, object)| object["spec"]["template"].is_object())
        .map(|(_, object)| {
            let name = object["metadata"]["name"]
                .as_str()
                .expect("a name")
                .to_owned();
            (name, object["spec"]["template"]["spec"].clone())
        })
        .collect()
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    array(&pod["initContainers"]).chain(array(&pod["containers"]))
}

fn service_ports(name: &str) -> BTreeSet<u64> {
    let services = objects()
        .iter()
        .filter(|(_, object)| object["kind"] == "Service" && object["metadata"]["name"] == name);
    services
        .flat_map(|(_, object)| array(&object["spec"]["ports"]))
        .filter_map(|port| port["port"].as_u64())
        .collect()
}

#[test]
fn every_variable_is_a_setting_that_some_program_reads() {
    let known = settings();
    for (file, object) in objects() {
        let pod = &object["spec"]["template"]["spec"];
        for variable in containers(pod).flat_map(|container| array(&container["env"])) {
            let name = variable["name"].as_str().expect("a name");
            assert!(!is_ours(name) || known.all.contains(name), "{file}: {name}");
            if names_a_secret(name) {
                assert!(variable["value"].is_null(), "{file}: {name} in plain text");
            }
        }
    }
}

#[test]
fn every_setting_without_which_a_program_does_not_start_is_set() {
    let mut set = BTreeSet::new();
    for (_, pod) in pods() {
        let variables = containers(&pod).flat_map(|container| array(&container["env"]));
        set.extend(variables.filter_map(|variable| variable["name"].as_str().map(str::to_owned)));
    }
    let required = settings().required;
    let missing: Vec<_> = required.difference(&set).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn no_manifest_holds_a_secret() {
    for (file, object) in objects() {
        assert_ne!(
            object["kind"], "Secret",
            "{file}: Secrets are generated or brought"
        );
    }
}

#[test]
fn every_pod_is_restricted_and_gets_no_foreign_variables() {
    let pods = pods();
    assert_eq!(pods.len(), 5);
    for (name, pod) in pods {
        assert_eq!(
            pod["enableServiceLinks"], false,
            "{name}: HOOK_SERVICE_PORT would stop it"
        );
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{name}");
        assert_eq!(
            pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault",
            "{name}"
        );
        for container in containers(&pod) {
            let security = &container["securityContext"];
            assert_eq!(security["allowPrivilegeEscalation"], false, "{name}");
            assert_eq!(security["readOnlyRootFilesystem"], true, "{name}");
            assert_eq!(security["capabilities"]["drop"][0], "ALL", "{name}");
            assert!(
                !container["resources"]["requests"]["memory"].is_null(),
                "{name}"
            );
            assert!(
                !container["resources"]["limits"]["memory"].is_null(),
                "{name}"
            );
        }
    }
}

#[test]
fn every_mount_has_its_volume_and_every_volume_its_mount() {
    for (file, object) in objects() {
        let pod = &object["spec"]["template"]["spec"];
        let named = |list: &Value| -> BTreeSet<String> {
            array(list)
                .filter_map(|entry| entry["name"].as_str().map(str::to_owned))
                .collect()
        };
        let mut volumes = named(&pod["volumes"]);
        volumes.extend(
            array(&object["spec"]["volumeClaimTemplates"])
                .filter_map(|claim| claim["metadata"]["name"].as_str().map(str::to_owned)),
        );
        let mounts: BTreeSet<_> = containers(pod)
            .flat_map(|container| named(&container["volumeMounts"]))
            .collect();
        assert_eq!(mounts, volumes, "{file}: {}", object["metadata"]["name"]);
    }
}

#[test]
fn services_offer_the_ports_that_the_configuration_names() {
    let port = u64::from;
    assert_eq!(
        service_ports("hook-service"),
        [port(contract::HOOK_PORT)].into()
    );
    assert_eq!(
        service_ports("emqx-devices"),
        [port(contract::PORT_DEVICE)].into()
    );
    assert_eq!(
        service_ports("emqx"),
        [
            contract::PORT_SERVICE,
            contract::PORT_PEOPLE,
            contract::PORT_MANAGEMENT
        ]
        .map(u64::from)
        .into()
    );
    // The lists are named with port 80 in certificates, which is none at all.
    assert_eq!(service_ports("api-service"), [80, 8080].into());
}

#[test]
fn the_policies_open_no_port_that_nobody_listens_on() {
    let mut open = BTreeSet::new();
    for (file, object) in objects() {
        if object["kind"] != "NetworkPolicy" || file.contains("dev/") {
            continue;
        }
        let rules = array(&object["spec"]["ingress"]).flat_map(|rule| array(&rule["ports"]));
        open.extend(rules.filter_map(|port| port["port"].as_u64()));
    }
    let mut listening = BTreeSet::new();
    for (_, pod) in pods() {
        let ports = containers(&pod)
            .flat_map(|container| array(&container["ports"]))
            .cloned()
            .collect::<Vec<_>>();
        listening.extend(
            ports
                .iter()
                .filter_map(|port| port["containerPort"].as_u64()),
        );
    }
    listening.remove(&5432);
    assert_eq!(open, listening);
}

#[test]
fn hook_service_keeps_enough_replicas_whatever_happens() {
    let find = |kind: &str| {
        let found = objects().iter().find(|(file, object)| {
            file.contains("base/")
                && object["kind"] == kind
                && object["metadata"]["name"] == "hook-service"
        });
        &found.expect(kind).1["spec"]
    };
    let deployment = find("Deployment");
    assert_eq!(deployment["replicas"], 3);
    assert_eq!(deployment["strategy"]["rollingUpdate"]["maxUnavailable"], 0);
    assert!(deployment["template"]["spec"]["topologySpreadConstraints"].is_array());
    assert_eq!(find("PodDisruptionBudget")["minAvailable"], 2);
}

#[test]
fn emqx_is_made_from_the_one_file() {
    let base = yaml("k8s/base/kustomization.yaml").swap_remove(0);
    let map = &base["configMapGenerator"][0];
    assert_eq!(
        map["files"][0],
        "emqx.conf=../../emqx-config/emqx-5.8/emqx.conf"
    );
    let file = root().join("k8s/base/../../emqx-config/emqx-5.8/emqx.conf");
    assert!(file.is_file(), "{}", file.display());
    let pods = pods();
    let (_, emqx) = pods.iter().find(|(name, _)| name == "emqx").expect("emqx");
    let mounts: Vec<_> = containers(emqx)
        .flat_map(|container| array(&container["volumeMounts"]))
        .collect();
    let paths: BTreeSet<_> = mounts
        .iter()
        .filter_map(|mount| mount["mountPath"].as_str())
        .collect();
    for path in [
        "/opt/emqx/etc/emqx.conf",
        "/opt/emqx/etc/certs",
        "/opt/emqx/etc/secrets",
        "/opt/emqx/data",
    ] {
        assert!(paths.contains(path), "{path}");
    }
    let names: BTreeSet<_> = containers(emqx)
        .flat_map(|container| array(&container["env"]))
        .filter_map(|variable| variable["name"].as_str())
        .collect();
    for name in [
        "EMQX_NODE__NAME",
        "EMQX_NODE__COOKIE",
        "EMQX_DASHBOARD__DEFAULT_PASSWORD",
    ] {
        assert!(names.contains(name), "{name}");
    }
}

#[test]
fn every_secret_that_a_pod_mounts_is_in_the_list_and_made_for_development() {
    let mut mounted = BTreeSet::new();
    for (_, pod) in pods() {
        mounted.extend(
            array(&pod["volumes"])
                .filter_map(|volume| volume["secret"]["secretName"].as_str().map(str::to_owned)),
        );
        let variables = containers(&pod).flat_map(|container| array(&container["env"]));
        mounted.extend(variables.filter_map(|variable| {
            variable["valueFrom"]["secretKeyRef"]["name"]
                .as_str()
                .map(str::to_owned)
        }));
    }
    let dev = yaml("k8s/overlays/dev/kustomization.yaml").swap_remove(0);
    let made: BTreeSet<_> = array(&dev["secretGenerator"])
        .filter_map(|secret| secret["name"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(mounted, made);
    let readme = crate::checkout::text("k8s/README.md");
    for name in mounted {
        assert!(
            readme.contains(&format!("| `{name}` |")),
            "{name} is not in k8s/README.md"
        );
    }
}
