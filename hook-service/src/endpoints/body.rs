//! Reading and parsing what EMQX posts.
//!
//! The content type is not looked at: EMQX's authz requests may come without one. A value that
//! EMQX had nothing for comes as `""`, one that its version does not know as the literal
//! placeholder; both count as absent. Unknown keys are ignored, a key twice is malformed.

use std::borrow::Cow;
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body::Body as _;
use http_body_util::BodyExt;
use serde::Deserialize;

use crate::decide::Deny;

/// The longest body that is read, in bytes. A password of 8 KiB still fits in JSON escapes.
pub(super) const BODY_BYTES_MAX: usize = 16 * 1024;

/// How long a body may take to arrive. EMQX itself gives up after 2 seconds.
const BODY_TIME_MAX: Duration = Duration::from_secs(5);

/// Reads the whole body, at most [`BODY_BYTES_MAX`].
pub(super) async fn read(body: Body) -> Result<Bytes, Deny> {
    match tokio::time::timeout(BODY_TIME_MAX, collect(body)).await {
        Ok(collected) => collected,
        Err(_elapsed) => Err(Deny::Body),
    }
}

async fn collect(mut body: Body) -> Result<Bytes, Deny> {
    let announced = body.size_hint().lower();
    if announced > BODY_BYTES_MAX as u64 {
        return Err(Deny::Body);
    }
    let mut whole: Option<Vec<u8>> = None;
    let mut first: Option<Bytes> = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Deny::Body)?.into_data() else {
            continue;
        };
        match (&mut whole, first.take()) {
            // One frame is the rule and is passed on without a copy.
            (None, None) => first = Some(data),
            (None, Some(head)) => {
                let mut joined = Vec::with_capacity(BODY_BYTES_MAX.min(head.len() + data.len()));
                joined.extend_from_slice(&head);
                joined.extend_from_slice(&data);
                whole = Some(joined);
            }
            (Some(joined), _) => joined.extend_from_slice(&data),
        }
        let length = whole.as_ref().map_or(0, Vec::len) + first.as_ref().map_or(0, Bytes::len);
        if length > BODY_BYTES_MAX {
            return Err(Deny::Body);
        }
    }
    Ok(whole.map(Bytes::from).or(first).unwrap_or_default())
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
