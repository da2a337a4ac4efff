//! Which published keys count, and what a signature must be.

use std::process::Command;

use serde_json::json;

use super::*;

fn ec(kid: &str) -> serde_json::Value {
    let coordinate = URL_SAFE_NO_PAD.encode([7; 32]);
    json!({"kid": kid, "kty": "EC", "crv": "P-256", "x": coordinate, "y": coordinate})
}

fn parse(keys: &[serde_json::Value]) -> Result<KeySet, KeySetError> {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
}

#[test]
fn keys_of_other_kinds_and_uses_are_left_out() {
    let mut encryption = ec("enc");
    encryption["use"] = json!("enc");
    let mut other_algorithm = ec("alg");
    other_algorithm["alg"] = json!("ES384");
    let mut other_curve = ec("curve");
    other_curve["crv"] = json!("P-384");
    let secret = json!({"kid": "oct", "kty": "oct", "k": "AAAA"});
    let small =
        json!({"kid": "rsa", "kty": "RSA", "n": URL_SAFE_NO_PAD.encode([1; 128]), "e": "AQAB"});
    let nameless = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"});
    let odd = [
        encryption,
        other_algorithm,
        other_curve,
        secret,
        small,
        nameless,
        json!(1),
    ];
    assert_eq!(parse(&odd).unwrap_err(), KeySetError::NoneUsable);
    let keys = parse(&[&odd[..], &[ec("good")]].concat()).unwrap();
    assert!(keys.has("good") && !keys.has("oct") && !keys.has("rsa"));
}

#[test]
fn more_keys_than_the_limit_are_refused() {
    let many: Vec<_> = (0..=KEYS_MAX).map(|n| ec(&n.to_string())).collect();
    assert_eq!(parse(&many).unwrap_err(), KeySetError::TooMany);
    assert!(parse(&many[1..]).is_ok());
}

#[test]
fn a_document_that_is_no_jwks_is_refused() {
    for bad in ["", "[]", "{}", r#"{"keys":{}}"#, "<html>"] {
        assert_eq!(
            KeySet::parse(bad.as_bytes()).unwrap_err(),
            KeySetError::NotJwks
        );
    }
}

#[test]
fn the_same_keys_in_another_order_are_the_same() {
    let one = parse(&[ec("a"), ec("b")]).unwrap();
    let two = parse(&[ec("b"), ec("a")]).unwrap();
    assert!(one.same_as(&two));
    assert!(!one.same_as(&parse(&[ec("a")]).unwrap()));
}

/// An RSA key of OpenSSL, published as a JWK, and a signer with it.
struct Rsa(tempfile::TempDir);

impl Rsa {
    fn new() -> Self {
        let rsa = Self(tempfile::tempdir().unwrap());
        rsa.openssl(&["genrsa", "-out", "key", "2048"]);
        rsa
    }

    fn openssl(&self, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(self.0.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    fn jwk(&self) -> serde_json::Value {
        let text = self.openssl(&["rsa", "-in", "key", "-noout", "-modulus"]);
        let hex = text.trim_ascii_end().strip_prefix(b"Modulus=").unwrap();
        let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).unwrap()).unwrap();
        let modulus: Vec<u8> = hex
            .chunks(2)
            .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
            .collect();
        json!({"kid": "r", "kty": "RSA", "use": "sig", "alg": "RS256", "e": "AQAB",
            "n": URL_SAFE_NO_PAD.encode(modulus)})
    }

    fn sign(&self, alg: &str) -> String {
        let header = json!({"alg": alg, "typ": "at+jwt", "kid": "r"}).to_string();
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let signed = format!("{}.{}", part(&header), part("{}"));
        std::fs::write(self.0.path().join("signed"), &signed).unwrap();
        let signature = self.openssl(&["dgst", "-sha256", "-sign", "key", "signed"]);
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

#[test]
fn a_signature_of_openssl_with_rs256_is_good_and_only_for_its_own_text() {
    let rsa = Rsa::new();
    let keys = parse(&[rsa.jwk()]).unwrap();
    let check = |token: &str| keys.check(&Compact::parse(token).unwrap());
    let token = rsa.sign("RS256");
    assert_eq!(check(&token), Ok(()));
    for alg in ["RS384", "RS512", "PS256", "ES256", "HS256", "none"] {
        assert_eq!(check(&rsa.sign(alg)), Err(TokenError::Algorithm), "{alg}");
    }
    let mut padded = rsa.jwk();
    let modulus = decoded(padded["n"].as_str().unwrap()).unwrap();
    padded["n"] = json!(URL_SAFE_NO_PAD.encode([&[0], &modulus[..]].concat()));
    let token = Compact::parse(&token).unwrap();
    assert_eq!(parse(&[padded]).unwrap().check(&token), Ok(()));
    let other = parse(&[Rsa::new().jwk()]).unwrap();
    let refused = other.check(&token);
    assert_eq!(refused, Err(TokenError::Signature));
}
