//! Reading and parsing what EMQX posts.
//!
//! The content type is not looked at: EMQX's authz requests may come without one. A value that
//! EMQX had nothing for comes as `""`, one that its version does not know as the literal
//! placeholder; both count as absent. Unknown keys are ignored, a key twice is malformed.

use std::borrow::Cow;

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use serde::Deserialize;

use crate::decide::Deny;

/// The longest body that is read, in bytes. A password of 8 KiB still fits in JSON escapes.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// Reads a whole body, at most [`BODY_BYTES_MAX`].
pub(super) async fn collect<B: Body<Data = Bytes> + Unpin>(mut body: B) -> Result<Bytes, Deny> {
    if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
        return Err(Deny::Body);
    }
    let mut first = Bytes::new();
    let mut joined: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Deny::Body)?.into_data() else {
            continue;
        };
        if first.is_empty() && joined.is_empty() {
            // One frame is the rule and is passed on without a copy.
            first = data;
        } else {
            if joined.is_empty() {
                joined.extend_from_slice(&first);
            }
            joined.extend_from_slice(&data);
        }
        if first.len().max(joined.len()) > BODY_BYTES_MAX {
            return Err(Deny::Body);
        }
    }
    Ok(if joined.is_empty() {
        first
    } else {
        joined.into()
    })
}

/// Parses a body. Everything in it must be UTF-8, also what is ignored.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Deny> {
    let text = std::str::from_utf8(body).map_err(|_| Deny::Malformed)?;
    serde_json::from_str(text).map_err(|_| Deny::Malformed)
}

/// A text of the body, borrowed unless it holds escapes.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Text<'_> {
    /// The text, or nothing where EMQX had nothing.
    pub(super) fn present(&self) -> Option<&str> {
        Some(&*self.0).filter(|text| !text.is_empty() && !text.starts_with("${"))
    }
}
