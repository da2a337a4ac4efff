//! The images: one target for each program that is deployed, nobody root, settings that exist.

use crate::checkout::{is_ours, settings, text, yaml};

fn dockerfile() -> String {
    text("docker/Dockerfile").replace("\\\n", " ")
}

/// The instructions of the stage with this name.
fn stage<'a>(dockerfile: &'a str, name: &str) -> Vec<&'a str> {
    let lines = dockerfile
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    let end = format!(" AS {name}");
    let stage: Vec<_> = lines
        .skip_while(|line| !(line.starts_with("FROM ") && line.ends_with(&end)))
        .enumerate()
        .take_while(|(at, line)| *at == 0 || !line.starts_with("FROM "))
        .map(|(_, line)| line)
        .collect();
    assert!(!stage.is_empty(), "no stage {name}");
    stage
}

const TARGETS: &[&str] = &["hook-service", "api-service", "schema", "certs"];

#[test]
fn each_target_holds_its_program_and_ends_as_an_ordinary_user() {
    let dockerfile = dockerfile();
    let base = stage(&dockerfile, "base");
    for target in TARGETS {
        let stage = stage(&dockerfile, target);
        assert_eq!(stage[0], format!("FROM base AS {target}"));
        let copy = format!("COPY --from=build /out/{target} /usr/local/bin/{target}");
        assert!(stage.contains(&copy.as_str()), "{target}");
        let user = base
            .iter()
            .chain(&stage)
            .rfind(|line| line.starts_with("USER "));
        assert_eq!(user, Some(&"USER 1000:1000"), "{target}");
        assert!(
            stage.iter().any(|line| line.starts_with("HEALTHCHECK ")),
            "{target}"
        );
        assert!(
            stage.iter().any(|line| line.starts_with("ENTRYPOINT ")),
            "{target}"
        );
        assert!(
            dockerfile.contains(&format!("--package {target}")),
            "{target} is built"
        );
    }
}

#[test]
fn the_build_is_locked_and_uses_the_pinned_compiler() {
    let dockerfile = dockerfile();
    assert!(dockerfile.contains("cargo build --locked --release"));
    let toolchain = text("rust-toolchain.toml");
    let pinned = toolchain
        .lines()
        .find_map(|line| line.strip_prefix("channel = "));
    let pinned = pinned.expect("a channel").trim_matches('"');
    assert!(
        dockerfile.contains(&format!("ARG RUST_VERSION={pinned}\n")),
        "{pinned}"
    );
}

#[test]
fn every_variable_of_an_image_is_a_setting_that_some_program_reads() {
    let known = settings();
    let dockerfile = dockerfile();
    let words = dockerfile
        .split_whitespace()
        .filter_map(|word| word.split_once('='));
    for (name, _) in words.filter(|(name, _)| is_ours(name)) {
        assert!(known.all.contains(name), "{name}");
    }
}

#[test]
fn compose_builds_only_targets_that_there_are() {
    let compose = yaml("compose.yaml").swap_remove(0);
    for (name, service) in compose["services"].as_object().expect("services") {
        let Some(target) = service["build"]["target"].as_str() else {
            continue;
        };
        assert!(TARGETS.contains(&target), "{name}");
        assert_eq!(
            service["build"]["dockerfile"], "docker/Dockerfile",
            "{name}"
        );
        assert_eq!(service["image"], format!("iot-hub/{target}"), "{name}");
    }
}

#[test]
fn the_context_leaves_secrets_and_history_out() {
    let ignored = text(".dockerignore");
    for path in [".git", ".state", "**/*.key", "**/*.pem", "**/target"] {
        assert!(ignored.lines().any(|line| line == path), "{path}");
    }
}

#[test]
fn the_certificates_that_are_handed_out_are_those_that_are_read() {
    let script = text("docker/make-certs.sh");
    let handed = |folder: &str| -> Vec<String> {
        let lines = script
            .lines()
            .filter(|line| line.starts_with("install ") && line.ends_with(folder));
        lines
            .flat_map(str::split_whitespace)
            .filter(|word| word.contains(".pem") || word.contains(".key"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(
        handed("/out/broker"),
        [
            "device-trust.pem",
            "service-trust.pem",
            "broker.pem",
            "broker.key"
        ]
    );
    assert_eq!(
        handed("/out/api"),
        [
            "device-ca.pem",
            "root-ca.pem",
            "server-ca.pem",
            "device-ca.key"
        ]
    );
    for file in handed("/out/broker") {
        assert!(
            emqx_config::EMQX_5_8.contains(&format!("etc/certs/{file}")),
            "{file}"
        );
    }
    let compose = text("compose.yaml");
    for file in handed("/out/api") {
        assert!(
            compose.contains(&format!("/run/api-certs/{file}")),
            "{file}"
        );
    }
    assert!(!script.contains("root-ca.key /out"), "the root key stays");
}
