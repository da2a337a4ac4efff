//! Revocation lists, read and enforced by OpenSSL.

use certs::crl::MAX_CRL_ENTRIES;
use certs::{
    Certificate, CrlError, CrlSpec, CrlUrl, RevocationList, RevocationReason, RevokedEntry, Serial,
};
use time::Duration;

use crate::support::{NOW, Pki};

fn spec(number: u64) -> CrlSpec<'static> {
    CrlSpec {
        number,
        this_update: NOW,
        next_update: NOW + Duration::days(7),
        shard: None,
    }
}

fn entry(certificate: &Certificate) -> RevokedEntry {
    entry_of(certificate.serial(), RevocationReason::KeyCompromise)
}

fn entry_of(serial: Serial, reason: RevocationReason) -> RevokedEntry {
    RevokedEntry {
        serial,
        at: NOW,
        reason,
    }
}

fn serial(number: u64) -> Serial {
    Serial::from_bytes(&number.to_be_bytes()).expect("positive")
}

fn check(pki: &Pki, leaf: &Certificate, list: &RevocationList) -> String {
    pki.dir.write("list.pem", list.pem());
    pki.verify("device", leaf, &["-crl_check", "-CRLfile", "list.pem"])
        .text
}

#[test]
fn openssl_refuses_the_revoked_certificate_and_takes_the_other() {
    let pki = Pki::new();
    let good = pki.device_certificate("dev-1", None);
    let list = pki.device.sign_crl(&spec(1), Vec::new()).expect("list");
    assert!(check(&pki, &good, &list).contains("OK"));
    let list = pki
        .device
        .sign_crl(&spec(2), vec![entry(&good)])
        .expect("list");
    assert!(check(&pki, &good, &list).contains("certificate revoked"));
    let other = entry_of(serial(5), RevocationReason::Superseded);
    let list = pki.device.sign_crl(&spec(3), vec![other]).expect("list");
    assert!(check(&pki, &good, &list).contains("OK"));
}

#[test]
fn openssl_verifies_and_reads_the_list_in_both_forms() {
    let pki = Pki::new();
    let entries = RevocationReason::ALL
        .into_iter()
        .zip(1..)
        .map(|(reason, number)| entry_of(serial(number), reason))
        .collect();
    let list = pki.device.sign_crl(&spec(4_242), entries).expect("list");
    pki.dir.write("list.pem", list.pem());
    pki.dir.write("list.der", list.der());
    for (file, form) in [("list.pem", "PEM"), ("list.der", "DER")] {
        let answer = pki.dir.openssl(&[
            "crl",
            "-in",
            file,
            "-inform",
            form,
            "-CAfile",
            "device.pem",
            "-verify",
            "-noout",
            "-text",
        ]);
        assert!(answer.text.contains("verify OK"), "{}", answer.text);
        for part in [
            "Version 2 (0x1)",
            "X509v3 CRL Number",
            "4242",
            "X509v3 Authority Key Identifier",
            "Next Update: Nov 29 10:00:00 2026 GMT",
            "Key Compromise",
            "CA Compromise",
            "Affiliation Changed",
            "Superseded",
            "Cessation Of Operation",
            "Privilege Withdrawn",
        ] {
            assert!(answer.text.contains(part), "{part}: {}", answer.text);
        }
        assert!(!answer.text.contains("Unspecified"), "{}", answer.text);
    }
}

#[test]
fn the_list_names_the_key_that_signed_it_and_not_the_root() {
    let pki = Pki::new();
    let list = pki.device.sign_crl(&spec(1), Vec::new()).expect("list");
    pki.dir.write("list.pem", list.pem());
    let answer = pki
        .dir
        .openssl(&["crl", "-in", "list.pem", "-noout", "-text"]);
    let shown = answer.text.replace(':', "").to_lowercase();
    assert!(
        shown.contains(&pki.device.key_identifier()),
        "{}",
        answer.text
    );
}

#[test]
fn a_list_reads_back_as_it_was_made() {
    let pki = Pki::new();
    let entries: Vec<_> = [300, 1, 20, u64::MAX]
        .map(|number| entry_of(serial(number), RevocationReason::CessationOfOperation))
        .into();
    let made = pki
        .device
        .sign_crl(&spec(7), entries.clone())
        .expect("list");
    for bytes in [made.der().to_vec(), made.pem().into_bytes()] {
        let read = RevocationList::parse(&bytes).expect("reads");
        assert_eq!(read, made);
        assert_eq!(read.number(), Some(7));
        assert_eq!(read.this_update(), NOW);
        assert_eq!(read.next_update(), Some(NOW + Duration::days(7)));
        let mut sorted = entries.clone();
        sorted.sort_by_key(|entry| entry.serial);
        assert_eq!(read.entries().collect::<Vec<_>>(), sorted);
        assert!(read.is_issued_by(pki.device.certificate()));
        assert!(!read.is_issued_by(pki.service.certificate()));
        assert!(!read.is_issued_by(pki.root.certificate()));
    }
}

#[test]
fn of_two_entries_for_one_certificate_the_earlier_counts() {
    let pki = Pki::new();
    let later = entry_of(serial(1), RevocationReason::Superseded);
    let earlier = RevokedEntry {
        at: NOW - Duration::DAY,
        reason: RevocationReason::KeyCompromise,
        ..later
    };
    let list = pki
        .device
        .sign_crl(&spec(1), vec![later, earlier])
        .expect("list");
    assert_eq!(list.entries().collect::<Vec<_>>(), [earlier]);
}

#[test]
fn the_list_of_another_shard_does_not_pass_for_this_one() {
    let pki = Pki::new();
    let [zero, one]: [CrlUrl; 2] =
        ["http://crl/0.pem", "http://crl/1.pem"].map(|url| url.parse().expect("url"));
    let device = pki.device_certificate("dev-1", Some(&zero));
    let list = |url, entries| {
        let spec = CrlSpec {
            shard: Some(url),
            ..spec(1)
        };
        pki.device.sign_crl(&spec, entries).expect("list")
    };
    assert!(check(&pki, &device, &list(&zero, vec![])).contains("OK"));
    let revoked = check(&pki, &device, &list(&zero, vec![entry(&device)]));
    assert!(revoked.contains("certificate revoked"), "{revoked}");
    let swapped = check(&pki, &device, &list(&one, vec![]));
    assert!(swapped.contains("different CRL scope"), "{swapped}");
}

#[test]
fn the_root_signs_a_list_over_authorities() {
    let pki = Pki::new();
    let list = pki
        .root
        .sign_crl(&spec(1), vec![entry(pki.device.certificate())])
        .expect("list");
    assert!(list.is_issued_by(pki.root.certificate()));
}

#[test]
fn an_overdue_list_is_refused_by_openssl() {
    let pki = Pki::new();
    let device = pki.device_certificate("dev-1", None);
    let old = CrlSpec {
        this_update: NOW - Duration::days(3),
        next_update: NOW - Duration::days(1),
        ..spec(1)
    };
    let list = pki.device.sign_crl(&old, Vec::new()).expect("list");
    assert!(check(&pki, &device, &list).contains("CRL has expired"));
}

#[test]
fn times_and_sizes_beyond_their_limits_are_refused() {
    let pki = Pki::new();
    for ahead in [Duration::ZERO, Duration::seconds(-1), Duration::days(367)] {
        let spec = CrlSpec {
            next_update: NOW + ahead,
            ..spec(1)
        };
        let refused = pki.device.sign_crl(&spec, Vec::new());
        assert!(matches!(refused, Err(CrlError::NextUpdate)), "{ahead}");
    }
    let count = MAX_CRL_ENTRIES + 1;
    let entries = (1..)
        .take(count)
        .map(|n| entry_of(serial(n), RevocationReason::Unspecified));
    let refused = pki.device.sign_crl(&spec(1), entries.collect());
    assert!(matches!(refused, Err(CrlError::TooManyEntries { entries }) if entries == count));
}

#[test]
fn damaged_lists_are_refused() {
    let pki = Pki::new();
    let list = pki
        .device
        .sign_crl(
            &spec(1),
            vec![entry_of(serial(1), RevocationReason::Unspecified)],
        )
        .expect("list");
    for bytes in [
        b"".as_slice(),
        b"x",
        &list.der()[1..],
        &list.der()[..40],
        b"0",
    ] {
        assert!(matches!(
            RevocationList::parse(bytes),
            Err(CrlError::Malformed)
        ));
    }
    let trailing = [list.der(), b"x"].concat();
    assert!(matches!(
        RevocationList::parse(&trailing),
        Err(CrlError::Malformed)
    ));
    let mut tampered = list.der().to_vec();
    let end = tampered.len() - 1;
    tampered[end] ^= 1;
    let read = RevocationList::parse(&tampered);
    assert!(!read.is_ok_and(|list| list.is_issued_by(pki.device.certificate())));
}
