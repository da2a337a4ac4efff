//! The folder of PKI files: made once, kept, finished after a crash, rotated.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use certs::folder::{InitOptions, LeafOptions, Outcome, ReportedAs};
use certs::{CaKind, Certificate, PkiFolder, PkiFolderError, PrivateKey, ServerSpec, ServiceSpec};
use time::Duration;

use crate::support::{Dir, NOW, rng};

fn folder(dir: &Dir) -> PkiFolder {
    let folder = PkiFolder::new(dir.join("pki"));
    folder
        .init(&InitOptions::default(), NOW, &mut rng(1))
        .expect("init");
    folder
}

fn outcomes(folder: &PkiFolder, options: &InitOptions, seed: u64) -> BTreeMap<String, Outcome> {
    let steps = folder.init(options, NOW, &mut rng(seed)).expect("init");
    steps
        .into_iter()
        .map(|step| (step.file, step.outcome))
        .collect()
}

fn contents(folder: &PkiFolder) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder.dir())
        .expect("lists")
        .map(|entry| {
            let path = entry.expect("entry").path();
            let name = path
                .file_name()
                .expect("name")
                .to_string_lossy()
                .into_owned();
            (name, fs::read(path).expect("reads"))
        })
        .collect()
}

#[test]
fn init_makes_every_file_and_keeps_keys_to_their_owner() {
    let dir = Dir::new();
    let folder = folder(&dir);
    let files = contents(&folder);
    let mut expected = Vec::new();
    for stem in ["device-ca", "root-ca", "server-ca", "service-ca"] {
        expected.extend([format!("{stem}.key"), format!("{stem}.pem")]);
    }
    expected.extend(
        [
            "authorities.json",
            "device-trust.pem",
            "server-trust.pem",
            "service-trust.pem",
        ]
        .map(Into::into),
    );
    expected.sort();
    assert_eq!(files.keys().cloned().collect::<Vec<_>>(), expected);
    let mode = |name: &str| fs::metadata(folder.path(name)).expect("there").mode() & 0o7777;
    for name in files.keys() {
        assert_eq!(
            mode(name),
            if name.contains(".key") { 0o600 } else { 0o644 },
            "{name}"
        );
    }
    assert_eq!(
        fs::metadata(folder.dir()).expect("there").mode() & 0o7777,
        0o700
    );
}

#[test]
fn a_second_init_changes_nothing() {
    let dir = Dir::new();
    let folder = folder(&dir);
    let before = contents(&folder);
    let outcomes = outcomes(&folder, &InitOptions::default(), 2);
    assert!(
        outcomes.values().all(|outcome| *outcome == Outcome::Kept),
        "{outcomes:?}"
    );
    assert_eq!(contents(&folder), before);
}

#[test]
fn an_init_that_was_cut_off_is_finished_with_the_same_key() {
    let dir = Dir::new();
    let folder = folder(&dir);
    let key = fs::read(folder.path("device-ca.key")).expect("reads");
    fs::remove_file(folder.path("device-ca.pem")).expect("removes");
    let outcomes = outcomes(&folder, &InitOptions::default(), 3);
    assert_eq!(outcomes["device-ca"], Outcome::Finished);
    assert_eq!(outcomes["device-trust.pem"], Outcome::Updated);
    assert_eq!(outcomes["server-trust.pem"], Outcome::Kept);
    assert_eq!(fs::read(folder.path("device-ca.key")).expect("reads"), key);
    assert!(folder.load_issuing(CaKind::Device).is_ok());
}

#[test]
fn the_roots_key_may_be_away_until_an_authority_is_made() {
    let dir = Dir::new();
    let folder = folder(&dir);
    fs::remove_file(folder.path("root-ca.key")).expect("removes");
    let kept = outcomes(&folder, &InitOptions::default(), 4);
    assert_eq!(kept["root-ca"], Outcome::KeptWithoutKey);
    let add = InitOptions {
        add: vec![CaKind::Device],
        ..InitOptions::default()
    };
    let refused = folder
        .init(&add, NOW, &mut rng(5))
        .expect_err("needs the root");
    assert!(matches!(&refused, PkiFolderError::NoKey { path } if path.ends_with("root-ca.key")));
}

#[test]
fn a_rotation_trusts_both_authorities_and_issues_from_the_newer() {
    let dir = Dir::new();
    let folder = folder(&dir);
    let spec = ServiceSpec {
        name: "gateway",
        days: 30,
        crl_url: None,
    };
    let leaf = |stem, seed| {
        let options = LeafOptions { stem, renew: false };
        folder
            .service_leaf(options, &spec, NOW, &mut rng(seed))
            .expect("leaf")
            .certificate
    };
    let old = leaf("old", 6);
    let add = InitOptions {
        add: vec![CaKind::Service],
        ..InitOptions::default()
    };
    let outcomes = outcomes(&folder, &add, 7);
    assert_eq!(outcomes["service-ca-2"], Outcome::Made);
    assert_eq!(outcomes["service-trust.pem"], Outcome::Updated);
    let new = leaf("new", 8);
    assert_ne!(old.issuer(), new.issuer());
    let newest = folder.load_issuing(CaKind::Service).expect("newest");
    let first = folder
        .load_issuing_numbered(CaKind::Service, 1)
        .expect("first");
    assert!(new.is_issued_by(newest.certificate()) && old.is_issued_by(first.certificate()));
    let bundle = fs::read(folder.path("service-trust.pem")).expect("reads");
    assert_eq!(Certificate::read_all(&bundle).expect("bundle").len(), 3);
    let at = NOW.unix_timestamp().to_string();
    for leaf in ["old.pem", "new.pem"] {
        let bundle = folder.path("service-trust.pem");
        let file = folder.path(leaf);
        let answer = dir.openssl(&[
            "verify",
            "-x509_strict",
            "-attime",
            &at,
            "-purpose",
            "sslclient",
            "-CAfile",
            bundle.to_str().expect("UTF-8"),
            file.to_str().expect("UTF-8"),
        ]);
        assert!(answer.good(), "{}", answer.text);
    }
    let missing = folder
        .load_issuing_numbered(CaKind::Service, 3)
        .expect_err("no third");
    assert!(matches!(missing, PkiFolderError::NoAuthority { .. }));
}

#[test]
fn a_folder_takes_a_limited_number_of_authorities() {
    let dir = Dir::new();
    let folder = folder(&dir);
    let add = |count| InitOptions {
        add: vec![CaKind::Device; count],
        ..InitOptions::default()
    };
    folder.init(&add(31), NOW, &mut rng(9)).expect("32 in all");
    let refused = folder
        .init(&add(1), NOW, &mut rng(10))
        .expect_err("one too many");
    assert!(matches!(refused, PkiFolderError::TooMany));
    assert_eq!(folder.authorities(CaKind::Device).len(), 32);
}

#[test]
fn a_kept_leaf_must_still_do_and_renewing_keeps_its_key() {
    let dir = Dir::new();
    let folder = folder(&dir);
    let names = ["localhost", "127.0.0.1"].map(|name| name.parse().expect("name"));
    let more = ["localhost", "other"].map(|name| name.parse().expect("name"));
    let spec = ServerSpec {
        names: &names,
        days: 30,
    };
    let options = LeafOptions {
        stem: "broker",
        renew: false,
    };
    let made = folder
        .server_leaf(options, &spec, NOW, &mut rng(11))
        .expect("made");
    assert_eq!(made.outcome, Outcome::Made);
    assert_eq!(
        fs::metadata(&made.key_file).expect("there").mode() & 0o7777,
        0o600
    );
    let chain = fs::read(&made.certificate_file).expect("reads");
    assert_eq!(Certificate::read_all(&chain).expect("chain").len(), 2);

    let kept = folder
        .server_leaf(options, &spec, NOW, &mut rng(12))
        .expect("kept");
    assert_eq!(
        (kept.outcome, kept.certificate),
        (Outcome::Kept, made.certificate.clone())
    );
    let fewer = ServerSpec {
        names: &names[..1],
        days: 30,
    };
    assert!(
        folder
            .server_leaf(options, &fewer, NOW, &mut rng(12))
            .is_ok()
    );
    let other = ServerSpec {
        names: &more,
        days: 30,
    };
    let refused = folder
        .server_leaf(options, &other, NOW, &mut rng(12))
        .expect_err("names");
    assert!(refused.to_string().contains("--renew"), "{refused}");
    let later = NOW + Duration::days(31);
    let refused = folder
        .server_leaf(options, &spec, later, &mut rng(12))
        .expect_err("ended");
    assert!(matches!(refused, PkiFolderError::LeafEnded { .. }));

    let renew = LeafOptions {
        renew: true,
        ..options
    };
    let renewed = folder
        .server_leaf(renew, &other, later, &mut rng(13))
        .expect("renewed");
    assert_eq!(renewed.outcome, Outcome::Updated);
    assert_eq!(
        renewed.certificate.public_key(),
        made.certificate.public_key()
    );
    assert_eq!(
        renewed.certificate.alternative_names(),
        ["localhost", "other"]
    );

    fs::remove_file(&made.key_file).expect("removes");
    let kept = folder
        .server_leaf(options, &other, later, &mut rng(14))
        .expect("kept");
    assert_eq!(kept.outcome, Outcome::KeptWithoutKey);
    let refused = folder
        .server_leaf(renew, &other, later, &mut rng(14))
        .expect_err("no key");
    assert!(matches!(refused, PkiFolderError::NoKey { .. }));
    PrivateKey::generate(&mut rng(15))
        .create_file(&made.key_file)
        .expect("another key");
    let refused = folder
        .server_leaf(options, &other, later, &mut rng(16))
        .expect_err("key");
    assert!(matches!(refused, PkiFolderError::LeafKey { .. }));
}

#[test]
fn an_empty_folder_says_how_to_begin() {
    let dir = Dir::new();
    let folder = PkiFolder::new(dir.path());
    let refused = folder
        .load_issuing(CaKind::Device)
        .expect_err("nothing there")
        .to_string();
    assert!(refused.contains("certs init --dir"), "{refused}");
}

#[test]
fn the_report_lists_what_ends_next_first_and_leaves_bundles_out() {
    let dir = Dir::new();
    let folder = folder(&dir);
    let spec = ServiceSpec {
        name: "gateway",
        days: 30,
        crl_url: None,
    };
    let options = LeafOptions {
        stem: "svc-gateway",
        renew: false,
    };
    folder
        .service_leaf(options, &spec, NOW, &mut rng(17))
        .expect("leaf");
    fs::write(folder.path("notes.pem"), "nothing").expect("writes");
    let report = folder.report().expect("report");
    let files: Vec<_> = report.iter().map(|line| line.file.as_str()).collect();
    let expected = [
        "svc-gateway.pem",
        "device-ca.pem",
        "server-ca.pem",
        "service-ca.pem",
        "root-ca.pem",
    ];
    assert_eq!(files, expected);
    assert_eq!(report[0].what, ReportedAs::Leaf);
    assert_eq!(report[1].what, ReportedAs::Authority);
    assert_eq!(report[0].ends, NOW + Duration::days(30));
}
