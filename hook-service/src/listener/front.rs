//! What stands at the front of the bytes of a connection: just enough of HTTP to find the end of a
//! request that looks exactly as EMQX writes it.
//!
//! Whatever is unusual in any way is called [`Front::Odd`] and left to the HTTP library, which alone
//! decides what is HTTP (RFC 9112). So this takes less than that allows, and nothing otherwise: one form
//! of the request line, one length in digits, names of fields in letters, digits and hyphens.

use http::Method;
use memchr::memchr;

use crate::endpoints::{Asked, Hook, SECRET_HEADER};

/// A head is shorter than this, in bytes; EMQX's has about 120.
const HEAD_BYTES_MAX: usize = 4096;

/// A body is at most this long, in bytes: longer ones are denied for that.
const BODY_BYTES_MAX: usize = 16 * 1024;

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
        let Some(first) = line(&mut head) else {
            return unfinished;
        };
        let Some(hook) = first.and_then(asked) else {
            return Self::Odd;
        };
        let (mut length, mut secret) = (None, None);
        loop {
            match line(&mut head) {
                None => return unfinished,
                Some(None) => return Self::Odd,
                Some(Some([])) => break,
                Some(Some(field)) => {
                    if look(field, &mut length, &mut secret).is_none() {
                        return Self::Odd;
                    }
                }
            }
        }
        let Some(length) = length.filter(|length| *length <= BODY_BYTES_MAX) else {
            return Self::Odd;
        };
        let body = bytes.len().min(HEAD_BYTES_MAX) - head.len();
        let Some(body) = bytes.get(body..body + length) else {
            return Self::Partial;
        };
        let secret = secret.unwrap_or_default();
        Self::Whole {
            bytes: bytes.len().min(HEAD_BYTES_MAX) - head.len() + length,
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
    let (name, value) = (&field[..colon], field[colon + 1..].trim_ascii());
    let plain = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~');
    let named = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    // Folded lines begin with a blank, among other things.
    if name.is_empty() || !name.iter().all(named) || !value.iter().all(plain) {
        return None;
    }
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

/// Takes the first line, without its end, from `bytes`: nothing where it has no end yet, and nothing in
/// it where CR or LF stand alone.
fn line<'a>(bytes: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let end = memchr(b'\n', bytes)?;
    let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
    *bytes = rest;
    let line = line.strip_suffix(b"\r");
    Some(line.filter(|line| memchr(b'\r', line).is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &[u8] = b"POST /authz HTTP/1.1\r\ncontent-length: 5\r\nhost: hook-service:8081\r\n\
                         content-type: application/json\r\n\r\nabcde";

    #[test]
    fn a_request_as_emqx_writes_it_is_found_as_a_whole_and_never_too_early() {
        for split in 0..ONE.len() {
            assert_eq!(Front::of(&ONE[..split]), Front::Partial, "{split}");
        }
        let whole = Front::Whole {
            bytes: ONE.len(),
            asked: Asked {
                hook: Hook::Authz,
                secret: b"",
                body: b"abcde",
            },
        };
        assert_eq!(Front::of(ONE), whole);
        assert_eq!(Front::of(&[ONE, ONE].concat()), whole);
    }

    #[test]
    fn every_request_recorded_of_emqx_is_one() {
        for recorded in [
            &include_bytes!("../../tests/wire/authn-mtls.http")[..],
            include_bytes!("../../tests/wire/authn-escaped-dn.http"),
            include_bytes!("../../tests/wire/authn-no-credentials.http"),
            include_bytes!("../../tests/wire/authz-publish.http"),
            include_bytes!("../../tests/wire/authz-publish-retain.http"),
            include_bytes!("../../tests/wire/authz-subscribe.http"),
        ] {
            let text = String::from_utf8_lossy(recorded);
            // The recorded broker was told other paths.
            let text = text.replacen("POST /auth ", "POST /authn/device ", 1);
            let text = text.replacen("POST /acl ", "POST /authz ", 1);
            let front = Front::of(text.as_bytes());
            assert!(matches!(front, Front::Whole { .. }), "{front:?}: {text}");
        }
    }

    #[test]
    fn the_secret_is_read_as_the_library_reads_it() {
        let one = String::from_utf8(ONE.to_vec()).unwrap();
        for (line, secret) in [
            ("x-hook-secret: s3cret", &b"s3cret"[..]),
            ("X-Hook-Secret:  s3 cret \t", b"s3 cret"),
            ("x-hook-secret:", b""),
        ] {
            let one = one.replacen("host: ", &format!("{line}\r\nhost: "), 1);
            let Front::Whole { asked, .. } = Front::of(one.as_bytes()) else {
                panic!("{one}");
            };
            assert_eq!(asked.secret, secret, "{line}");
        }
    }

    #[test]
    fn whatever_is_unusual_is_left_to_the_http_library() {
        let one = String::from_utf8(ONE.to_vec()).unwrap();
        for (from, to) in [
            ("POST", "GET"),
            ("HTTP/1.1", "HTTP/1.0"),
            ("/authz", "/authn"),
            ("/authz", "/authz?x"),
            (
                "content-length: 5",
                "content-length: 5\r\ncontent-length: 5",
            ),
            (
                "content-length: 5",
                "content-length: 5\r\nTransfer-Encoding: chunked",
            ),
            ("content-length: 5", "content-length: +5"),
            ("content-length: 5", "content-length: 5, 5"),
            ("content-length: 5", "content-length:"),
            ("content-length: 5", "content-length: 16385"),
            ("content-length: 5", "content-length: 5\r\n folded"),
            ("content-length: 5", "content-length: 5\nx: y"),
            ("content-length: 5", "content-length : 5"),
            ("content-length: 5\r\n", ""),
            ("host: hook", "connection: close\r\nhost: hook"),
            ("host: hook", "Expect: 100-continue\r\nhost: hook"),
            ("host: hook", "no colon\r\nhost: hook"),
            ("host: hook", ": hook"),
            ("host: hook", "host: \u{1}hook"),
            ("host: hook", "host: h\u{f6}ok"),
            ("POST", "\r\nPOST"),
            ("host: ", "x-hook-secret: a\r\nx-hook-secret: a\r\nhost: "),
        ] {
            let odd = one.replacen(from, to, 1);
            assert_ne!(odd, one);
            assert_eq!(Front::of(odd.as_bytes()), Front::Odd, "{odd}");
        }
        assert_eq!(Front::of(&[b'x'; HEAD_BYTES_MAX]), Front::Odd);
    }
}
