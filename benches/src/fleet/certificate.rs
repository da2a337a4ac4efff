//! Device certificates of the size and structure of real ones, without the cost of signing.
//!
//! One X.509 v3 certificate with a P-256 key is written once; for each device its id, serial, key
//! and signature are patched in. hook-service hashes the DER and looks at nothing in it.

use memchr::memmem;

use super::{SplitMix, id};

/// What stands for the device's id until it is patched; as long as [`id`] makes them.
const ID: &[u8] = b"bench-XXXXXXXXXXXXXX";
const SERIAL: [u8; 16] = [0x51; 16];
const KEY: [u8; 64] = [0x52; 64];
const SIGNATURE_R: [u8; 32] = [0x53; 32];
const SIGNATURE_S: [u8; 32] = [0x54; 32];

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const UTF8: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Makes the certificates of a fleet, one after another in the same memory.
#[derive(Debug)]
pub(crate) struct Template {
    der: Vec<u8>,
    ids: Vec<usize>,
    random: Vec<(usize, usize)>,
}

impl Template {
    pub(crate) fn new() -> Self {
        let der = certificate();
        let at = |marker: &[u8]| memmem::find(&der, marker).expect("the marker was written");
        let random = vec![
            (at(&SERIAL), SERIAL.len()),
            (at(&KEY), KEY.len()),
            (at(&SIGNATURE_R), SIGNATURE_R.len()),
            (at(&SIGNATURE_S), SIGNATURE_S.len()),
        ];
        let ids = memmem::find_iter(&der, ID).collect();
        Self { der, ids, random }
    }

    /// The DER of device `number`'s certificate.
    pub(crate) fn of(&mut self, number: u32) -> &[u8] {
        let id = id(number);
        for at in &self.ids {
            self.der[*at..*at + id.len()].copy_from_slice(id.as_bytes());
        }
        let mut random = SplitMix::new(u64::from(number));
        for (at, length) in &self.random {
            let (words, _) = self.der[*at..*at + *length].as_chunks_mut::<8>();
            for word in words {
                *word = random.next().to_le_bytes();
            }
            // Positive, and of full length, so that every certificate is as long as the next.
            self.der[*at] = 0x40 | (self.der[*at] & 0x3f);
        }
        &self.der
    }
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let length = u16::try_from(length).expect("a certificate is shorter than 64 KiB");
    let [high, low] = length.to_be_bytes();
    let mut out = match length {
        0..=0x7f => vec![tag, low],
        0x80..=0xff => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    out.extend(parts.iter().flat_map(|part| part.iter()));
    out
}

fn name(common_name: &[u8]) -> Vec<u8> {
    let oid = tlv(OID, &[&[0x55, 0x04, 0x03]]);
    let attribute = tlv(SEQUENCE, &[&oid, &tlv(UTF8, &[common_name])]);
    tlv(SEQUENCE, &[&tlv(SET, &[&attribute])])
}

fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[0x01, 0x01, 0xff] } else { &[] };
    tlv(
        SEQUENCE,
        &[&tlv(OID, &[oid]), critical, &tlv(OCTET_STRING, &[value])],
    )
}

/// What our device CA issues: a random serial, CN and SAN of the device, clientAuth, a CRL address.
fn certificate() -> Vec<u8> {
    let ecdsa_with_sha256 = tlv(
        SEQUENCE,
        &[&tlv(
            OID,
            &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]],
        )],
    );
    let validity = tlv(
        SEQUENCE,
        &[
            &tlv(UTC_TIME, &[b"260101000000Z"]),
            &tlv(GENERALIZED_TIME, &[b"21000101000000Z"]),
        ],
    );
    let algorithm = tlv(
        SEQUENCE,
        &[
            &tlv(OID, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]]),
            &tlv(OID, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]]),
        ],
    );
    let key = tlv(
        SEQUENCE,
        &[&algorithm, &tlv(BIT_STRING, &[&[0x00, 0x04], &KEY])],
    );
    let to_be_signed = tlv(
        SEQUENCE,
        &[
            &tlv(0xa0, &[&tlv(INTEGER, &[&[2]])]),
            &tlv(INTEGER, &[&SERIAL]),
            &ecdsa_with_sha256,
            &name(b"IoT Hub device CA 2026"),
            &validity,
            &name(ID),
            &key,
            &tlv(0xa3, &[&tlv(SEQUENCE, &[&extensions()])]),
        ],
    );
    let signature = tlv(
        SEQUENCE,
        &[
            &tlv(INTEGER, &[&SIGNATURE_R]),
            &tlv(INTEGER, &[&SIGNATURE_S]),
        ],
    );
    let signature = tlv(BIT_STRING, &[&[0x00], &signature]);
    tlv(SEQUENCE, &[&to_be_signed, &ecdsa_with_sha256, &signature])
}

fn extensions() -> Vec<u8> {
    let client_auth = tlv(OID, &[&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02]]);
    let device_uri = tlv(0x86, &[b"urn:iot-hub:device:", ID]);
    let crl_uri = tlv(0x86, &[b"http://crl.iot-hub.example/device-ca/2026/0.pem"]);
    let crl_point = tlv(SEQUENCE, &[&tlv(0xa0, &[&tlv(0xa0, &[&crl_uri])])]);
    [
        extension(&[0x55, 0x1d, 0x13], true, &tlv(SEQUENCE, &[])),
        extension(
            &[0x55, 0x1d, 0x0f],
            true,
            &tlv(BIT_STRING, &[&[0x07, 0x80]]),
        ),
        extension(&[0x55, 0x1d, 0x25], false, &tlv(SEQUENCE, &[&client_auth])),
        extension(&[0x55, 0x1d, 0x11], false, &tlv(SEQUENCE, &[&device_uri])),
        extension(&[0x55, 0x1d, 0x1f], false, &tlv(SEQUENCE, &[&crl_point])),
        extension(
            &[0x55, 0x1d, 0x0e],
            false,
            &tlv(OCTET_STRING, &[&[0x61; 20]]),
        ),
        extension(
            &[0x55, 0x1d, 0x23],
            false,
            &tlv(SEQUENCE, &[&tlv(0x80, &[&[0x62; 20]])]),
        ),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use x509_cert::Certificate;
    use x509_cert::der::Decode;

    use super::*;

    #[test]
    fn a_certificate_parses_and_is_about_as_long_as_a_real_one() {
        let mut template = Template::new();
        let der = template.of(7).to_vec();
        assert!((550..=750).contains(&der.len()), "{} bytes", der.len());
        let parsed = Certificate::from_der(&der).unwrap();
        let subject = parsed.tbs_certificate().subject().to_string();
        assert_eq!(subject, format!("CN={}", id(7)));
        assert_eq!(parsed.tbs_certificate().extensions().unwrap().len(), 7);
    }

    #[test]
    fn certificates_differ_between_devices_and_not_between_runs() {
        let (mut one, mut two) = (Template::new(), Template::new());
        let first = one.of(1).to_vec();
        assert_ne!(one.of(2), first);
        two.of(9);
        assert_eq!(two.of(1), first);
    }
}
