//! What stands at the front of the bytes of a connection: just enough of HTTP to find the end of a
//! request that looks exactly as EMQX writes it.
//!
//! Whatever is unusual in any way is called [`Front::Odd`] and left to the HTTP library, which alone
//! decides what is HTTP (RFC 9112). So this takes less than that allows, and nothing otherwise: one form
//! of the request line, one length in digits, names of fields in letters, digits and hyphens.

use http::Method;
use memchr::memchr;

use super::HEADERS_MAX;
use crate::endpoints::{Asked, BODY_BYTES_MAX, Hook, SECRET_HEADER};

/// A head is shorter than this, in bytes; EMQX's has about 120.
const HEAD_BYTES_MAX: usize = 4096;

/// What stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Front<'a> {
    /// A whole request to a hook, so many bytes long.
    Whole { bytes: usize, asked: Asked<'a> },
    /// The beginning of something.
    Partial,
    /// Something else.
    Odd,
}

impl<'a> Front<'a> {
    /// Reads line by line, as far as everything is as it should be.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let mut head = &bytes[..bytes.len().min(HEAD_BYTES_MAX)];
        let unfinished = if bytes.len() < HEAD_BYTES_MAX {
            Self::Partial
        } else {
            Self::Odd
        };
        let hook = match Line::next(&mut head) {
            Line::Unfinished => return unfinished,
            Line::Odd => return Self::Odd,
            Line::Whole(line) => match asked(line) {
                Some(hook) => hook,
                None => return Self::Odd,
            },
        };
        let (mut fields, mut length, mut secret) = (0, None, None);
        loop {
            match Line::next(&mut head) {
                Line::Unfinished => return unfinished,
                Line::Odd => return Self::Odd,
                Line::Whole([]) => break,
                Line::Whole(field) => {
                    fields += 1;
                    if fields > HEADERS_MAX || look(field, &mut length, &mut secret).is_none() {
                        return Self::Odd;
                    }
                }
            }
        }
        let Some(length) = length.filter(|length| *length <= BODY_BYTES_MAX) else {
            return Self::Odd;
        };
        let body_at = bytes.len().min(HEAD_BYTES_MAX) - head.len();
        let end = body_at + length;
        let Some(body) = bytes.get(body_at..end) else {
            return Self::Partial;
        };
        let secret = secret.unwrap_or_default();
        Self::Whole {
            bytes: end,
            asked: Asked { hook, secret, body },
        }
    }
}

/// The hook of a request line.
fn asked(line: &[u8]) -> Option<Hook> {
    let path = line.strip_prefix(b"POST ")?.strip_suffix(b" HTTP/1.1")?;
    match Hook::asked(&Method::POST, std::str::from_utf8(path).ok()?) {
        Hook::Other => None,
        hook => Some(hook),
    }
}

/// Looks at one field of a head; nothing if it is unusual.
fn look<'a>(
    field: &'a [u8],
    length: &mut Option<usize>,
    secret: &mut Option<&'a [u8]>,
) -> Option<()> {
    let colon = memchr(b':', field)?;
    let (name, value) = (&field[..colon], &field[colon + 1..]);
    let plain = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~');
    let named = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    // Folded lines begin with a blank, among other things.
    if name.is_empty() || !name.iter().all(named) || !value.iter().all(plain) {
        return None;
    }
    // Of what is plain, only blanks and tabs.
    let value = value.trim_ascii();
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    if is("content-length") {
        if length.is_some() || value.is_empty() || value.len() > 5 {
            return None;
        }
        let digits = value.iter().all(u8::is_ascii_digit);
        let value = std::str::from_utf8(value).ok().filter(|_| digits)?;
        *length = Some(value.parse().ok()?);
    } else if is(SECRET_HEADER) {
        if secret.replace(value).is_some() {
            return None;
        }
    } else if is("transfer-encoding") || is("connection") || is("expect") || is("upgrade") {
        return None;
    }
    Some(())
}

/// A line of a head, without its end.
enum Line<'a> {
    Whole(&'a [u8]),
    /// It has no end yet.
    Unfinished,
    /// CR or LF stand alone in it.
    Odd,
}

impl<'a> Line<'a> {
    /// Takes the first line from `bytes`.
    fn next(bytes: &mut &'a [u8]) -> Self {
        let Some(end) = memchr(b'\n', bytes) else {
            return Self::Unfinished;
        };
        let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
        *bytes = rest;
        match line.strip_suffix(b"\r") {
            Some(line) if memchr(b'\r', line).is_none() => Self::Whole(line),
            _ => Self::Odd,
        }
    }
}

#[cfg(test)]
mod tests;
