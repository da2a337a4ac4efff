//! The binary: address file, exit codes, sentences.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use reqwest::StatusCode;
use serde_json::Value;

use crate::support::api::Api;
use crate::support::pki::pki;
use crate::support::until;

const BINARY: &str = env!("CARGO_BIN_EXE_dev-broker");

fn key_file(folder: &Path) -> String {
    let file = folder.join("api-key");
    std::fs::write(&file, "key:secret:administrator\n").expect("written");
    file.display().to_string()
}

fn run(arguments: &[&str]) -> Output {
    Command::new(BINARY)
        .args(arguments)
        .output()
        .expect("the binary runs")
}

#[tokio::test]
async fn it_writes_its_addresses_once_it_listens_and_stops_when_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let addresses = folder.path().join("addresses.json");
    let certs = pki().folder.display().to_string();
    let mut child = tokio::process::Command::new(BINARY)
        .args([
            "--certs",
            &certs,
            "--api-key-file",
            &key_file(folder.path()),
        ])
        .args([
            "--hook-url",
            "http://127.0.0.1:1",
            "--listen",
            "devices=127.0.0.1:0",
        ])
        .args([
            "--listen",
            "ssl:service=127.0.0.1:0",
            "--listen",
            "people=127.0.0.1:0",
        ])
        .arg("--address-file")
        .arg(&addresses)
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary runs");
    until("the address file is there", async || addresses.exists()).await;
    let text = std::fs::read_to_string(&addresses).expect("readable");
    let bound: Value = serde_json::from_str(&text).expect("JSON");
    for name in ["devices", "services", "people", "api"] {
        assert!(bound[name].is_string(), "{name} is not in {text}");
    }
    let api = bound["api"]
        .as_str()
        .expect("text")
        .parse()
        .expect("an address");
    assert_eq!(Api::new(api).get("/nodes").await.0, StatusCode::OK);
    let id = child.id().expect("it runs").to_string();
    // The shell's own `kill`: a small machine has no program of that name.
    let killed = Command::new("sh")
        .args(["-c", "kill -TERM \"$0\"", &id])
        .status()
        .expect("kill runs");
    assert!(killed.success());
    let status = child.wait().await.expect("it ends");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn bad_usage_is_64_and_bad_configuration_is_78_with_a_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = key_file(folder.path());
    let certs = pki().folder.display().to_string();
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "\n").expect("written");
    let empty = empty.display().to_string();
    let rows: [(&[&str], i32, &str); 6] = [
        (&[], 64, "--certs"),
        (
            &[
                "--certs",
                &certs,
                "--api-key-file",
                &key,
                "--listen",
                "devices",
            ],
            64,
            "name=address",
        ),
        (
            &["--certs", &certs, "--api-key-file", &key, "--log", "a=b=c"],
            64,
            "--log",
        ),
        (
            &["--certs", &certs, "--api-key-file", &empty],
            78,
            "key:secret",
        ),
        (
            &["--certs", "nowhere", "--api-key-file", &key],
            78,
            "device-trust.pem",
        ),
        (
            &["--certs", &certs, "--api-key-file", &key, "--conf", &empty],
            78,
            "authorization",
        ),
    ];
    for (arguments, code, sentence) in rows {
        let output = run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(sentence), "`{sentence}` is not in: {said}");
        assert!(!said.contains("secret:admin"), "the key is shown");
    }
}
