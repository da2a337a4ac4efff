//! Key files: who may read them, and what is refused.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use certs::key::MAX_KEY_FILE_BYTES;
use certs::{AuthorityError, CaKind, IssuingCa, KeyError, KeyFileError, PrivateKey};

use crate::support::{Dir, Pki, rng};

fn key_file(dir: &Dir) -> std::path::PathBuf {
    let path = dir.join("a.key");
    PrivateKey::generate(&mut rng(1))
        .create_file(&path)
        .expect("a new file");
    path
}

#[test]
fn a_key_file_is_made_for_its_owner_alone_and_never_overwritten() {
    let dir = Dir::new();
    let path = key_file(&dir);
    let before = fs::read(&path).expect("reads");
    assert_eq!(fs::metadata(&path).expect("there").mode() & 0o7777, 0o600);
    let again = PrivateKey::generate(&mut rng(2)).create_file(&path);
    assert!(
        matches!(again, Err(KeyFileError::Exists { .. })),
        "{again:?}"
    );
    assert_eq!(fs::read(&path).expect("reads"), before);
    assert_eq!(
        fs::read_dir(dir.path()).expect("lists").count(),
        1,
        "no temporary file is left"
    );
}

#[test]
fn a_key_file_that_others_can_use_is_refused_with_the_mend() {
    let dir = Dir::new();
    let path = key_file(&dir);
    for mode in [0o640, 0o604, 0o620, 0o601, 0o644, 0o777] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("chmod");
        let refused = PrivateKey::read_file(&path)
            .expect_err("refused")
            .to_string();
        assert!(refused.contains(&format!("mode {mode:04o}")), "{refused}");
        assert!(
            refused.contains(&format!("chmod 600 {}", path.display())),
            "{refused}"
        );
    }
    for mode in [0o600, 0o400] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("chmod");
        assert!(PrivateKey::read_file(&path).is_ok());
    }
}

#[test]
fn a_link_is_followed_and_the_file_behind_it_is_judged() {
    let dir = Dir::new();
    let path = key_file(&dir);
    let link = dir.join("link.key");
    symlink(&path, &link).expect("link");
    assert!(PrivateKey::read_file(&link).is_ok());
    fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("chmod");
    assert!(matches!(
        PrivateKey::read_file(&link),
        Err(KeyFileError::Readable { .. })
    ));
}

#[test]
fn what_is_no_regular_file_or_too_large_is_refused() {
    let dir = Dir::new();
    let refused = PrivateKey::read_file(dir.path());
    assert!(
        matches!(refused, Err(KeyFileError::NotAFile { .. })),
        "{refused:?}"
    );
    let made = dir.run("mkfifo", &["-m", "600", "pipe"]);
    assert!(made.good(), "{}", made.text);
    let refused = PrivateKey::read_file(&dir.join("pipe"));
    assert!(
        matches!(refused, Err(KeyFileError::NotAFile { .. })),
        "{refused:?}"
    );
    let path = key_file(&dir);
    let size = usize::try_from(MAX_KEY_FILE_BYTES).expect("small");
    for (bytes, too_large) in [(size, false), (size + 1, true)] {
        fs::write(&path, "x".repeat(bytes)).expect("writes");
        let refused = PrivateKey::read_file(&path).expect_err("no key");
        assert_eq!(
            matches!(refused, KeyFileError::TooLarge { .. }),
            too_large,
            "{refused}"
        );
    }
    let missing = PrivateKey::read_file(&dir.join("missing"));
    assert!(matches!(missing, Err(KeyFileError::Io { .. })));
}

#[test]
fn keys_that_openssl_wrote_are_read_and_other_kinds_are_refused() {
    let dir = Dir::new();
    let make = |arguments: &[&str]| {
        let made = dir.openssl(&[arguments, &["-out", "made.key"]].concat());
        assert!(made.good(), "{}", made.text);
        fs::set_permissions(dir.join("made.key"), Permissions::from_mode(0o600)).expect("chmod");
        PrivateKey::read_file(&dir.join("made.key"))
    };
    let p256 = [
        "genpkey",
        "-algorithm",
        "EC",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ];
    assert!(make(&p256).is_ok());
    let encrypted = [&p256, ["-aes256", "-pass", "pass:x"].as_slice()].concat();
    let kind = |result: Result<PrivateKey, KeyFileError>| match result {
        Err(KeyFileError::Key { error, .. }) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(kind(make(&encrypted)), KeyError::Encrypted);
    let sec1 = ["ecparam", "-name", "prime256v1", "-genkey", "-noout"];
    assert_eq!(kind(make(&sec1)), KeyError::NotPkcs8);
    assert_eq!(
        kind(make(&["genpkey", "-algorithm", "ED25519"])),
        KeyError::NotP256
    );
    let p384 = [
        "genpkey",
        "-algorithm",
        "EC",
        "-pkeyopt",
        "ec_paramgen_curve:P-384",
    ];
    assert_eq!(kind(make(&p384)), KeyError::NotP256);
}

#[test]
fn a_certificate_and_a_key_that_are_no_authority_together_are_refused() {
    let pki = Pki::new();
    let dir = &pki.dir;
    let key = key_file(dir);
    dir.write("device.pem", pki.device.certificate().pem());
    let refused = IssuingCa::load(CaKind::Device, &dir.join("device.pem"), &key);
    assert!(
        matches!(refused, Err(AuthorityError::Mismatch { .. })),
        "{refused:?}"
    );

    let leaf_key = PrivateKey::generate(&mut rng(5));
    let leaf = pki.server_certificate(&["localhost"]);
    let refused = IssuingCa::from_pem(CaKind::Server, &leaf.pem(), &leaf_key.to_pkcs8_pem());
    assert!(
        matches!(refused, Err(AuthorityError::NotAnAuthority { .. })),
        "{refused:?}"
    );

    dir.write("empty.pem", "");
    let refused = IssuingCa::load(CaKind::Device, &dir.join("empty.pem"), &key);
    assert!(
        matches!(refused, Err(AuthorityError::CertificateFile { .. })),
        "{refused:?}"
    );
    let refused = IssuingCa::load(CaKind::Device, &dir.join("missing.pem"), &key);
    assert!(
        refused
            .expect_err("missing")
            .to_string()
            .contains("missing.pem")
    );
}

#[test]
fn an_authority_never_shows_its_key() {
    let pki = Pki::new();
    let shown = format!("{:?} {:?}", pki.device, pki.root);
    assert!(shown.contains("PrivateKey(not shown)"), "{shown}");
    assert!(
        !shown.contains("SigningKey") && !shown.contains("BEGIN"),
        "{shown}"
    );
}
