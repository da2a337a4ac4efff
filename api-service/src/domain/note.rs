//! What an owner writes about a device.

use serde_json::{Map, Value};

/// Most characters of a name.
const NAME_CHARS_MAX: usize = 128;

/// Most bytes of a metadata object in PostgreSQL's own spelling (the table's check has the same).
const METADATA_BYTES_MAX: usize = 8192;

/// Deepest nesting of metadata; programs that show it need not fear more.
const METADATA_DEPTH_MAX: usize = 8;

/// What an owner calls a device: 1 to 128 characters, no control characters, no spaces at the ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceName(String);

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 128 characters, without control characters and without spaces at the ends")]
pub(crate) struct NotADeviceName;

/// An object of the owner's own; at most 8,192 bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Metadata(Value);

/// Why something is no metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an object of at most 8192 bytes, nested at most 8 deep, without NUL characters")]
pub(crate) struct NotMetadata;

impl DeviceName {
    /// Reads a name.
    pub(crate) fn parse(text: &str) -> Result<Self, NotADeviceName> {
        let fits = (1..=NAME_CHARS_MAX).contains(&text.chars().count())
            && text.trim() == text
            && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned())).ok_or(NotADeviceName)
    }

    /// The name as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Metadata {
    /// Takes an object.
    pub(crate) fn new(object: Map<String, Value>) -> Result<Self, NotMetadata> {
        let value = Value::Object(object);
        let bytes = stored_bytes(&value, 0).ok_or(NotMetadata)?;
        if bytes <= METADATA_BYTES_MAX {
            Ok(Self(value))
        } else {
            Err(NotMetadata)
        }
    }

    /// The object.
    pub(crate) fn value(&self) -> &Value {
        &self.0
    }
}

/// Bytes that PostgreSQL's `jsonb` takes as text: it puts a blank after each colon and comma. `None`
/// for what it does not take, or what is nested too deep.
fn stored_bytes(value: &Value, depth: usize) -> Option<usize> {
    if depth > METADATA_DEPTH_MAX {
        return None;
    }
    let text = |text: &str| {
        let quoted = serde_json::to_string(text).ok()?;
        (!text.contains('\0')).then_some(quoted.len())
    };
    let between = |count: usize| 2 + 2 * count.saturating_sub(1);
    match value {
        Value::Null | Value::Bool(_) => Some(5),
        // Written out in full there: 1e300 has 301 digits.
        Value::Number(number) => {
            let huge = number
                .as_f64()
                .is_none_or(|n| n != 0.0 && !(1e-15..1e21).contains(&n.abs()));
            (!huge).then_some(number.to_string().len() + 21)
        }
        Value::String(string) => text(string),
        Value::Array(items) => {
            let bytes = items.iter().map(|item| stored_bytes(item, depth + 1));
            bytes
                .sum::<Option<usize>>()
                .map(|sum| sum + between(items.len()))
        }
        Value::Object(fields) => {
            let bytes = fields
                .iter()
                .map(|(name, item)| Some(text(name)? + 2 + stored_bytes(item, depth + 1)?));
            bytes
                .sum::<Option<usize>>()
                .map(|sum| sum + between(fields.len()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(value: Value) -> Result<Metadata, NotMetadata> {
        match value {
            Value::Object(object) => Metadata::new(object),
            _ => Err(NotMetadata),
        }
    }

    #[test]
    fn a_name_is_short_and_shown_in_one_line() {
        for good in ["Теплица у дома", "a", &"ж".repeat(128)] {
            assert!(DeviceName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", " a", "a\nb", "\u{0}", &"ж".repeat(129)] {
            assert!(DeviceName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn metadata_is_small_and_shallow_and_what_the_database_takes() {
        let long = |bytes: usize| json!({"a": "x".repeat(bytes)});
        // {"a": "…"} has nine bytes around the text.
        assert!(metadata(long(8183)).is_ok());
        assert!(metadata(long(8184)).is_err());
        assert!(metadata(json!({"room": "кухня", "floor": 2, "tags": ["a", null, true]})).is_ok());
        let mut deep = json!(1);
        for _ in 0..8 {
            deep = json!({ "a": deep });
        }
        assert!(metadata(deep.clone()).is_ok());
        assert!(metadata(json!({ "a": deep })).is_err());
        for bad in [
            json!({"a": "\u{0}"}),
            json!({"\u{0}": 1}),
            json!({"a": 1e300}),
            json!([1]),
        ] {
            assert!(metadata(bad.clone()).is_err(), "{bad}");
        }
    }
}
