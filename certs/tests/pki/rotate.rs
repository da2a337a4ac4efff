//! Rotating an authority: by the library, by the command, and what OpenSSL says of both sides.

use std::fs;

use certs::folder::{INDEX_FILE, InitOptions};
use certs::{CaKind, Certificate, CrlSpec, DeviceSpec, IssuingCa, PkiFolder, PkiFolderError};
use serde_json::Value;
use time::Duration;

use crate::support::{Dir, NOW, rng};

fn folder(dir: &Dir) -> PkiFolder {
    let folder = PkiFolder::new(dir.join("pki"));
    folder
        .init(&InitOptions::default(), NOW, &mut rng(1))
        .expect("init");
    folder
}

fn issue(dir: &Dir, ca: &IssuingCa, id: &str, url: &str) -> Certificate {
    let url = url.parse().expect("url");
    let spec = DeviceSpec {
        device_id: id,
        days: 365,
        crl_url: Some(&url),
    };
    let csr = dir.csr(&["-subj", "/CN=whoever"]);
    ca.issue_device(&csr, &spec, NOW, &mut rng(7))
        .expect("certificate")
}

#[test]
fn devices_of_both_authorities_verify_against_the_bundle_and_their_own_lists() {
    let dir = Dir::new();
    let folder = folder(&dir);
    let old = folder.load_issuing(CaKind::Device).expect("old");
    let rotation = folder
        .rotate(CaKind::Device, &InitOptions::default(), NOW, &mut rng(2))
        .expect("rotates");
    assert_eq!(rotation.current.stem, "device-ca-2");
    assert_eq!(rotation.retired.len(), 1);
    let new = folder.load_issuing(CaKind::Device).expect("new");
    assert_ne!(old.key_identifier(), new.key_identifier());

    let at = NOW.unix_timestamp().to_string();
    for (ca, name) in [(&old, "old"), (&new, "new")] {
        let url = format!("http://crl.example.com/crl/{}/1.pem", ca.key_identifier());
        let leaf = issue(&dir, ca, name, &url);
        assert_eq!(leaf.crl_url().as_deref(), Some(url.as_str()));
        let shard = url.parse().expect("url");
        let spec = CrlSpec {
            number: 1,
            this_update: NOW,
            next_update: NOW + Duration::days(1),
            shard: Some(&shard),
        };
        let list = ca.sign_crl(&spec, Vec::new()).expect("list");
        assert_eq!(list.shard_url().as_deref(), Some(url.as_str()));
        dir.write("leaf.pem", leaf.pem());
        dir.write("list.pem", list.pem());
        let bundle = folder.path("device-trust.pem");
        let answer = dir.openssl(&[
            "verify",
            "-x509_strict",
            "-attime",
            &at,
            "-crl_check",
            "-CRLfile",
            "list.pem",
            "-CAfile",
            bundle.to_str().expect("UTF-8"),
            "leaf.pem",
        ]);
        assert!(answer.good(), "{name}: {}", answer.text);
    }
}

#[test]
fn the_index_tells_the_current_from_the_retired() {
    let dir = Dir::new();
    let folder = folder(&dir);
    for seed in [3, 4] {
        folder
            .rotate(CaKind::Device, &InitOptions::default(), NOW, &mut rng(seed))
            .expect("rotates");
    }
    let index = fs::read(folder.path(INDEX_FILE)).expect("reads");
    let index: Value = serde_json::from_slice(&index).expect("JSON");
    let of = |kind: &str| -> Vec<(String, String)> {
        let text = |entry: &Value, name: &str| entry[name].as_str().expect("text").to_owned();
        let entries = index["authorities"].as_array().expect("list");
        entries
            .iter()
            .filter(|entry| entry["kind"] == kind)
            .map(|entry| (text(entry, "certificateFile"), text(entry, "role")))
            .collect()
    };
    let pair = |file: &str, role: &str| (file.to_owned(), role.to_owned());
    assert_eq!(
        of("device"),
        [
            pair("device-ca.pem", "retired"),
            pair("device-ca-2.pem", "retired"),
            pair("device-ca-3.pem", "current"),
        ]
    );
    assert_eq!(of("root"), [pair("root-ca.pem", "current")]);
    let newest = folder.load_issuing(CaKind::Device).expect("newest");
    let listed = index["authorities"].as_array().expect("list");
    assert!(
        listed
            .iter()
            .any(|entry| entry["keyIdentifier"] == newest.key_identifier())
    );
    assert!(!index.to_string().contains("PRIVATE"));
}

#[test]
fn a_rotation_that_was_cut_off_is_finished_with_its_key() {
    let dir = Dir::new();
    let folder = folder(&dir);
    let rotate = |seed| folder.rotate(CaKind::Device, &InitOptions::default(), NOW, &mut rng(seed));
    let cut = rotate(5).expect("rotates").current;
    let key = fs::read(&cut.key).expect("reads");
    fs::remove_file(&cut.certificate).expect("removes");
    let again = rotate(6).expect("rotates").current;
    assert_eq!(again, cut);
    assert_eq!(fs::read(&cut.key).expect("reads"), key);
}

#[test]
fn without_an_authority_or_the_roots_key_nothing_is_rotated() {
    let dir = Dir::new();
    let empty = PkiFolder::new(dir.join("empty"));
    let refused = empty.rotate(CaKind::Device, &InitOptions::default(), NOW, &mut rng(8));
    assert!(matches!(refused, Err(PkiFolderError::NoAuthority { .. })));
    assert!(!dir.join("empty").exists());
    let folder = folder(&dir);
    fs::remove_file(folder.path("root-ca.key")).expect("removes");
    let refused = folder.rotate(CaKind::Device, &InitOptions::default(), NOW, &mut rng(9));
    assert!(
        matches!(refused, Err(PkiFolderError::NoKey { path }) if path.ends_with("root-ca.key"))
    );
}

#[test]
fn the_command_prints_what_to_set() {
    let dir = Dir::new();
    let certs = env!("CARGO_BIN_EXE_certs");
    let run = |arguments: &str| dir.run(certs, &arguments.split(' ').collect::<Vec<_>>());
    assert!(run("init --dir pki").good());
    let answer = run("rotate --dir pki --ca device");
    assert!(answer.good(), "{}", answer.text);
    for line in [
        "pki/device-trust.pem",
        "API_DEVICE_CA_CERT_FILE=pki/device-ca-2.pem",
        "API_DEVICE_CA_KEY_FILE=pki/device-ca-2.key",
        "API_DEVICE_CA_RETIRED_FILES=pki/device-ca.pem",
    ] {
        assert!(answer.text.contains(line), "{line}: {}", answer.text);
    }
    let answer = run("rotate --dir pki --ca server --json");
    let value: Value = serde_json::from_str(&answer.text).expect("JSON");
    assert_eq!(value["current"]["keyFile"], "pki/server-ca-2.key");
    assert_eq!(value["retired"][0]["certificateFile"], "pki/server-ca.pem");
}
