//! What is never issued: beyond an issuer's end, by another kind, outside of a limit.

use certs::{
    CaKind, DeviceSpec, IssueError, NameError, PrivateKey, RootCa, ServerName, ServerSpec,
    ServiceSpec,
};
use time::Duration;

use crate::support::{NOW, Pki, rng};

#[test]
fn a_leaf_never_outlives_its_issuer() {
    let pki = Pki::new();
    let key = PrivateKey::generate(&mut rng(12));
    let short = pki
        .root
        .issue_authority(CaKind::Device, key, "IoT Hub", 10, NOW, &mut rng(13))
        .expect("authority");
    let csr = pki.dir.csr(&["-subj", "/"]);
    let spec = DeviceSpec {
        device_id: "d",
        days: 365,
        crl_url: None,
    };
    let issued = short
        .issue_device(&csr, &spec, NOW, &mut rng(14))
        .expect("issued");
    assert_eq!(issued.not_after(), short.certificate().not_after());
    let after = short.certificate().not_after() + Duration::SECOND;
    let refused = short.issue_device(&csr, &spec, after, &mut rng(14));
    assert!(
        matches!(refused, Err(IssueError::IssuerExpired { .. })),
        "{refused:?}"
    );
    let before = NOW - Duration::hours(2);
    let refused = short.issue_device(&csr, &spec, before, &mut rng(14));
    assert!(
        matches!(refused, Err(IssueError::IssuerNotYetValid { .. })),
        "{refused:?}"
    );
}

#[test]
fn an_authority_never_outlives_the_root() {
    let key = PrivateKey::generate(&mut rng(15));
    let root = RootCa::create(key, "IoT Hub", 30, NOW, &mut rng(16)).expect("root");
    let key = PrivateKey::generate(&mut rng(17));
    let issued = root
        .issue_authority(CaKind::Server, key, "IoT Hub", 3_650, NOW, &mut rng(18))
        .expect("ca");
    assert_eq!(
        issued.certificate().not_after(),
        root.certificate().not_after()
    );
}

#[test]
fn an_authority_that_ends_after_2049_stands_strict_verification() {
    let pki = Pki::new();
    let key = PrivateKey::generate(&mut rng(19));
    let root = RootCa::create(key, "IoT Hub", 9_131, NOW, &mut rng(20)).expect("root");
    assert_eq!(root.certificate().not_after().year(), 2051);
    pki.dir.write("root.pem", root.certificate().pem());
    let at = NOW.unix_timestamp().to_string();
    let fixed = [
        "verify",
        "-x509_strict",
        "-check_ss_sig",
        "-attime",
        &at,
        "-CAfile",
        "root.pem",
    ];
    let answer = pki.dir.openssl(&[&fixed, ["root.pem"].as_slice()].concat());
    assert!(answer.good(), "{}", answer.text);
}

#[test]
fn another_kind_of_authority_is_refused() {
    let pki = Pki::new();
    let csr = pki.dir.csr(&["-subj", "/"]);
    let spec = DeviceSpec {
        device_id: "d",
        days: 1,
        crl_url: None,
    };
    let refused = pki.service.issue_device(&csr, &spec, NOW, &mut rng(21));
    assert!(matches!(
        refused,
        Err(IssueError::Kind {
            has: CaKind::Service,
            needs: CaKind::Device
        })
    ));
    let spec = ServiceSpec {
        name: "s",
        days: 1,
        crl_url: None,
    };
    assert!(
        pki.device
            .issue_service(csr.public_key(), &spec, NOW, &mut rng(21))
            .is_err()
    );
    let names = ["localhost".parse().expect("name")];
    let spec = ServerSpec {
        names: &names,
        days: 1,
    };
    assert!(
        pki.device
            .issue_server(csr.public_key(), &spec, NOW, &mut rng(21))
            .is_err()
    );
}

#[test]
fn days_names_and_ids_beyond_their_limits_are_refused() {
    let pki = Pki::new();
    let csr = pki.dir.csr(&["-subj", "/"]);
    let device = |device_id: &str, days: u16| {
        let spec = DeviceSpec {
            device_id,
            days,
            crl_url: None,
        };
        pki.device.issue_device(&csr, &spec, NOW, &mut rng(22))
    };
    assert!(matches!(device("d", 0), Err(IssueError::Days { days: 0 })));
    assert!(matches!(
        device("d", 3_651),
        Err(IssueError::Days { days: 3_651 })
    ));
    assert!(matches!(
        device("a,O=b", 1),
        Err(IssueError::Name(NameError::DeviceId))
    ));
    assert!(matches!(
        device(&"x".repeat(65), 1),
        Err(IssueError::Name(NameError::DeviceId))
    ));
    assert!(device(&"x".repeat(64), 3_650).is_ok());
    let name: ServerName = "localhost".parse().expect("name");
    let server = |count: usize| {
        let names = vec![name.clone(); count];
        let spec = ServerSpec {
            names: &names,
            days: 1,
        };
        pki.server
            .issue_server(csr.public_key(), &spec, NOW, &mut rng(23))
    };
    assert!(matches!(
        server(0),
        Err(IssueError::ServerNames { names: 0 })
    ));
    assert!(matches!(
        server(101),
        Err(IssueError::ServerNames { names: 101 })
    ));
    assert!(server(100).is_ok());
    let key = PrivateKey::generate(&mut rng(24));
    let root = RootCa::create(key, "IoT Hub", 9_132, NOW, &mut rng(25));
    assert!(matches!(
        root,
        Err(IssueError::AuthorityDays { days: 9_132 })
    ));
    let key = PrivateKey::generate(&mut rng(24));
    let root = RootCa::create(key, "a,CN=b", 1, NOW, &mut rng(25));
    assert!(matches!(
        root,
        Err(IssueError::Name(NameError::Organization))
    ));
}
