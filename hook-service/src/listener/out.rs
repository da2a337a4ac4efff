//! Answers as bytes: HTTP/1.1 (RFC 9112) with the one shape that every answer of a hook has.

use std::io::Write;
use std::time::{Duration, UNIX_EPOCH};

use httpdate::HttpDate;

use crate::endpoints::Answer;

/// The answer to what nobody looked at. Without a date, which would cost a part of its price.
const SHED: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 17\r\n\r\n\
                      {\"result\":\"deny\"}";

/// Answers that wait to be written.
#[derive(Debug, Default)]
pub(super) struct Out {
    bytes: Vec<u8>,
    written: usize,
    /// The second that `date` tells.
    unix_s: i64,
    date: String,
}

impl Out {
    /// Whether all was written.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What is to be written.
    pub(super) fn left(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// So many bytes of it were.
    pub(super) fn written(&mut self, count: usize) {
        self.written += count;
        if self.written == self.bytes.len() {
            self.bytes.clear();
            self.written = 0;
        }
    }

    /// Denies what nobody looked at.
    pub(super) fn deny(&mut self) {
        self.bytes.extend_from_slice(SHED);
    }
}

impl Answer for Out {
    fn answer(&mut self, body: &[u8], unix_s: i64) {
        if unix_s != self.unix_s || self.date.is_empty() {
            let since = Duration::from_secs(unix_s.max(0).unsigned_abs());
            self.date = HttpDate::from(UNIX_EPOCH + since).to_string();
            self.unix_s = unix_s;
        }
        let (length, date) = (body.len(), &self.date);
        write!(
            self.bytes,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
             date: {date}\r\n\r\n"
        )
        .expect("writing to memory succeeds");
        self.bytes.extend_from_slice(body);
    }
}
