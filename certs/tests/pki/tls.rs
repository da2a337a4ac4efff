//! Certificates and revocation lists as rustls judges them, which dev tools and services use.

use std::sync::Arc;

use certs::{Certificate, CrlSpec, CrlUrl, RevocationList, RevocationReason, RevokedEntry};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, Error, RootCertStore};
use time::Duration;

use crate::support::{NOW, Pki};

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn der(certificate: &Certificate) -> CertificateDer<'static> {
    CertificateDer::from(certificate.der().to_vec())
}

fn now() -> UnixTime {
    let seconds = u64::try_from(NOW.unix_timestamp()).expect("after 1970");
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
}

fn trusting(certificates: &[&Certificate]) -> Arc<RootCertStore> {
    let mut store = RootCertStore::empty();
    for certificate in certificates {
        store.add(der(certificate)).expect("an authority");
    }
    Arc::new(store)
}

/// Asks as a listener that trusts the bundle of device authorities does.
fn as_listener(pki: &Pki, leaf: &Certificate, lists: &[&RevocationList]) -> Result<(), Error> {
    let trust = trusting(&[pki.root.certificate(), pki.device.certificate()]);
    let lists = lists
        .iter()
        .map(|list| CertificateRevocationListDer::from(list.der().to_vec()))
        .collect::<Vec<_>>();
    WebPkiClientVerifier::builder_with_provider(trust, provider())
        .with_crls(lists)
        .only_check_end_entity_revocation()
        .build()
        .expect("a verifier")
        .verify_client_cert(&der(leaf), &[der(pki.device.certificate())], now())
        .map(drop)
}

fn list(pki: &Pki, revoked: &[&Certificate], shard: Option<&CrlUrl>) -> RevocationList {
    let reason = RevocationReason::Unspecified;
    let entries = revoked
        .iter()
        .map(|certificate| RevokedEntry {
            serial: certificate.serial(),
            at: NOW,
            reason,
        })
        .collect();
    let spec = CrlSpec {
        number: 1,
        this_update: NOW,
        next_update: NOW + Duration::DAY,
        shard,
    };
    pki.device.sign_crl(&spec, entries).expect("list")
}

#[test]
fn rustls_takes_a_device_certificate_and_refuses_a_revoked_one() {
    let pki = Pki::new();
    let device = pki.device_certificate("dev-1", None);
    assert_eq!(
        as_listener(&pki, &device, &[&list(&pki, &[], None)]),
        Ok(())
    );
    assert_eq!(
        as_listener(&pki, &device, &[&list(&pki, &[&device], None)]),
        Err(Error::InvalidCertificate(CertificateError::Revoked))
    );
}

#[test]
fn rustls_reads_the_scope_of_a_sharded_list() {
    let pki = Pki::new();
    let [zero, one]: [CrlUrl; 2] =
        ["http://crl/0.pem", "http://crl/1.pem"].map(|url| url.parse().expect("url"));
    let device = pki.device_certificate("dev-1", Some(&zero));
    assert_eq!(
        as_listener(&pki, &device, &[&list(&pki, &[], Some(&zero))]),
        Ok(())
    );
    assert_eq!(
        as_listener(&pki, &device, &[&list(&pki, &[&device], Some(&zero))]),
        Err(Error::InvalidCertificate(CertificateError::Revoked))
    );
    assert_eq!(
        as_listener(&pki, &device, &[&list(&pki, &[], Some(&one))]),
        Err(Error::InvalidCertificate(
            CertificateError::UnknownRevocationStatus
        ))
    );
}

#[test]
fn a_server_certificate_is_no_client_certificate() {
    let pki = Pki::new();
    let server = pki.server_certificate(&["localhost"]);
    let trust = trusting(&[pki.root.certificate(), pki.server.certificate()]);
    let refused = WebPkiClientVerifier::builder_with_provider(trust, provider())
        .build()
        .expect("a verifier")
        .verify_client_cert(&der(&server), &[], now());
    assert!(matches!(
        refused,
        Err(Error::InvalidCertificate(
            CertificateError::InvalidPurposeContext { .. }
        ))
    ));
}

#[test]
fn a_client_takes_the_server_certificate_for_its_names_only() {
    let pki = Pki::new();
    let server = pki.server_certificate(&["localhost", "127.0.0.1"]);
    let device = pki.device_certificate("localhost", None);
    let verifier = WebPkiServerVerifier::builder_with_provider(
        trusting(&[pki.root.certificate()]),
        provider(),
    )
    .build()
    .expect("a verifier");
    let ask = |leaf: &Certificate, issuer: &Certificate, name: &'static str| {
        let name = ServerName::try_from(name).expect("a name");
        verifier
            .verify_server_cert(&der(leaf), &[der(issuer)], &name, &[], now())
            .map(drop)
    };
    let issuer = pki.server.certificate();
    assert_eq!(ask(&server, issuer, "localhost"), Ok(()));
    assert_eq!(ask(&server, issuer, "127.0.0.1"), Ok(()));
    assert!(ask(&server, issuer, "other").is_err());
    assert!(ask(&device, pki.device.certificate(), "localhost").is_err());
}

/// Not wished for, but what sharing one root means; the README says what holds the kinds apart.
#[test]
fn a_client_that_sends_its_own_authority_passes_the_handshake_of_the_other_kind() {
    let pki = Pki::new();
    let device = pki.device_certificate("dev-1", None);
    let trust = trusting(&[pki.root.certificate(), pki.service.certificate()]);
    let verifier = WebPkiClientVerifier::builder_with_provider(trust, provider())
        .build()
        .expect("a verifier");
    let ask = |sent: &[CertificateDer<'static>]| {
        verifier
            .verify_client_cert(&der(&device), sent, now())
            .map(drop)
    };
    assert!(ask(&[]).is_err());
    assert_eq!(ask(&[der(pki.device.certificate())]), Ok(()));
}
