//! What certificates say, read by OpenSSL.

use certs::{CaKind, Certificate, CrlUrl, DeviceSpec, PrivateKey};
use time::Duration;

use crate::support::{NOW, Pki, rng};

fn text(pki: &Pki, certificate: &Certificate) -> String {
    pki.dir.write("shown.pem", certificate.pem());
    let options = [
        "x509",
        "-in",
        "shown.pem",
        "-noout",
        "-text",
        "-nameopt",
        "RFC2253",
    ];
    let answer = pki.dir.openssl(&options);
    assert!(answer.good(), "{}", answer.text);
    answer.text
}

/// The lines of an extension, without the spaces around them.
fn extension(text: &str, name: &str) -> String {
    let mut lines = text
        .lines()
        .map(str::trim)
        .skip_while(|line| !line.starts_with(name));
    let head = lines.next().unwrap_or_default();
    let critical = if head.ends_with("critical") {
        "critical, "
    } else {
        ""
    };
    format!("{critical}{}", lines.next().unwrap_or_default())
}

#[test]
fn every_leaf_stands_strict_verification_for_its_purpose_and_for_no_other() {
    let pki = Pki::new();
    let device = pki.device_certificate("dev-1", None);
    let service = pki.service_certificate("gateway");
    let server = pki.server_certificate(&["localhost"]);
    for (authority, leaf, right, wrong) in [
        ("device", &device, "sslclient", "sslserver"),
        ("service", &service, "sslclient", "sslserver"),
        ("server", &server, "sslserver", "sslclient"),
    ] {
        let answer = pki.verify(authority, leaf, &["-purpose", right]);
        assert!(answer.good(), "{authority}: {}", answer.text);
        let answer = pki.verify(authority, leaf, &["-purpose", wrong]);
        assert!(
            answer.text.contains("unsuitable certificate purpose"),
            "{}",
            answer.text
        );
    }
}

#[test]
fn a_leaf_of_one_authority_is_not_taken_under_another() {
    let pki = Pki::new();
    let device = pki.device_certificate("dev-1", None);
    assert!(!pki.verify("service", &device, &[]).good());
    assert!(device.is_issued_by(pki.device.certificate()));
    assert!(!device.is_issued_by(pki.service.certificate()));
}

#[test]
fn a_device_certificate_says_exactly_what_was_decided() {
    let pki = Pki::new();
    let url: CrlUrl = "http://crl.example/device.pem".parse().expect("url");
    let certificate = pki.device_certificate("dev-1", Some(&url));
    let text = text(&pki, &certificate);
    assert!(text.contains("Subject: CN=dev-1\n"), "{text}");
    assert_eq!(
        extension(&text, "X509v3 Basic Constraints"),
        "critical, CA:FALSE"
    );
    assert_eq!(
        extension(&text, "X509v3 Key Usage"),
        "critical, Digital Signature"
    );
    assert_eq!(
        extension(&text, "X509v3 Extended Key Usage"),
        "TLS Web Client Authentication"
    );
    let san = extension(&text, "X509v3 Subject Alternative Name");
    assert_eq!(san, "URI:urn:iot-hub:device:dev-1");
    assert!(text.contains("URI:http://crl.example/device.pem"), "{text}");
    assert!(text.contains("X509v3 Subject Key Identifier"), "{text}");
    assert!(text.contains("X509v3 Authority Key Identifier"), "{text}");
    assert_eq!(
        text.matches("X509v3 ").count() - 1,
        7,
        "no further extension: {text}"
    );
    assert_eq!(certificate.not_before(), NOW - Duration::HOUR);
    assert_eq!(certificate.not_after(), NOW + Duration::days(365));
    assert_eq!(certificate.serial().as_bytes().len(), 16);
}

#[test]
fn a_foreign_subject_and_foreign_extensions_of_a_request_are_not_taken_over() {
    let pki = Pki::new();
    let csr = pki.dir.csr(&[
        "-subj",
        "/CN=victim/O=Evil",
        "-addext",
        "subjectAltName=DNS:broker.example,URI:urn:iot-hub:device:victim",
        "-addext",
        "basicConstraints=critical,CA:TRUE",
        "-addext",
        "extendedKeyUsage=serverAuth",
    ]);
    let spec = DeviceSpec {
        device_id: "dev-1",
        days: 1,
        crl_url: None,
    };
    let issued = pki
        .device
        .issue_device(&csr, &spec, NOW, &mut rng(9))
        .expect("issued");
    let text = text(&pki, &issued);
    for foreign in [
        "victim",
        "Evil",
        "broker.example",
        "CA:TRUE",
        "Server Authentication",
    ] {
        assert!(!text.contains(foreign), "{foreign}: {text}");
    }
    assert_eq!(issued.common_name().as_deref(), Some("dev-1"));
    assert_eq!(issued.alternative_names(), ["urn:iot-hub:device:dev-1"]);
    assert_eq!(issued.public_key().as_ref(), Ok(csr.public_key()));
}

#[test]
fn authorities_can_sign_and_nothing_can_stand_below_an_issuing_one() {
    let pki = Pki::new();
    for ca in [&pki.device, &pki.service, &pki.server] {
        let text = text(&pki, ca.certificate());
        assert_eq!(
            extension(&text, "X509v3 Basic Constraints"),
            "critical, CA:TRUE, pathlen:0"
        );
        assert_eq!(
            extension(&text, "X509v3 Key Usage"),
            "critical, Certificate Sign, CRL Sign"
        );
        assert!(!text.contains("Extended Key Usage"), "{text}");
        assert!(ca.certificate().is_issued_by(pki.root.certificate()));
        assert!(ca.certificate().is_ca());
    }
    assert!(!pki.device_certificate("dev-1", None).is_ca());
}

#[test]
fn authorities_of_a_kind_have_names_of_their_own() {
    let pki = Pki::new();
    let key = PrivateKey::generate(&mut rng(10));
    let second = pki
        .root
        .issue_authority(CaKind::Device, key, "IoT Hub", 10, NOW, &mut rng(11))
        .expect("a second device authority");
    assert_ne!(
        second.certificate().subject(),
        pki.device.certificate().subject()
    );
    assert_ne!(second.key_identifier(), pki.device.key_identifier());
}

#[test]
fn a_server_certificate_answers_to_all_its_names_and_to_no_other() {
    let pki = Pki::new();
    let certificate = pki.server_certificate(&["localhost", "*.example.com", "127.0.0.1", "::1"]);
    for good in [
        ["-verify_hostname", "localhost"],
        ["-verify_hostname", "a.example.com"],
        ["-verify_ip", "127.0.0.1"],
        ["-verify_ip", "::1"],
    ] {
        let answer = pki.verify("server", &certificate, &good);
        assert!(answer.good(), "{good:?}: {}", answer.text);
    }
    assert!(
        !pki.verify("server", &certificate, &["-verify_hostname", "other"])
            .good()
    );
    assert!(
        !pki.verify("server", &certificate, &["-verify_ip", "127.0.0.2"])
            .good()
    );
}

#[test]
fn a_service_certificate_names_its_client() {
    let certificate = Pki::new().service_certificate("gateway");
    assert_eq!(certificate.subject(), "CN=svc.gateway");
    assert_eq!(
        certificate.alternative_names(),
        ["urn:iot-hub:service:gateway"]
    );
}

#[test]
fn time_and_randomness_come_from_the_arguments_alone() {
    let pki = Pki::new();
    let csr = pki.dir.csr(&["-subj", "/"]);
    let spec = DeviceSpec {
        device_id: "d",
        days: 1,
        crl_url: None,
    };
    let issue = |seed| {
        pki.device
            .issue_device(&csr, &spec, NOW, &mut rng(seed))
            .expect("issued")
    };
    assert_eq!(issue(1).der(), issue(1).der());
    assert_ne!(issue(1).serial(), issue(2).serial());
    assert_ne!(issue(1).fingerprint(), issue(2).fingerprint());
}

#[test]
fn the_fingerprint_is_the_one_that_openssl_prints() {
    let pki = Pki::new();
    let certificate = pki.device_certificate("dev-1", None);
    pki.dir.write("leaf.pem", certificate.pem());
    let answer = pki.dir.openssl(&[
        "x509",
        "-in",
        "leaf.pem",
        "-noout",
        "-fingerprint",
        "-sha256",
    ]);
    let shown = answer.text.trim().rsplit('=').next().expect("a value");
    assert_eq!(shown, certificate.fingerprint().to_string());
    let answer = pki
        .dir
        .openssl(&["x509", "-in", "leaf.pem", "-noout", "-serial"]);
    assert_eq!(
        answer.text.trim(),
        format!("serial={}", certificate.serial())
    );
}

#[test]
fn only_a_clients_leaf_is_one() {
    let pki = Pki::new();
    assert!(pki.device_certificate("dev-1", None).is_client_leaf());
    assert!(!pki.server_certificate(&["localhost"]).is_client_leaf());
    assert!(!pki.root.certificate().is_client_leaf());
}

/// A certificate that a stranger shows may be anything: whatever is asked of it, nothing breaks.
#[test]
fn whatever_is_asked_of_a_damaged_certificate_is_answered() {
    let pki = Pki::new();
    let whole = pki.device_certificate("dev-1", None);
    for at in 0..whole.der().len() {
        for damage in [0x01, 0x80, 0xFF] {
            let mut der = whole.der().to_vec();
            der[at] ^= damage;
            let Ok(damaged) = Certificate::from_der(&der) else {
                continue;
            };
            let _ = (damaged.subject(), damaged.issuer(), damaged.common_name());
            let _ = (damaged.not_before(), damaged.not_after());
            let _ = (damaged.alternative_names(), damaged.crl_url());
            let _ = (damaged.is_ca(), damaged.is_client_leaf());
            assert_ne!(damaged.fingerprint(), whole.fingerprint());
        }
    }
}
