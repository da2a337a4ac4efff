//! What stands at the front of the bytes of a connection: just enough of HTTP to find the end of a
//! request that looks exactly as EMQX writes it.
//!
//! Only denies follow from it. Whatever is unusual in any way is called [`Front::Odd`] and left to
//! the HTTP library, which alone decides what is HTTP.

use http::Method;
use memchr::{memchr, memmem};

use crate::endpoints::Hook;

/// A head is shorter than this, in bytes; EMQX's has about 120.
const HEAD_BYTES_MAX: usize = 4096;

/// A body is at most this long, in bytes: longer ones are denied for that.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// What stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Front {
    /// A whole request to a hook.
    Whole { bytes: usize, hook: Hook },
    /// The beginning of something.
    Partial,
    /// Something else.
    Odd,
}

impl Front {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let looked_at = &bytes[..bytes.len().min(HEAD_BYTES_MAX)];
        let Some(end) = memmem::find(looked_at, b"\r\n\r\n") else {
            return if bytes.len() < HEAD_BYTES_MAX {
                Self::Partial
            } else {
                Self::Odd
            };
        };
        let Some((hook, body)) = head(&bytes[..end + 2]) else {
            return Self::Odd;
        };
        let whole = end + 4 + body;
        if bytes.len() < whole {
            return Self::Partial;
        }
        Self::Whole { bytes: whole, hook }
    }
}

/// The hook and the length of the body. Every line of `head` ends with CR LF.
fn head(head: &[u8]) -> Option<(Hook, usize)> {
    let (line, mut rest) = line(head)?;
    let path = line.strip_prefix(b"POST ")?.strip_suffix(b" HTTP/1.1")?;
    let hook = match Hook::asked(&Method::POST, std::str::from_utf8(path).ok()?) {
        Hook::Other => return None,
        hook => hook,
    };
    let mut length = None;
    while !rest.is_empty() {
        let (field, after) = self::line(rest)?;
        rest = after;
        let colon = memchr(b':', field)?;
        let (name, value) = (&field[..colon], field[colon + 1..].trim_ascii());
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("content-length") {
            if length.is_some() || value.is_empty() || value.len() > 5 {
                return None;
            }
            let digits = value.iter().all(u8::is_ascii_digit);
            let value = std::str::from_utf8(value).ok().filter(|_| digits)?;
            length = Some(value.parse().ok()?);
        } else if is("transfer-encoding") || is("connection") || is("expect") || is("upgrade") {
            return None;
        } else if !name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        {
            return None; // Folded lines begin with a blank, among other things.
        }
    }
    let length = length.filter(|length| *length <= BODY_BYTES_MAX)?;
    Some((hook, length))
}

/// The first line without its end, and what follows; nothing where CR or LF stand alone.
fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr(b'\n', bytes)?;
    let line = bytes[..end].strip_suffix(b"\r")?;
    memchr(b'\r', line)
        .is_none()
        .then(|| (line, &bytes[end + 1..]))
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
            hook: Hook::Authz,
        };
        assert_eq!(Front::of(ONE), whole);
        assert_eq!(Front::of(&[ONE, ONE].concat()), whole);
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
            ("POST", "\r\nPOST"),
        ] {
            let odd = one.replacen(from, to, 1);
            assert_ne!(odd, one);
            assert_eq!(Front::of(odd.as_bytes()), Front::Odd, "{odd}");
        }
        assert_eq!(Front::of(&[b'x'; HEAD_BYTES_MAX]), Front::Odd);
    }
}
