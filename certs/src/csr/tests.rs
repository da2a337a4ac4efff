//! Requests written byte by byte, to be wrong in exactly one place each.

use der::pem::LineEnding;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::elliptic_curve::Generate;
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{CheckedCsr, CsrError, MAX_CSR_BYTES};

const SEQUENCE: u8 = 0x30;
const EC_PUBLIC_KEY: &[u8] = &[0x06, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1];
const P256: &[u8] = &[0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7];
const P384: &[u8] = &[0x06, 5, 0x2B, 0x81, 4, 0, 0x22];
const ECDSA_SHA256: &[u8] = &[0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2];
const ECDSA_SHA1: &[u8] = &[0x06, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 1];
const NULL: &[u8] = &[5, 0];

/// The parts of a request, all of them good until a test changes one.
struct Parts {
    version: Vec<u8>,
    subject: Vec<u8>,
    curve: Vec<u8>,
    point: Vec<u8>,
    attributes: Vec<u8>,
    algorithm: Vec<u8>,
}

fn key() -> SigningKey {
    SigningKey::generate_from_rng(&mut StdRng::seed_from_u64(7))
}

impl Parts {
    fn good() -> Self {
        Self {
            version: vec![2, 1, 0],
            subject: tlv(SEQUENCE, &[]),
            curve: P256.to_vec(),
            point: key()
                .verifying_key()
                .to_sec1_point(false)
                .as_bytes()
                .to_vec(),
            attributes: tlv(0xA0, &[]),
            algorithm: tlv(SEQUENCE, &[ECDSA_SHA256]),
        }
    }

    /// Puts the parts together and signs them.
    fn der(&self) -> Vec<u8> {
        let algorithm = tlv(SEQUENCE, &[EC_PUBLIC_KEY, &self.curve]);
        let key_info = tlv(SEQUENCE, &[&algorithm, &tlv(3, &[&[0], &self.point])]);
        let info = tlv(
            SEQUENCE,
            &[&self.version, &self.subject, &key_info, &self.attributes],
        );
        let signature: DerSignature = key().sign(&info);
        let signature = tlv(3, &[&[0], signature.as_bytes()]);
        tlv(SEQUENCE, &[&info, &self.algorithm, &signature])
    }

    fn judged(&self) -> Result<(), CsrError> {
        CheckedCsr::parse(&self.der()).map(drop)
    }
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = match u16::try_from(content.len()).expect("short") {
        short @ ..0x80 => vec![short.to_be_bytes()[1]],
        long @ ..0x100 => vec![0x81, long.to_be_bytes()[1]],
        longer => [&[0x82], longer.to_be_bytes().as_slice()].concat(),
    };
    [&[tag], length.as_slice(), content.as_slice()].concat()
}

fn pem(label: &str, der: &[u8]) -> String {
    der::pem::encode_string(label, LineEnding::LF, der).expect("encodes")
}

fn good_pem() -> String {
    pem("CERTIFICATE REQUEST", &Parts::good().der())
}

fn judged(bytes: impl AsRef<[u8]>) -> Result<(), CsrError> {
    CheckedCsr::parse(bytes.as_ref()).map(drop)
}

#[test]
fn a_good_request_passes_in_both_forms_and_gives_its_key() {
    let expected = crate::PublicKey::new(*key().verifying_key());
    for bytes in [Parts::good().der(), good_pem().into_bytes()] {
        let csr = CheckedCsr::parse(&bytes).expect("good");
        assert_eq!(*csr.public_key(), expected);
    }
}

#[test]
fn white_space_around_a_pem_block_and_windows_line_ends_are_fine() {
    assert_eq!(judged(format!("\n \t{}\r\n\n", good_pem())), Ok(()));
    assert_eq!(judged(good_pem().replace('\n', "\r\n")), Ok(()));
}

#[test]
fn nothing_is_refused_as_empty() {
    assert_eq!(judged(""), Err(CsrError::Empty));
    assert_eq!(judged(" \n\t"), Err(CsrError::Empty));
}

#[test]
fn the_limit_of_bytes_counts_everything_that_came() {
    let padding = " ".repeat(MAX_CSR_BYTES - good_pem().len());
    assert_eq!(judged(good_pem() + &padding), Ok(()));
    let bytes = MAX_CSR_BYTES + 1;
    assert_eq!(
        judged(good_pem() + &padding + " "),
        Err(CsrError::TooLarge { bytes })
    );
}

#[test]
fn a_request_that_fills_the_limit_with_its_subject_passes() {
    let spare = MAX_CSR_BYTES - Parts::good().der().len() - 20;
    let filled = tlv(0x0C, &[&vec![b'x'; spare]]);
    let parts = Parts {
        subject: tlv(SEQUENCE, &[&filled]),
        ..Parts::good()
    };
    assert!(parts.der().len() <= MAX_CSR_BYTES);
    assert_eq!(parts.judged(), Ok(()));
}

#[test]
fn text_that_is_no_pem_is_refused() {
    assert_eq!(judged("hello"), Err(CsrError::NotACsr));
    assert_eq!(
        judged(format!("Certificate Request:\n{}", good_pem())),
        Err(CsrError::NotACsr)
    );
    assert_eq!(judged([0xEF, 0xBB, 0xBF]), Err(CsrError::NotACsr));
}

#[test]
fn other_labels_are_refused_and_a_private_key_gets_a_warning() {
    let der = Parts::good().der();
    assert_eq!(judged(pem("CERTIFICATE", &der)), Err(CsrError::Label));
    assert_eq!(
        judged(pem("NEW CERTIFICATE REQUEST", &der)),
        Err(CsrError::Label)
    );
    assert_eq!(judged(pem("PRIVATE KEY", &der)), Err(CsrError::PrivateKey));
    assert_eq!(
        judged(pem("EC PRIVATE KEY", &der)),
        Err(CsrError::PrivateKey)
    );
}

#[test]
fn two_requests_are_refused() {
    assert_eq!(judged(good_pem() + &good_pem()), Err(CsrError::MoreThanOne));
    let der = Parts::good().der();
    assert_eq!(
        judged([der.clone(), der].concat()),
        Err(CsrError::TrailingData)
    );
}

#[test]
fn anything_after_a_request_is_refused() {
    assert_eq!(judged(good_pem() + "x"), Err(CsrError::TrailingData));
    let mut der = Parts::good().der();
    der.push(0);
    assert_eq!(judged(&der), Err(CsrError::TrailingData));
    // Hidden inside the PEM block as well.
    assert_eq!(
        judged(pem("CERTIFICATE REQUEST", &der)),
        Err(CsrError::TrailingData)
    );
}

#[test]
fn a_damaged_pem_block_is_refused() {
    for damaged in [
        "-----BEGIN CERTIFICATE REQUEST-----".to_owned(),
        "-----BEGIN X".to_owned(),
        good_pem().replace("-----END CERTIFICATE REQUEST-----", ""),
        good_pem().replacen("\nMI", "\n!I", 1),
        good_pem().replacen("\nMI", "\nProc-Type: 4,ENCRYPTED\n\nMI", 1),
    ] {
        assert_eq!(judged(&damaged), Err(CsrError::MalformedPem), "{damaged}");
    }
}

#[test]
fn another_version_is_refused() {
    for version in [[2, 1, 1], [2, 1, 2], [4, 1, 0]] {
        let parts = Parts {
            version: version.to_vec(),
            ..Parts::good()
        };
        assert_eq!(parts.judged(), Err(CsrError::Version));
    }
}

#[test]
fn subject_and_attributes_are_not_looked_into() {
    let junk = tlv(0x0C, &[b"CN=victim"]);
    let parts = Parts {
        subject: tlv(SEQUENCE, &[&junk]),
        attributes: tlv(0xA0, &[&junk]),
        ..Parts::good()
    };
    assert_eq!(parts.judged(), Ok(()));
    let without = Parts {
        attributes: Vec::new(),
        ..Parts::good()
    };
    assert_eq!(without.judged(), Ok(()));
    let twice = [tlv(0xA0, &[]), tlv(0xA0, &[])].concat();
    let parts = Parts {
        attributes: twice,
        ..Parts::good()
    };
    assert_eq!(parts.judged(), Err(CsrError::MalformedDer));
    let parts = Parts {
        attributes: junk,
        ..Parts::good()
    };
    assert_eq!(parts.judged(), Err(CsrError::MalformedDer));
}

#[test]
fn a_csr_of_another_curve_is_refused() {
    let parts = Parts {
        curve: P384.to_vec(),
        ..Parts::good()
    };
    assert_eq!(parts.judged(), Err(CsrError::Curve));
}

#[test]
fn a_curve_without_a_name_is_refused() {
    for curve in [NULL.to_vec(), Vec::new(), tlv(SEQUENCE, &[&[2, 1, 1]])] {
        let parts = Parts {
            curve,
            ..Parts::good()
        };
        assert_eq!(parts.judged(), Err(CsrError::CurveParameters));
    }
}

#[test]
fn the_identity_and_points_off_the_curve_are_refused() {
    let good = Parts::good().point;
    let mut off = good.clone();
    off[64] ^= 1;
    let zero = [&[4], [0; 64].as_slice()].concat();
    let too_large = [&[4], [0xFF; 64].as_slice()].concat();
    let long = [good.as_slice(), &[0]].concat();
    for point in [
        vec![0],
        Vec::new(),
        off,
        zero,
        too_large,
        good[..64].to_vec(),
        long,
    ] {
        let parts = Parts {
            point,
            ..Parts::good()
        };
        assert_eq!(parts.judged(), Err(CsrError::Point), "{:02x?}", parts.point);
    }
}

#[test]
fn compressed_and_hybrid_points_are_refused() {
    let compressed = key()
        .verifying_key()
        .to_sec1_point(true)
        .as_bytes()
        .to_vec();
    let mut hybrid = Parts::good().point;
    hybrid[0] = 6 | (hybrid[64] & 1);
    for point in [compressed, hybrid] {
        let parts = Parts {
            point,
            ..Parts::good()
        };
        assert_eq!(parts.judged(), Err(CsrError::PointForm));
    }
}

#[test]
fn another_signature_algorithm_or_one_with_parameters_is_refused() {
    for algorithm in [
        tlv(SEQUENCE, &[ECDSA_SHA1]),
        tlv(SEQUENCE, &[ECDSA_SHA256, NULL]),
    ] {
        let parts = Parts {
            algorithm,
            ..Parts::good()
        };
        assert_eq!(parts.judged(), Err(CsrError::SignatureAlgorithm));
    }
}

#[test]
fn a_key_that_the_sender_does_not_hold_is_refused() {
    let other = SigningKey::generate_from_rng(&mut StdRng::seed_from_u64(8));
    let point = other
        .verifying_key()
        .to_sec1_point(false)
        .as_bytes()
        .to_vec();
    let parts = Parts {
        point,
        ..Parts::good()
    };
    assert_eq!(parts.judged(), Err(CsrError::Signature));
}

#[test]
fn no_sentence_is_empty_and_no_code_is_given_twice() {
    let all = [
        CsrError::Empty,
        CsrError::TooLarge { bytes: 1 },
        CsrError::NotACsr,
        CsrError::Label,
        CsrError::PrivateKey,
        CsrError::MalformedPem,
        CsrError::MoreThanOne,
        CsrError::TrailingData,
        CsrError::MalformedDer,
        CsrError::Version,
        CsrError::KeyAlgorithm,
        CsrError::CurveParameters,
        CsrError::Curve,
        CsrError::PointForm,
        CsrError::Point,
        CsrError::SignatureAlgorithm,
        CsrError::Signature,
    ];
    let codes: std::collections::BTreeSet<_> = all.iter().map(CsrError::code).collect();
    assert_eq!(codes.len(), all.len());
    for error in all {
        assert!(
            error
                .code()
                .bytes()
                .all(|c| c.is_ascii_lowercase() || c == b'_')
        );
        assert!(error.to_string().len() > 20);
    }
}

proptest! {
    #[test]
    fn no_changed_byte_passes(at in any::<prop::sample::Index>(), change in 1_u8..) {
        let mut der = Parts::good().der();
        let at = at.index(der.len());
        der[at] ^= change;
        prop_assert!(CheckedCsr::parse(&der).is_err(), "byte {} changed by {}", at, change);
    }

    #[test]
    fn no_shortened_request_passes(length in any::<prop::sample::Index>()) {
        let der = Parts::good().der();
        prop_assert!(CheckedCsr::parse(&der[..length.index(der.len())]).is_err());
    }

    #[test]
    fn mutated_requests_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        inserted in prop::collection::vec(any::<u8>(), 0..6),
        at in any::<prop::sample::Index>(),
        as_pem: bool,
    ) {
        let mut bytes = if as_pem { good_pem().into_bytes() } else { Parts::good().der() };
        for (index, value) in changes {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        let at = at.index(bytes.len());
        bytes.splice(at..at, inserted);
        let _ = CheckedCsr::parse(&bytes);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = CheckedCsr::parse(&bytes);
        let _ = CheckedCsr::parse(&[&[SEQUENCE], bytes.as_slice()].concat());
    }
}
