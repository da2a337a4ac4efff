//! Reads HTTP/1.1 answers from a buffer. Pure: no socket, no waiting.

use bytes::{Buf as _, BytesMut};

use crate::answer::HttpAnswer;

/// Most headers of an answer.
const MAX_HEADERS: usize = 64;
/// Most bytes of an answer's head.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Most bytes of an answer's body.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// What the buffer held.
#[derive(Debug)]
pub(super) enum Parsed {
    /// More bytes are needed.
    Partial,
    /// One answer, taken out of the buffer.
    Complete {
        /// The answer.
        answer: HttpAnswer,
        /// False if the server will close.
        keep_alive: bool,
    },
}

/// The bytes are no answer, or are beyond the limits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// Takes one answer out of `buffer`; `closed` says that nothing more will come.
pub(super) fn parse(buffer: &mut BytesMut, closed: bool) -> Result<Parsed, Broken> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut head = httparse::Response::new(&mut headers);
        let head_bytes = match head.parse(buffer).map_err(|_| Broken)? {
            httparse::Status::Complete(bytes) => bytes,
            httparse::Status::Partial if buffer.len() > MAX_HEAD_BYTES => return Err(Broken),
            httparse::Status::Partial => return Ok(Parsed::Partial),
        };
        let status = head.code.ok_or(Broken)?;
        let named = |name: &str| {
            let hit = head
                .headers
                .iter()
                .find(|header| header.name.eq_ignore_ascii_case(name));
            hit.and_then(|header| std::str::from_utf8(header.value).ok())
                .map(str::to_owned)
        };
        let content_type = named("content-type");
        let says_close = named("connection").is_some_and(|v| v.eq_ignore_ascii_case("close"));
        let chunked =
            named("transfer-encoding").is_some_and(|v| v.to_ascii_lowercase().contains("chunked"));
        let length = named("content-length");
        if (100..200).contains(&status) {
            buffer.advance(head_bytes);
            continue;
        }
        let rest = &buffer[head_bytes..];
        let (body, body_bytes) = if status == 204 || status == 304 {
            (Vec::new(), 0)
        } else if chunked {
            match dechunk(rest)? {
                Some(found) => found,
                None => return Ok(Parsed::Partial),
            }
        } else if let Some(length) = length {
            let length: usize = length.trim().parse().map_err(|_| Broken)?;
            if length > MAX_BODY_BYTES {
                return Err(Broken);
            }
            match rest.get(..length) {
                Some(body) => (body.to_vec(), length),
                None => return Ok(Parsed::Partial),
            }
        } else if closed {
            (rest.to_vec(), rest.len())
        } else if rest.len() > MAX_BODY_BYTES {
            return Err(Broken);
        } else {
            return Ok(Parsed::Partial);
        };
        buffer.advance(head_bytes + body_bytes);
        let answer = HttpAnswer {
            status,
            content_type,
            body,
        };
        return Ok(Parsed::Complete {
            answer,
            keep_alive: !says_close,
        });
    }
}

/// Decodes a chunked body: the body and the bytes it took, `None` if it isn't complete.
fn dechunk(mut rest: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Broken> {
    let whole = rest.len();
    let mut body = Vec::new();
    loop {
        let (start, size) = match httparse::parse_chunk_size(rest).map_err(|_| Broken)? {
            httparse::Status::Complete(found) => found,
            httparse::Status::Partial => return Ok(None),
        };
        let size = usize::try_from(size).map_err(|_| Broken)?;
        if body.len().saturating_add(size) > MAX_BODY_BYTES {
            return Err(Broken);
        }
        rest = &rest[start..];
        if size == 0 {
            // Trailers are not used by any hook: only the empty one is understood.
            return match rest.get(..2) {
                Some(b"\r\n") => Ok(Some((body, whole - rest.len() + 2))),
                Some(_) => Err(Broken),
                None => Ok(None),
            };
        }
        let Some(chunk) = rest.get(..size + 2) else {
            return Ok(None);
        };
        body.extend_from_slice(&chunk[..size]);
        rest = &rest[size + 2..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, closed: bool) -> Result<Option<(u16, String, usize)>, Broken> {
        let mut buffer = BytesMut::from(text);
        Ok(match parse(&mut buffer, closed)? {
            Parsed::Partial => None,
            Parsed::Complete { answer, .. } => {
                let body = String::from_utf8(answer.body).expect("tests use text");
                Some((answer.status, body, buffer.len()))
            }
        })
    }

    #[test]
    fn pipelined_answers_are_taken_one_by_one() {
        let two = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhiHTTP/1.1 204 No Content\r\n\r\n";
        assert_eq!(parsed(two, false), Ok(Some((200, "hi".to_owned(), 27))));
    }

    #[test]
    fn chunks_are_joined_and_a_missing_tail_waits() {
        let chunked =
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n";
        assert_eq!(parsed(chunked, false), Ok(Some((200, "hi!".to_owned(), 0))));
        for cut in 1..chunked.len() {
            assert_eq!(parsed(&chunked[..cut], false), Ok(None), "cut at {cut}");
        }
    }

    #[test]
    fn a_body_without_a_length_ends_with_the_connection() {
        let text = "HTTP/1.1 200 OK\r\n\r\nall of it";
        assert_eq!(parsed(text, false), Ok(None));
        assert_eq!(
            parsed(text, true),
            Ok(Some((200, "all of it".to_owned(), 0)))
        );
    }

    #[test]
    fn what_is_no_http_or_too_large_is_broken() {
        assert_eq!(parsed("SSH-2.0-x\r\n\r\n", false), Err(Broken));
        let large = "HTTP/1.1 200 OK\r\ncontent-length: 1048577\r\n\r\n";
        assert_eq!(parsed(large, false), Err(Broken));
    }
}
