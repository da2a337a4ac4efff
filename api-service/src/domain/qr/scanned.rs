//! What somebody read off a label, and whether it fits a device.

use certs::Fingerprint;
use schema::DeviceId;
use serde_json::{Map, Value};

use crate::domain::claim_secret::ClaimSecret;
use crate::domain::key_hash::KeyHash;

/// Most characters of a scanned text; the longest of our codes has 270.
const TEXT_CHARS_MAX: usize = 1024;

/// A label, as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// The device that it names.
    pub(crate) device_id: DeviceId,
    /// What it says beyond that.
    pub(crate) proof: Proof,
}

/// What a label says beyond the device's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The claim secret.
    Token(ClaimSecret),
    /// A certificate of the device.
    Certificate(Fingerprint),
    /// A certificate of the device and its key.
    Key(Fingerprint, KeyHash),
}

/// What is known of the device that a label names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    /// Its public key (SPKI in DER).
    pub(crate) public_key: &'a [u8],
    /// Its certificates that are not revoked. A label outlives the certificate it was printed with, so
    /// retired ones count.
    pub(crate) certificates: &'a [Fingerprint],
    /// The hash of its claim secret, if it has one.
    pub(crate) secret_hash: Option<&'a [u8]>,
}

impl Scanned {
    /// Reads a label: the object that a code holds, or the code's text. The error says what is wrong
    /// and never repeats what was sent.
    pub(crate) fn read(value: Value) -> Result<Self, &'static str> {
        match value {
            Value::Object(fields) => Self::from_fields(fields),
            Value::String(text) if text.chars().count() <= TEXT_CHARS_MAX => {
                match serde_json::from_str(&text) {
                    Ok(Value::Object(fields)) => Self::from_fields(fields),
                    _ => Err("is not the text of one of our QR codes"),
                }
            }
            _ => {
                Err("must be what a QR code says: an object, or its text of up to 1024 characters")
            }
        }
    }

    fn from_fields(mut fields: Map<String, Value>) -> Result<Self, &'static str> {
        // A field of another kind is no absent one: the label would pass for one that proves less.
        let mut text = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err("has a field that is not a text"),
            None => Ok(None),
        };
        let device_id = text("deviceId")?.and_then(|id| DeviceId::parse(&id).ok());
        let device_id = device_id.ok_or("has no deviceId")?;
        let (token, fingerprint) = (text("bindingToken")?, text("fingerprint")?);
        let key_hash = text("keyHash")?;
        let version = fields.remove("v");
        if version.is_some_and(|v| v.as_u64() != Some(1)) {
            return Err("has a version other than 1");
        }
        if !fields.is_empty() {
            return Err("holds something that none of our QR codes does");
        }
        let proof = match (token, fingerprint, key_hash) {
            (Some(token), None, None) => ClaimSecret::parse(&token).ok().map(Proof::Token),
            (None, Some(fingerprint), None) => Fingerprint::parse(&fingerprint)
                .ok()
                .map(Proof::Certificate),
            (None, Some(fingerprint), Some(hash)) => Fingerprint::parse(&fingerprint)
                .ok()
                .zip(KeyHash::parse(&hash).ok())
                .map(|(fingerprint, hash)| Proof::Key(fingerprint, hash)),
            _ => None,
        };
        let proof = proof.ok_or("is none of the forms minimal, token and hash")?;
        Ok(Self { device_id, proof })
    }
}

impl Proof {
    /// Whether a label fits a device. Once a device has a claim secret, only that counts: the other
    /// forms hold what anybody may have seen.
    pub(crate) fn fits(&self, known: Known<'_>) -> bool {
        match (self, known.secret_hash) {
            (Self::Token(secret), Some(hash)) => secret.is_of(hash),
            (Self::Token(_), None) | (_, Some(_)) => false,
            (Self::Certificate(fingerprint), None) => known.certificates.contains(fingerprint),
            (Self::Key(fingerprint, hash), None) => {
                known.certificates.contains(fingerprint) && KeyHash::of(known.public_key) == *hash
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::qr::QrText;

    const KEY: &[u8] = b"key";

    fn fingerprint(n: u8) -> Fingerprint {
        Fingerprint::from_bytes([n; 32])
    }

    fn scan(qr: &QrText) -> Proof {
        let from_text = Scanned::read(Value::String(qr.text.clone())).unwrap();
        let from_object = Scanned::read(serde_json::to_value(&qr.payload).unwrap()).unwrap();
        assert_eq!(from_text, from_object);
        assert_eq!(from_text.device_id.as_str(), "tent-1");
        from_text.proof
    }

    #[test]
    fn each_form_fits_its_own_device_alone() {
        let secret = ClaimSecret::from_random([7; 32]);
        let hash = secret.hash();
        let certificates = [fingerprint(1), fingerprint(2)];
        let plain = Known {
            public_key: KEY,
            certificates: &certificates,
            secret_hash: None,
        };
        let secured = Known {
            secret_hash: Some(&hash),
            ..plain
        };
        let minimal = scan(&QrText::minimal("tent-1", &fingerprint(2).to_string()));
        let keyed = scan(&QrText::hash("tent-1", &fingerprint(1).to_string(), KEY));
        let token = scan(&QrText::token("tent-1", secret));
        assert!(minimal.fits(plain) && keyed.fits(plain) && token.fits(secured));
        // With a claim secret the public forms count no more, and without one no token does.
        assert!(!minimal.fits(secured) && !keyed.fits(secured) && !token.fits(plain));

        let other = scan(&QrText::token("tent-1", ClaimSecret::from_random([8; 32])));
        assert!(!other.fits(secured));
        let foreign = scan(&QrText::minimal("tent-1", &fingerprint(3).to_string()));
        assert!(!foreign.fits(plain));
        let other_key = scan(&QrText::hash(
            "tent-1",
            &fingerprint(1).to_string(),
            b"other",
        ));
        assert!(!other_key.fits(plain));
    }

    #[test]
    fn what_is_no_code_of_ours_is_refused() {
        let print = fingerprint(1).to_string();
        for bad in [
            json!(null),
            json!(7),
            json!("tent-1"),
            json!("[]"),
            json!(format!(r#"{{"deviceId":"{}"}}"#, "x".repeat(1024))),
            json!({}),
            json!({"deviceId": "tent-1"}),
            json!({"deviceId": "a/b", "fingerprint": print}),
            json!({"deviceId": "tent-1", "fingerprint": "AB"}),
            json!({"deviceId": "tent-1", "fingerprint": print, "v": 2}),
            json!({"deviceId": "tent-1", "fingerprint": print, "v": "1"}),
            json!({"deviceId": "tent-1", "fingerprint": print, "owner": "me"}),
            json!({"deviceId": "tent-1", "fingerprint": print, "keyHash": 7}),
            json!({"deviceId": "tent-1", "bindingToken": "short"}),
            json!({"deviceId": "tent-1", "bindingToken": "a".repeat(20), "fingerprint": print}),
        ] {
            assert!(Scanned::read(bad.clone()).is_err(), "{bad}");
        }
        let without_version = json!({"deviceId": "tent-1", "fingerprint": print});
        assert!(Scanned::read(without_version).is_ok());
    }
}
