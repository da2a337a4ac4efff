//! From the bytes of a request to its lines, and from a line to the fields of one registration.

use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::{LINE_BYTES_MAX, NDJSON, csv};
use crate::edge::fields::Fields;
use crate::edge::object::Object;
use crate::problem::{Code, Problem};

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// A JSON object each.
    Ndjson,
    /// Comma-separated values, the first line naming the columns.
    Csv,
}

/// Cuts bytes into lines as they come.
#[derive(Debug)]
pub(super) struct Cutter {
    format: Format,
    line: Vec<u8>,
    is_quoted: bool,
    is_too_long: bool,
}

/// A line; `None` if it was too long to be kept.
pub(super) type Line = Option<Vec<u8>>;

/// Reads lines as registrations.
#[derive(Debug)]
pub(super) struct Columns(Option<Vec<String>>);

impl Format {
    /// What the caller says it sends.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        match value
            .split(';')
            .next()?
            .trim()
            .to_ascii_lowercase()
            .as_str()
        {
            NDJSON | "application/jsonl" | "application/ndjson" => Some(Self::Ndjson),
            "text/csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

impl Cutter {
    /// Nothing came yet.
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            line: Vec::new(),
            is_quoted: false,
            is_too_long: false,
        }
    }

    /// Takes more bytes and gives the lines that end in them. Empty lines are passed over.
    pub(super) fn take(&mut self, bytes: &[u8], into: &mut Vec<Line>) {
        for &byte in bytes {
            // A quote in CSV opens or closes; one written twice does both.
            self.is_quoted ^= byte == b'"' && self.format == Format::Csv;
            if byte == b'\n' && !self.is_quoted {
                into.extend(self.end());
            } else if self.line.len() < LINE_BYTES_MAX {
                self.line.push(byte);
            } else {
                self.is_too_long = true;
            }
        }
    }

    /// Ends a line, also the last one without a line feed. `None` if it is empty.
    pub(super) fn end(&mut self) -> Option<Line> {
        self.is_quoted = false;
        let mut line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.is_too_long) {
            return Some(None);
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        (!line.trim_ascii().is_empty()).then_some(Some(line))
    }
}

impl Columns {
    /// For lines of JSON.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// The columns that the first line of CSV names.
    pub(super) fn read(line: Line) -> Result<Self, Problem> {
        let wrong = || {
            let detail = "the first line of CSV must name its columns, each once: deviceId, model, \
                          csr, and perhaps firmwareVersion and qrType";
            Problem::new(Code::InvalidRequest, detail)
        };
        let text = line.and_then(|line| String::from_utf8(line).ok());
        let text = text.ok_or_else(wrong)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let columns = csv::fields(text).ok_or_else(wrong)?;
        let known = ["deviceId", "model", "csr", "firmwareVersion", "qrType"];
        let is_known = |column: &String| known.contains(&column.as_str());
        let once = columns.iter().enumerate();
        let once = once.filter(|(place, column)| !columns[..*place].contains(column));
        if once.count() == columns.len() && columns.iter().all(is_known) {
            Ok(Self(Some(columns)))
        } else {
            Err(wrong())
        }
    }

    /// The fields of a line.
    pub(super) fn fields(&self, line: &Line) -> Result<Fields, Problem> {
        let Some(line) = line else {
            let detail = format!("a line has at most {LINE_BYTES_MAX} bytes");
            return Err(Problem::new(Code::BodyTooLarge, detail));
        };
        let map = match &self.0 {
            None => {
                let object = serde_json::from_slice::<Object>(line);
                let detail = "the line is not one JSON object with each name once";
                object
                    .map_err(|_| Problem::new(Code::JsonMalformed, detail))?
                    .0
            }
            Some(columns) => from_csv(columns, line)?,
        };
        Ok(Fields::new(map))
    }
}

/// An empty field is one that is not given.
fn from_csv(columns: &[String], line: &[u8]) -> Result<Map<String, Value>, Problem> {
    let values = std::str::from_utf8(line).ok().and_then(csv::fields);
    let values = values.filter(|values| values.len() == columns.len());
    let values = values.ok_or_else(|| {
        let detail = "the line is not CSV in UTF-8 with one field for each column";
        Problem::new(Code::InvalidRequest, detail)
    })?;
    let fields = columns.iter().cloned().zip(values);
    let given = fields.filter(|(_, value)| !value.is_empty());
    Ok(given
        .map(|(name, value)| (name, Value::String(value)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(format: Format, chunks: &[&str]) -> Vec<Line> {
        let mut cutter = Cutter::new(format);
        let mut lines = Vec::new();
        for chunk in chunks {
            cutter.take(chunk.as_bytes(), &mut lines);
        }
        lines.extend(cutter.end());
        lines
    }

    fn lines(texts: &[&str]) -> Vec<Line> {
        let line = |text: &&str| Some(text.as_bytes().to_vec());
        texts.iter().map(line).collect()
    }

    #[test]
    fn lines_are_cut_wherever_the_chunks_end() {
        let expected = lines(&["{\"a\":1}", "{\"b\":\"\"}", "{}"]);
        for chunks in [
            &["{\"a\":1}\n{\"b\":\"\"}\r\n\n  \n{}"][..],
            &["{\"a\"", ":1}", "\n", "{\"b\":\"\"}\r", "\n{}", "\n"],
        ] {
            assert_eq!(cut(Format::Ndjson, chunks), expected);
        }
    }

    #[test]
    fn a_quoted_line_feed_ends_no_record_of_csv() {
        let text = "a,\"-----BEGIN\nx\n-----END\"\r\nb,\"c\"\"\nd\"\n";
        let expected = lines(&["a,\"-----BEGIN\nx\n-----END\"", "b,\"c\"\"\nd\""]);
        assert_eq!(cut(Format::Csv, &[text]), expected);
        let (one, two) = text.split_at(9);
        assert_eq!(cut(Format::Csv, &[one, two]), expected);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_alone() {
        let long = "x".repeat(LINE_BYTES_MAX + 1);
        let found = cut(Format::Ndjson, &[&long, "\n{}\n"]);
        assert_eq!(found, [None, Some(b"{}".to_vec())]);
        let fits = "x".repeat(LINE_BYTES_MAX);
        assert_eq!(cut(Format::Ndjson, &[&fits]), lines(&[&fits]));
    }

    #[test]
    fn the_columns_of_csv_are_named_once_and_known() {
        let read = |text: &str| Columns::read(Some(text.as_bytes().to_vec()));
        let columns = read("\u{feff}model,deviceId,csr").unwrap();
        assert!(columns.fields(&Some(b"m,d,c".to_vec())).is_ok());
        for bad in ["m,d", "m,d,c,e", "m,\"d,c"] {
            assert!(
                columns.fields(&Some(bad.as_bytes().to_vec())).is_err(),
                "{bad}"
            );
        }
        for bad in ["deviceId,deviceId", "deviceId,renew", "\"deviceId", ""] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(Columns::read(None).is_err());
    }
}
