//! From the bytes that came to the DER of one request.

use std::borrow::Cow;

use super::CsrError;

/// The one label of RFC 7468 section 7.
const LABEL: &str = "CERTIFICATE REQUEST";
const BEGIN: &[u8] = b"-----BEGIN ";
/// First byte of every request in DER: a SEQUENCE.
const DER_SEQUENCE: u8 = 0x30;

/// Opens PEM with exactly one block and only white space around it, or passes DER through.
pub(super) fn open(bytes: &[u8]) -> Result<Cow<'_, [u8]>, CsrError> {
    if bytes.first() == Some(&DER_SEQUENCE) {
        return Ok(Cow::Borrowed(bytes));
    }
    let text = bytes.trim_ascii();
    if text.is_empty() {
        return Err(CsrError::Empty);
    }
    if !text.starts_with(BEGIN) {
        return Err(CsrError::NotACsr);
    }
    open_pem(text).map(Cow::Owned)
}

fn open_pem(text: &[u8]) -> Result<Vec<u8>, CsrError> {
    check_label(text)?;
    if text
        .windows(BEGIN.len())
        .filter(|window| *window == BEGIN)
        .count()
        > 1
    {
        return Err(CsrError::MoreThanOne);
    }
    let end = format!("-----END {LABEL}-----");
    match find(text, end.as_bytes()) {
        None => return Err(CsrError::MalformedPem),
        Some(at) if at + end.len() != text.len() => return Err(CsrError::TrailingData),
        Some(_) => {}
    }
    match der::pem::decode_vec(text) {
        Ok((LABEL, der)) => Ok(der),
        Ok(_) => Err(CsrError::Label),
        Err(_) => Err(CsrError::MalformedPem),
    }
}

fn check_label(text: &[u8]) -> Result<(), CsrError> {
    let after_begin = &text[BEGIN.len()..];
    let label_end = find(after_begin, b"-----").ok_or(CsrError::MalformedPem)?;
    let label = &after_begin[..label_end];
    if label == LABEL.as_bytes() {
        Ok(())
    } else if label.ends_with(b"PRIVATE KEY") {
        Err(CsrError::PrivateKey)
    } else {
        Err(CsrError::Label)
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
