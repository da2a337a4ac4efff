//! Reads from a client certificate what EMQX's placeholders show. Verifies nothing: rustls did.

use std::fmt::Write as _;

use const_oid::db::rfc4519::COMMON_NAME;
use der::asn1::{BmpString, Ia5StringRef, PrintableStringRef, TeletexStringRef, Utf8StringRef};
use der::{Any, Decode as _, Tag, Tagged as _};
use x509_cert::Certificate;
use x509_cert::name::Name;

/// A client certificate as templates see it.
#[derive(Debug, Clone)]
pub(crate) struct PeerCertificate {
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// Common names joined with `,`; raw text.
    pub common_name: Option<String>,
    /// The subject, last RDN first, escaped (RFC 4514).
    pub subject: String,
}

impl PeerCertificate {
    /// Reads a certificate that the TLS layer already accepted. `None` if it is no X.509.
    pub(crate) fn from_der(der: &[u8]) -> Option<Self> {
        let certificate = Certificate::from_der(der).ok()?;
        let subject = certificate.tbs_certificate().subject();
        Some(Self {
            der: der.to_vec(),
            common_name: common_name(subject),
            subject: escaped(&subject.to_string()),
        })
    }
}

fn common_name(subject: &Name) -> Option<String> {
    let names: Vec<String> = subject
        .iter()
        .filter(|attribute| attribute.oid == COMMON_NAME)
        .filter_map(|attribute| text(&attribute.value))
        .collect();
    (!names.is_empty()).then(|| names.join(","))
}

/// EMQX shows bytes beyond ASCII as `\C3\A9` (wire/authn-escaped-dn).
fn escaped(subject: &str) -> String {
    let mut out = String::with_capacity(subject.len());
    for character in subject.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                out.push('\\');
                write!(out, "{byte:02X}").expect("text is written to memory");
            }
        }
    }
    out
}

fn text(value: &Any) -> Option<String> {
    match value.tag() {
        Tag::Utf8String => value
            .decode_as::<Utf8StringRef<'_>>()
            .ok()
            .map(|s| s.as_str().to_owned()),
        Tag::PrintableString => value
            .decode_as::<PrintableStringRef<'_>>()
            .ok()
            .map(|s| s.as_str().to_owned()),
        Tag::Ia5String => value
            .decode_as::<Ia5StringRef<'_>>()
            .ok()
            .map(|s| s.as_str().to_owned()),
        Tag::TeletexString => value
            .decode_as::<TeletexStringRef<'_>>()
            .ok()
            .map(|s| s.as_str().to_owned()),
        Tag::BmpString => value.decode_as::<BmpString>().ok().map(|s| s.to_string()),
        _ => None,
    }
}
