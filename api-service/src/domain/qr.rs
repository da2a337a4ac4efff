//! The QR code on a device's label: who it is, in the minimal form of the earlier product.
//!
//! It identifies and never proves: everything in it is public.

use qrcode::QrCode;
use qrcode::render::svg;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The version that the label carries as `v`.
const VERSION: u8 = 1;

/// Smallest side of the picture, in pixels; it scales without loss.
const SIDE_PIXELS_MIN: u32 = 256;

/// What the code says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QrPayload {
    /// The device's id.
    #[schema(example = "tent-0001")]
    pub(crate) device_id: String,
    /// SHA-256 over the certificate's DER, upper-case hexadecimal with colons.
    #[schema(example = "5F:3A:…")]
    pub(crate) fingerprint: String,
    /// Version of this form: 1.
    pub(crate) v: u8,
}

/// A QR code, as data and as a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Qr {
    /// What the code says.
    pub(crate) payload: QrPayload,
    /// The payload exactly as encoded in the code.
    pub(crate) text: String,
    /// The code as a picture.
    pub(crate) svg: String,
}

impl Qr {
    /// Makes the code of a device's certificate.
    pub(crate) fn new(device_id: &str, fingerprint: &str) -> Self {
        let payload = QrPayload {
            device_id: device_id.to_owned(),
            fingerprint: fingerprint.to_owned(),
            v: VERSION,
        };
        let text = serde_json::to_string(&payload).expect("three plain fields have a JSON form");
        let code = QrCode::new(text.as_bytes())
            .expect("an id of 64 and a fingerprint of 95 characters fit a QR code of 2,331 bytes");
        let svg = code
            .render::<svg::Color<'_>>()
            .min_dimensions(SIDE_PIXELS_MIN, SIDE_PIXELS_MIN)
            .build();
        Self { payload, text, svg }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_id_fits_and_the_text_is_the_minimal_form() {
        let fingerprint = vec!["AB"; 32].join(":");
        let qr = Qr::new(&"x".repeat(64), &fingerprint);
        let expected = format!(
            r#"{{"deviceId":"{}","fingerprint":"{fingerprint}","v":1}}"#,
            "x".repeat(64)
        );
        assert_eq!(qr.text, expected);
        assert!(qr.svg.contains("<svg") && !qr.svg.contains("script"));
    }
}
