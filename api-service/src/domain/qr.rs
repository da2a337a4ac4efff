//! The QR code on a device's label, in the three forms of the earlier product.
//!
//! `minimal` and `hash` identify and never prove: everything in them is public. `token` holds a claim
//! secret, which only who holds the label knows.

mod scanned;

use std::fmt;

use qrcode::QrCode;
use qrcode::render::svg;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use self::scanned::{Known, Scanned};
use super::claim_secret::ClaimSecret;
use super::key_hash::KeyHash;

/// The version that the label carries as `v`.
const VERSION: u8 = 1;

/// Smallest side of the picture, in pixels; it scales without loss.
const SIDE_PIXELS_MIN: u32 = 256;

/// What kind of code is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum QrForm {
    /// The device's id and its certificate's fingerprint.
    Minimal,
    /// The device's id and a new claim secret: from then on the device is bound by it alone.
    Token,
    /// As `minimal`, with the beginning of a hash over the public key.
    Hash,
}

/// Why a text is not a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be minimal, token or hash")]
pub(crate) struct NotAQrForm;

impl QrForm {
    /// Reads the word.
    pub(crate) fn parse(text: &str) -> Result<Self, NotAQrForm> {
        match text {
            "minimal" => Ok(Self::Minimal),
            "token" => Ok(Self::Token),
            "hash" => Ok(Self::Hash),
            _ => Err(NotAQrForm),
        }
    }

    /// The word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Token => "token",
            Self::Hash => "hash",
        }
    }
}

/// What the code says: one of three forms, told apart by their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum QrPayload {
    /// With a claim secret.
    #[serde(rename_all = "camelCase")]
    Token {
        /// The device's id.
        #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "tent-0001")]
        device_id: String,
        /// The claim secret. It is told here once; we keep only its hash.
        #[schema(value_type = String, min_length = 16, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
        binding_token: ClaimSecret,
        /// Version of this form: 1.
        #[schema(minimum = 1, maximum = 1, example = 1)]
        v: u8,
    },
    /// With a hash over the key.
    #[serde(rename_all = "camelCase")]
    Hash {
        /// The device's id.
        #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "tent-0001")]
        device_id: String,
        /// SHA-256 over the certificate's DER, upper-case hexadecimal with colons.
        #[schema(pattern = "^([0-9A-Fa-f]{64}|[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){31})$")]
        fingerprint: String,
        /// `sha256-` and the first 16 hexadecimal digits of the SHA-256 over the public key (SPKI in
        /// DER).
        #[schema(example = "sha256-0123456789abcdef", pattern = "^sha256-[0-9a-f]{16}$")]
        key_hash: String,
        /// Version of this form: 1.
        #[schema(minimum = 1, maximum = 1, example = 1)]
        v: u8,
    },
    /// With what is public.
    #[serde(rename_all = "camelCase")]
    Minimal {
        /// The device's id.
        #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "tent-0001")]
        device_id: String,
        /// SHA-256 over the certificate's DER, upper-case hexadecimal with colons.
        #[schema(pattern = "^([0-9A-Fa-f]{64}|[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){31})$")]
        fingerprint: String,
        /// Version of this form: 1.
        #[schema(minimum = 1, maximum = 1, example = 1)]
        v: u8,
    },
}

/// A QR code, as data and as a picture.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Qr {
    /// What the code says, and as which text.
    #[serde(flatten)]
    pub(crate) code: QrText,
    /// The code as a picture.
    pub(crate) svg: String,
}

/// What a QR code says. Its `Debug` form hides the text, which may hold a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QrText {
    /// What the code says.
    pub(crate) payload: QrPayload,
    /// The payload exactly as encoded in the code.
    pub(crate) text: String,
}

impl fmt::Debug for QrText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.payload.fmt(f)
    }
}

impl fmt::Debug for Qr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code.fmt(f)
    }
}

impl QrText {
    /// The code of a device's certificate.
    pub(crate) fn minimal(device_id: &str, fingerprint: &str) -> Self {
        Self::of(QrPayload::Minimal {
            device_id: device_id.to_owned(),
            fingerprint: fingerprint.to_owned(),
            v: VERSION,
        })
    }

    /// The same, with the beginning of the public key's hash.
    pub(crate) fn hash(device_id: &str, fingerprint: &str, public_key: &[u8]) -> Self {
        Self::of(QrPayload::Hash {
            device_id: device_id.to_owned(),
            fingerprint: fingerprint.to_owned(),
            key_hash: KeyHash::of(public_key).to_string(),
            v: VERSION,
        })
    }

    /// A code that proves who holds it.
    pub(crate) fn token(device_id: &str, secret: ClaimSecret) -> Self {
        Self::of(QrPayload::Token {
            device_id: device_id.to_owned(),
            binding_token: secret,
            v: VERSION,
        })
    }

    fn of(payload: QrPayload) -> Self {
        let text = serde_json::to_string(&payload).expect("a few plain fields have a JSON form");
        Self { payload, text }
    }

    /// With its picture.
    pub(crate) fn drawn(self) -> Qr {
        let code = QrCode::new(self.text.as_bytes())
            .expect("an id of 64 and a fingerprint of 95 characters fit a QR code of 2,331 bytes");
        let svg = code
            .render::<svg::Color<'_>>()
            .min_dimensions(SIDE_PIXELS_MIN, SIDE_PIXELS_MIN)
            .build();
        Qr { code: self, svg }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_id_fits_and_the_text_is_the_minimal_form() {
        let fingerprint = vec!["AB"; 32].join(":");
        let qr = QrText::minimal(&"x".repeat(64), &fingerprint).drawn();
        let expected = format!(
            r#"{{"deviceId":"{}","fingerprint":"{fingerprint}","v":1}}"#,
            "x".repeat(64)
        );
        assert_eq!(qr.code.text, expected);
        assert!(qr.svg.contains("<svg") && !qr.svg.contains("script"));
        let qr = QrText::hash(&"x".repeat(64), &fingerprint, b"key");
        assert!(qr.text.contains(r#""keyHash":"sha256-"#), "{}", qr.text);
    }

    #[test]
    fn a_code_with_a_secret_has_the_names_of_the_token_form() {
        let qr = QrText::token("tent-1", ClaimSecret::from_random([7; 32]));
        let start = r#"{"deviceId":"tent-1","bindingToken":"BwcH"#;
        assert!(qr.text.starts_with(start), "{}", qr.text);
        let read: QrPayload = serde_json::from_str(&qr.text).unwrap();
        assert_eq!(read, qr.payload);
        assert!(!format!("{:?}", qr.drawn()).contains("BwcH"));
    }
}
