//! The command, run as people and scripts run it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use certs::{Fingerprint, RevocationList};
use serde_json::Value;

use crate::support::{Answer, Dir};

const CERTS: &str = env!("CARGO_BIN_EXE_certs");

fn certs(dir: &Dir, arguments: &str) -> Answer {
    dir.run(CERTS, &arguments.split(' ').collect::<Vec<_>>())
}

fn good(dir: &Dir, arguments: &str) -> String {
    let answer = certs(dir, arguments);
    assert!(answer.good(), "certs {arguments}: {}", answer.text);
    answer.text
}

fn json(dir: &Dir, arguments: &str) -> Value {
    serde_json::from_str(&good(dir, &format!("{arguments} --json"))).expect("JSON")
}

fn with_csr() -> Dir {
    let dir = Dir::new();
    dir.csr(&["-subj", "/CN=whoever"]);
    dir
}

#[test]
fn every_command_explains_itself() {
    let dir = Dir::new();
    let overview = good(&dir, "--help");
    for command in [
        "init",
        "rotate",
        "broker",
        "service",
        "device",
        "crl",
        "fingerprint",
        "check-csr",
        "report",
    ] {
        assert!(overview.contains(command), "{overview}");
        let help = good(&dir, &format!("{command} --help"));
        assert!(help.contains("Usage: certs"), "{help}");
    }
    assert!(good(&dir, "--version").starts_with("certs "));
}

#[test]
fn bad_usage_ends_with_64() {
    let dir = Dir::new();
    for arguments in [
        "nonsense",
        "init",
        "init --dir a --root-days 0",
        "init --dir a --root-days 9132",
        "init --dir a --add router",
        "rotate --dir a",
        "rotate --dir a --ca root",
        "rotate --dir a --ca device --ca-days 0",
        "init --dir a --organization a,CN=b",
        "broker --dir a",
        "broker --dir a --name a_b",
        "broker --dir a --name localhost --out ../x",
        "broker --dir a --name localhost --out device-ca",
        "broker --dir a --name localhost --days 3651",
        "service --dir a --name Gateway",
        "service --dir a --name a --crl-url https://crl/x",
        "device --dir a --csr csr --device-id a.b",
        "crl --dir a --issuer device --out x --revoked nonsense",
        "crl --dir a --issuer device --out x --revoked 1:nonsense",
    ] {
        let answer = certs(&dir, arguments);
        assert_eq!(answer.code, 64, "certs {arguments}: {}", answer.text);
    }
    assert_eq!(
        fs::read_dir(dir.path()).expect("lists").count(),
        0,
        "nothing was made"
    );
}

#[test]
fn a_key_that_others_can_read_ends_with_78_and_the_mend() {
    let dir = Dir::new();
    good(&dir, "init --dir pki");
    let key = dir.join("pki/server-ca.key");
    fs::set_permissions(&key, Permissions::from_mode(0o640)).expect("chmod");
    let answer = certs(&dir, "broker --dir pki --name localhost");
    assert_eq!(answer.code, 78, "{}", answer.text);
    assert!(
        answer.text.contains("chmod 600 pki/server-ca.key"),
        "{}",
        answer.text
    );
    assert!(!dir.join("pki/broker.key").exists());
    assert_eq!(certs(&dir, "init --dir pki").code, 78);
    assert_eq!(certs(&dir, "service --dir empty --name a").code, 78);
}

#[test]
fn init_says_what_it_made_and_what_it_kept() {
    let dir = Dir::new();
    let outcomes = |value: &Value| {
        let steps = value["steps"].as_array().expect("steps").clone();
        steps
            .iter()
            .map(|step| step["outcome"].as_str().expect("word").to_owned())
            .collect()
    };
    let first: Vec<String> = outcomes(&json(&dir, "init --dir pki"));
    assert_eq!(first, ["made"; 8]);
    let second: Vec<String> = outcomes(&json(&dir, "init --dir pki --add device"));
    assert_eq!(
        second,
        [
            "kept", "kept", "kept", "kept", "made", "updated", "kept", "kept", "updated"
        ]
    );
}

#[test]
fn a_broker_and_a_service_client_are_made_once_and_kept() {
    let dir = Dir::new();
    good(&dir, "init --dir pki");
    let broker = "broker --dir pki --name localhost --name 127.0.0.1";
    assert_eq!(json(&dir, broker)["outcome"], "made");
    assert_eq!(json(&dir, broker)["outcome"], "kept");
    let answer = certs(&dir, "broker --dir pki --name other");
    assert!(
        answer.code == 78 && answer.text.contains("--renew"),
        "{}",
        answer.text
    );
    assert_eq!(
        json(&dir, "broker --dir pki --name other --renew")["outcome"],
        "updated"
    );
    let service = json(&dir, "service --dir pki --name gateway");
    assert_eq!(service["subject"], "CN=svc.gateway");
    assert_eq!(service["keyFile"], "pki/svc-gateway.key");
    let printed = good(&dir, "fingerprint pki/svc-gateway.pem");
    assert_eq!(printed.trim(), service["fingerprint"]);
    let answer = dir.openssl(&[
        "verify",
        "-x509_strict",
        "-purpose",
        "sslserver",
        "-CAfile",
        "pki/server-trust.pem",
        "pki/broker.pem",
    ]);
    assert!(answer.good(), "{}", answer.text);
}

#[test]
fn a_device_certificate_is_issued_once_and_revoked_by_a_list() {
    let dir = with_csr();
    good(&dir, "init --dir pki");
    let issue = "device --dir pki --csr csr --device-id dev-1 --crl-url http://crl/device.pem";
    let issued = json(&dir, issue);
    assert_eq!(issued["certificateFile"], "pki/device-dev-1.pem");
    assert!(Fingerprint::parse(issued["fingerprint"].as_str().expect("text")).is_ok());
    let again = certs(&dir, issue);
    assert!(
        again.code == 1 && again.text.contains("--out"),
        "{}",
        again.text
    );

    let verify = |list: &str| {
        dir.openssl(&[
            "verify",
            "-x509_strict",
            "-purpose",
            "sslclient",
            "-crl_check",
            "-CRLfile",
            list,
            "-CAfile",
            "pki/device-trust.pem",
            "pki/device-dev-1.pem",
        ])
    };
    good(&dir, "crl --dir pki --issuer device --out list.pem");
    assert!(verify("list.pem").good());
    let serial = issued["serial"].as_str().expect("text");
    let revoke =
        format!("crl --dir pki --issuer device --revoked {serial}:keyCompromise --out list.pem");
    let list = json(&dir, &revoke);
    assert_eq!((&list["number"], &list["entries"]), (&2.into(), &1.into()));
    assert!(verify("list.pem").text.contains("certificate revoked"));

    dir.write(
        "serials",
        format!("# lost\n\n{serial}:superseded # again\n0a:0b\n7\n"),
    );
    good(
        &dir,
        "crl --dir pki --issuer device --list serials --out list.der --der --number 9",
    );
    let read = RevocationList::parse(&dir.read("list.der")).expect("DER");
    assert_eq!((read.number(), read.entries().count()), (Some(9), 3));
    assert_eq!(dir.read("list.der")[0], 0x30);
}

#[test]
fn a_list_counts_on_keeps_dates_and_never_goes_back() {
    let dir = Dir::new();
    good(&dir, "init --dir pki");
    let crl = "crl --dir pki --issuer service --revoked 0A --out list.pem";
    let read = || RevocationList::parse(&dir.read("list.pem")).expect("list");
    good(&dir, &format!("{crl} --number 41"));
    let first = read().entries().next().expect("an entry").at;
    good(&dir, &format!("{crl} --revoked 0B:superseded"));
    assert_eq!(read().number(), Some(42));
    assert_eq!(read().entries().next().expect("an entry").at, first);
    assert_eq!(certs(&dir, &format!("{crl} --number 42")).code, 1);
    dir.write("list.pem", "precious");
    assert_eq!(certs(&dir, crl).code, 1);
    assert_eq!(dir.read("list.pem"), b"precious");
    dir.write("serials", "0A\nnonsense\n");
    let refused = certs(
        &dir,
        "crl --dir pki --issuer root --list serials --out root.pem",
    );
    assert!(
        refused.code == 1 && refused.text.contains("line 2"),
        "{}",
        refused.text
    );
}

#[test]
fn a_request_is_judged_with_a_code() {
    let dir = with_csr();
    assert_eq!(json(&dir, "check-csr csr")["good"], true);
    dir.write("bad", "hello");
    let answer = certs(&dir, "check-csr bad --json");
    assert_eq!(answer.code, 1);
    let value: Value = serde_json::from_str(&answer.text).expect("JSON");
    assert_eq!(value["code"], "csr_not_a_request");
    assert_eq!(certs(&dir, "check-csr missing").code, 1);
    let refused = certs(&dir, "device --dir pki --csr bad --device-id d");
    assert!(
        refused.code == 1 && refused.text.contains("PKCS#10"),
        "{}",
        refused.text
    );
}

#[test]
fn the_report_can_fail_a_script() {
    let dir = Dir::new();
    good(&dir, "init --dir pki");
    good(&dir, "broker --dir pki --name localhost --days 10");
    assert!(good(&dir, "report --dir pki").contains("broker.pem"));
    assert!(certs(&dir, "report --dir pki --fail-within 9").good());
    assert_eq!(certs(&dir, "report --dir pki --fail-within 11").code, 1);
    assert_eq!(json(&dir, "report --dir pki")[0]["what"], "leaf");
}
