//! Cuts answers out of a stream of bytes: status, `Content-Length`, body. Nothing else of HTTP.

use memchr::{memchr, memmem};

/// Heads are at most this long; a longer one is no answer of any server here.
const HEAD_BYTES_MAX: usize = 4096;

/// What stands at the front of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parsed<'a> {
    /// More bytes are needed.
    Incomplete,
    /// A whole answer with status 200.
    Answer {
        /// Bytes of head and body together.
        length: usize,
        body: &'a [u8],
    },
}

/// Remembers the head of the answer before: servers repeat it for a second at a time.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    head: Vec<u8>,
    body_length: usize,
}

impl Parser {
    pub(crate) fn parse<'a>(&mut self, bytes: &'a [u8]) -> Result<Parsed<'a>, String> {
        if self.head.is_empty() || !bytes.starts_with(&self.head) {
            let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
                if bytes.len() > HEAD_BYTES_MAX {
                    return Err(format!("a head of more than {HEAD_BYTES_MAX} bytes"));
                }
                return Ok(Parsed::Incomplete);
            };
            let head = &bytes[..end + 4];
            self.body_length = body_length(head)?;
            self.head.clear();
            self.head.extend_from_slice(head);
        }
        let length = self.head.len() + self.body_length;
        Ok(match bytes.get(self.head.len()..length) {
            Some(body) => Parsed::Answer { length, body },
            None => Parsed::Incomplete,
        })
    }
}

fn body_length(head: &[u8]) -> Result<usize, String> {
    let shown = || String::from_utf8_lossy(&head[..head.len().min(200)]).into_owned();
    if !head.starts_with(b"HTTP/1.1 200 ") {
        return Err(format!("not a 200: {:?}", shown()));
    }
    let mut found = None;
    let mut rest = head;
    while let Some(end) = memchr(b'\n', rest) {
        let line = rest[..end].trim_ascii_end();
        if let Some(colon) = memchr(b':', line)
            && line[..colon].eq_ignore_ascii_case(b"content-length")
        {
            let value = std::str::from_utf8(line[colon + 1..].trim_ascii()).ok();
            let value = value.and_then(|text| text.parse().ok());
            if found.is_some() || value.is_none() {
                return Err(format!(
                    "a Content-Length twice or not a number: {:?}",
                    shown()
                ));
            }
            found = value;
        }
        rest = &rest[end + 1..];
    }
    found.ok_or_else(|| format!("no Content-Length: {:?}", shown()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\n\r\nabc";

    #[test]
    fn an_answer_is_found_byte_by_byte_and_never_too_early() {
        for split in 0..ONE.len() {
            let mut parser = Parser::default();
            assert_eq!(
                parser.parse(&ONE[..split]),
                Ok(Parsed::Incomplete),
                "{split}"
            );
            let length = ONE.len();
            let whole = Parsed::Answer {
                length,
                body: b"abc",
            };
            assert_eq!(parser.parse(ONE), Ok(whole), "{split}");
        }
    }

    #[test]
    fn a_remembered_head_does_not_hide_that_the_next_one_differs() {
        let mut parser = Parser::default();
        parser.parse(ONE).unwrap();
        let next = b"HTTP/1.1 200 OK\r\ncontent-length:  5 \r\n\r\nabcdeHTTP/1.1";
        let expected = Parsed::Answer {
            length: next.len() - 8,
            body: b"abcde",
        };
        assert_eq!(parser.parse(next), Ok(expected));
        let empty = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        let expected = Parsed::Answer {
            length: empty.len(),
            body: b"",
        };
        assert_eq!(parser.parse(empty), Ok(expected));
    }

    #[test]
    fn whatever_is_no_200_with_one_length_is_refused() {
        for bad in [
            &b"HTTP/1.1 204 No Content\r\n\r\n"[..],
            b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
        ] {
            assert!(Parser::default().parse(bad).is_err(), "{bad:?}");
        }
        assert!(
            Parser::default()
                .parse(&[b'x'; HEAD_BYTES_MAX + 1])
                .is_err()
        );
    }
}
