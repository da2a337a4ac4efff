//! What EMQX makes of a hook's HTTP answer. Pure; `authn` and `authz` differ and have a file each.

pub(crate) mod authn;
pub(crate) mod authz;

use serde_json::Value;

/// An HTTP answer as the hook client hands it over.
#[derive(Debug, Clone)]
pub(crate) struct HttpAnswer {
    /// Status code.
    pub status: u16,
    /// `content-type`, unchanged.
    pub content_type: Option<String>,
    /// Body, at most 1 MiB.
    pub body: Vec<u8>,
}

/// Reads a body by its content type; the prefix is compared with case (contract 1.5).
fn parse_body(content_type: &str, body: &[u8]) -> Option<serde_json::Map<String, Value>> {
    if content_type.starts_with("application/json") {
        return match serde_json::from_slice(body).ok()? {
            Value::Object(map) => Some(map),
            _ => None,
        };
    }
    if content_type.starts_with("application/x-www-form-urlencoded") {
        let text = std::str::from_utf8(body).ok()?;
        return text
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(form_pair)
            .collect();
    }
    None
}

fn form_pair(pair: &str) -> Option<(String, Value)> {
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced)
            .decode_utf8()
            .ok()
            .map(std::borrow::Cow::into_owned)
    };
    Some((decode(key)?, Value::String(decode(value)?)))
}
