mod person;

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certs::Fingerprint;

use super::*;
use crate::fleet::{
    Certificate, DeviceChange, DeviceEntry, Owner, Reader, ServiceClient, ServiceClients, Writer,
    pair,
};
use crate::rights::{Action, Request, TopicRight};

const NOW: i64 = 1_800_000_000;
const DER: &[u8] = b"any bytes will do: a certificate counts by its fingerprint";
const OTHER_DER: &[u8] = b"the certificate of somebody else";

fn certificate(der: &[u8], not_after: i64) -> Certificate {
    Certificate {
        fingerprint: *Fingerprint::of_der(der).as_bytes(),
        not_after,
    }
}

fn device(id: &str, revoked: bool, suspended: bool, not_after: i64) -> DeviceChange {
    let certificates = vec![certificate(DER, not_after)];
    DeviceChange::Put(DeviceEntry {
        id: id.to_owned(),
        revoked,
        suspended,
        certificates,
        owner: Owner::default(),
    })
}

fn service(name: &str, disabled: bool) -> ServiceClient {
    ServiceClient {
        name: name.to_owned(),
        disabled,
        certificates: vec![certificate(DER, NOW + 1000)],
        rights: vec![TopicRight::new(Action::Subscribe, "+/telemetry").unwrap()],
    }
}

fn fleet() -> (Writer, Reader) {
    let (mut writer, reader) = pair(Instant::now());
    writer.apply(&[
        device("dev-1", false, false, NOW + 1000),
        device("revoked", true, false, NOW + 1000),
        device("suspended", false, true, NOW + 1000),
        device("expired", false, false, NOW),
    ]);
    writer.replace_services(ServiceClients::from_iter([
        service("api", false),
        service("off", true),
    ]));
    (writer, reader)
}

fn policy(identity: IdentityMode) -> Policy {
    Policy {
        identity,
        session_ttl_s: 86_400,
        serve_known: false,
    }
}

/// The CONNECT of a device that does everything right, with certificate `der`.
struct Sent {
    id: &'static str,
    cert_pem: String,
    password: String,
}

impl Sent {
    fn new(id: &'static str, der: &[u8]) -> Self {
        let password = Fingerprint::of_der(der).to_string();
        Self {
            id,
            cert_pem: STANDARD.encode(der),
            password,
        }
    }

    fn connect(&self) -> Connect<'_> {
        let own = self
            .id
            .strip_prefix("svc.")
            .and_then(|rest| rest.split('.').next());
        let username = match own {
            Some("api") => "svc.api",
            Some("off") => "svc.off",
            _ => self.id,
        };
        Connect {
            client_id: Some(self.id),
            username: Some(username),
            password: Some(&self.password),
            cert_common_name: Some(username),
            cert_pem: Some(&self.cert_pem),
        }
    }
}

fn with<R>(identity: IdentityMode, ask: impl FnOnce(&Context<'_>) -> R) -> R {
    let (_writer, reader) = fleet();
    ask(&Context {
        fleet: &reader,
        policy: &policy(identity),
        unix_now: NOW,
    })
}

const BOTH: [IdentityMode; 2] = [IdentityMode::CertPem, IdentityMode::CnAndPassword];

#[test]
fn a_device_that_proves_everything_is_allowed_in_both_modes() {
    for mode in BOTH {
        with(mode, |context| {
            let sent = Sent::new("dev-1", DER);
            let connect = sent.connect();
            let grant = authn_device(&connect, context).unwrap();
            assert_eq!(
                grant.expire_at,
                NOW + 1000,
                "the session ends with the certificate"
            );
            assert_eq!(grant.fingerprint, Some(Fingerprint::of_der(DER)));
            assert!(matches!(grant.client, Granted::Device("dev-1")));
        });
    }
}

#[test]
fn each_missing_proof_is_refused_for_its_own_reason() {
    for (id, der, expected) in [
        ("revoked", DER, Deny::Revoked),
        ("suspended", DER, Deny::Suspended),
        ("expired", DER, Deny::CertificateExpired),
        ("stranger", DER, Deny::Unknown),
        ("dev-1", OTHER_DER, Deny::CertificateNotActive),
        ("svc.api.0", DER, Deny::ClientId),
        ("usr.somebody.tab", DER, Deny::ClientId),
        ("a/+", DER, Deny::ClientId),
    ] {
        for mode in BOTH {
            let sent = Sent::new(id, der);
            let got = with(mode, |c| authn_device(&sent.connect(), c).map(|_| ()));
            assert_eq!(got, Err(expected), "{id} in {mode:?}");
        }
    }
}

#[test]
fn client_id_username_and_common_name_must_all_be_the_device() {
    let sent = Sent::new("dev-1", DER);
    for mode in BOTH {
        for wrong in [None, Some("dev-2"), Some(""), Some("DEV-1")] {
            for connect in [
                Connect {
                    username: wrong,
                    ..sent.connect()
                },
                Connect {
                    cert_common_name: wrong,
                    ..sent.connect()
                },
            ] {
                let got = with(mode, |c| authn_device(&connect, c).map(|_| ()));
                assert_eq!(got, Err(Deny::Mismatch), "{connect:?}");
            }
        }
        // A valid device under another device's client id must not take over its session.
        let other = Connect {
            client_id: Some("revoked"),
            ..sent.connect()
        };
        assert_eq!(
            with(mode, |c| authn_device(&other, c).map(|_| ())),
            Err(Deny::Mismatch)
        );
    }
}

#[test]
fn the_mode_never_switches_by_what_a_request_lacks() {
    let sent = Sent::new("dev-1", DER);
    let without_pem = Connect {
        cert_pem: None,
        ..sent.connect()
    };
    let without_password = Connect {
        password: None,
        ..sent.connect()
    };
    let pem = |connect| {
        with(IdentityMode::CertPem, |c| {
            authn_device(connect, c).map(|_| ())
        })
    };
    let password = |connect| {
        with(IdentityMode::CnAndPassword, |c| {
            authn_device(connect, c).map(|_| ())
        })
    };
    assert_eq!(pem(&without_pem), Err(Deny::NoCertificate));
    assert_eq!(pem(&without_password), Ok(()));
    assert_eq!(password(&without_password), Err(Deny::NoCertificate));
    assert_eq!(password(&without_pem), Ok(()));
}

#[test]
fn an_unreadable_certificate_or_fingerprint_is_refused() {
    let sent = Sent::new("dev-1", DER);
    for pem in [
        "!",
        "AAA",
        "-----BEGIN CERTIFICATE-----",
        &"A".repeat(8000),
        "YQ==\n",
    ] {
        let connect = Connect {
            cert_pem: Some(pem),
            ..sent.connect()
        };
        let got = with(IdentityMode::CertPem, |c| {
            authn_device(&connect, c).map(|_| ())
        });
        assert_eq!(got, Err(Deny::BadCertificate), "{pem}");
    }
    for password in ["", "00", "zz", &"0".repeat(63), &"AB:".repeat(32)] {
        let connect = Connect {
            password: Some(password),
            ..sent.connect()
        };
        let got = with(IdentityMode::CnAndPassword, |c| {
            authn_device(&connect, c).map(|_| ())
        });
        assert_eq!(got, Err(Deny::BadCertificate), "{password}");
    }
}

#[test]
fn a_service_client_is_let_in_by_its_listed_certificate_only() {
    for mode in BOTH {
        let ask = |id, der| {
            let sent = Sent::new(id, der);
            with(mode, |c| {
                authn_service(&sent.connect(), c).map(|grant| grant.expire_at)
            })
        };
        assert_eq!(ask("svc.api.0", DER), Ok(NOW + 1000));
        assert_eq!(ask("svc.api.0", OTHER_DER), Err(Deny::CertificateNotActive));
        assert_eq!(ask("svc.off.0", DER), Err(Deny::Suspended));
        assert_eq!(ask("dev-1", DER), Err(Deny::ClientId));
        assert_eq!(ask("svc.nobody.0", DER), Err(Deny::Mismatch));
        let sent = Sent::new("svc.api.0", DER);
        let as_another = Connect {
            client_id: Some("svc.off.0"),
            ..sent.connect()
        };
        let got = with(mode, |c| authn_service(&as_another, c).map(|_| ()));
        assert_eq!(got, Err(Deny::Mismatch));
    }
}

fn publish(id: &str, name: &str, topic: &str) -> Result<(), Deny> {
    let request = Request {
        action: Action::Publish,
        topic,
        qos: 1,
        retain: false,
    };
    let authz = Authz {
        client_id: Some(id),
        username: Some(name),
        cert_common_name: Some(name),
        request,
    };
    with(IdentityMode::CertPem, |context| authz.decide(context))
}

#[test]
fn authz_follows_the_table_of_this_moment() {
    assert_eq!(publish("dev-1", "dev-1", "dev-1/telemetry"), Ok(()));
    assert_eq!(
        publish("dev-1", "dev-1", "dev-2/telemetry"),
        Err(Deny::Topic)
    );
    assert_eq!(
        publish("dev-1", "dev-2", "dev-1/telemetry"),
        Err(Deny::Mismatch)
    );
    assert_eq!(
        publish("revoked", "revoked", "revoked/telemetry"),
        Err(Deny::Revoked)
    );
    assert_eq!(
        publish("suspended", "suspended", "suspended/status"),
        Err(Deny::Suspended)
    );
    assert_eq!(
        publish("expired", "expired", "expired/status"),
        Err(Deny::CertificateNotActive)
    );
    assert_eq!(
        publish("nobody", "nobody", "nobody/status"),
        Err(Deny::Unknown)
    );
    assert_eq!(
        publish("usr.a.b", "jwt", "dev-1/telemetry"),
        Err(Deny::ClientId)
    );
    assert_eq!(publish("+", "+", "+/telemetry"), Err(Deny::ClientId));
    assert_eq!(
        publish("svc.api.0", "svc.api", "dev-1/telemetry"),
        Err(Deny::Topic)
    );
    assert_eq!(
        publish("svc.off.0", "svc.off", "dev-1/telemetry"),
        Err(Deny::Suspended)
    );
}

#[test]
fn what_authn_allows_in_its_acl_authz_allows_too() {
    let sent = Sent::new("dev-1", DER);
    with(IdentityMode::CertPem, |context| {
        let connect = sent.connect();
        let grant = authn_device(&connect, context).unwrap();
        for publish in crate::rights::DEVICE_PUBLISHES {
            let topic = format!("dev-1/{}", publish.suffix);
            let request = Request {
                action: Action::Publish,
                topic: &topic,
                qos: 0,
                retain: false,
            };
            let authz = Authz {
                client_id: connect.client_id,
                username: connect.username,
                cert_common_name: connect.cert_common_name,
                request,
            };
            assert_eq!(
                authz.decide(context).is_ok(),
                grant.rights().allows(&request)
            );
        }
    });
}

#[test]
fn nothing_is_allowed_before_a_lease_nor_after_the_bound_unless_known_ones_are_served() {
    let start = Instant::now();
    let (mut writer, reader) = pair(start);
    let strict = policy(IdentityMode::CertPem);
    let lenient = Policy {
        serve_known: true,
        ..strict.clone()
    };
    let may = |policy: &Policy, now| policy.may_allow(reader.standing(now));
    assert_eq!(may(&strict, start), Err(Deny::NotReady));
    assert_eq!(may(&lenient, start), Err(Deny::NotReady));
    writer.allow_until(start + Duration::from_secs(30));
    let late = start + Duration::from_secs(30);
    assert_eq!(may(&strict, start), Ok(()));
    assert_eq!(may(&strict, late), Err(Deny::Stale));
    assert_eq!(may(&lenient, late), Ok(()));
}
