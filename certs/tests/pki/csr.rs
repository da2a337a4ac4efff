//! Requests that OpenSSL made.

use certs::{CheckedCsr, CsrError};

use crate::support::Dir;

const P256: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];

fn judged(key: &[&str], request: &[&str]) -> Result<(), CsrError> {
    let request = [&["-subj", "/CN=dev-1"], request].concat();
    CheckedCsr::parse(&Dir::new().csr_bytes(key, &request)).map(drop)
}

#[test]
fn a_p256_request_of_openssl_passes_in_pem_and_der() {
    assert_eq!(judged(P256, &[]), Ok(()));
    assert_eq!(judged(P256, &["-outform", "DER"]), Ok(()));
    assert_eq!(
        judged(P256, &["-addext", "subjectAltName=DNS:a.example"]),
        Ok(())
    );
    assert_eq!(judged(P256, &["-subj", "/"]), Ok(()));
}

#[test]
fn the_key_that_is_taken_over_is_the_one_that_openssl_sees() {
    let dir = Dir::new();
    let csr = CheckedCsr::parse(&dir.csr_bytes(P256, &["-subj", "/CN=x"])).expect("good");
    let verified = dir.openssl(&["req", "-in", "csr", "-verify", "-noout"]);
    assert!(verified.good(), "{}", verified.text);
    let exported = dir.openssl(&[
        "pkey", "-in", "csr.key", "-pubout", "-outform", "DER", "-out", "key.der",
    ]);
    assert!(exported.good(), "{}", exported.text);
    assert_eq!(csr.public_key().der(), dir.read("key.der"));
}

#[test]
fn keys_of_other_algorithms_are_refused() {
    let rsa = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
    assert_eq!(judged(&rsa, &[]), Err(CsrError::KeyAlgorithm));
    assert_eq!(
        judged(&["-algorithm", "ED25519"], &[]),
        Err(CsrError::KeyAlgorithm)
    );
}

#[test]
fn keys_on_other_curves_are_refused() {
    for curve in ["P-384", "P-521", "secp256k1"] {
        let curve = format!("ec_paramgen_curve:{curve}");
        let key = ["-algorithm", "EC", "-pkeyopt", &curve];
        assert_eq!(judged(&key, &[]), Err(CsrError::Curve), "{curve}");
    }
}

#[test]
fn p256_written_out_as_explicit_parameters_is_refused() {
    let key = [P256, &["-pkeyopt", "ec_param_enc:explicit"]].concat();
    assert_eq!(judged(&key, &[]), Err(CsrError::CurveParameters));
}

#[test]
fn other_digests_than_sha256_are_refused() {
    for digest in ["-sha1", "-sha384", "-sha512"] {
        assert_eq!(
            judged(P256, &[digest]),
            Err(CsrError::SignatureAlgorithm),
            "{digest}"
        );
    }
}

#[test]
fn a_certificate_in_place_of_a_request_is_refused() {
    let self_signed = ["-x509", "-days", "1"];
    assert_eq!(judged(P256, &self_signed), Err(CsrError::Label));
    let der = [self_signed.as_slice(), &["-outform", "DER"]].concat();
    assert_eq!(judged(P256, &der), Err(CsrError::MalformedDer));
}

#[test]
fn a_tampered_signature_is_refused_by_openssl_and_by_us() {
    let dir = Dir::new();
    let mut der = dir.csr_bytes(P256, &["-subj", "/CN=x", "-outform", "DER"]);
    let last = der.len() - 1;
    der[last] ^= 1;
    dir.write("csr", &der);
    let verified = dir.openssl(&["req", "-in", "csr", "-inform", "DER", "-verify", "-noout"]);
    assert!(!verified.text.contains("verify OK"), "{}", verified.text);
    assert_eq!(CheckedCsr::parse(&der).map(drop), Err(CsrError::Signature));
}
