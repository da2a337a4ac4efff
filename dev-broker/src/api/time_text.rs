//! Times of the API: RFC 3339 in UTC outward, RFC 3339 or Unix seconds inward.

use std::time::SystemTime;

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A Unix second as text.
pub(super) fn second(second: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(second).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment.format(&Rfc3339).unwrap_or_default()
}

/// A moment as text, with milliseconds.
pub(super) fn moment(moment: SystemTime) -> String {
    let moment = OffsetDateTime::from(moment);
    let millisecond = moment.millisecond();
    let moment = moment.replace_millisecond(millisecond).unwrap_or(moment);
    moment.format(&Rfc3339).unwrap_or_default()
}

/// A time as EMQX takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    /// A Unix second.
    Second(i64),
    /// `infinity`.
    Never,
}

/// Reads a time.
pub(super) fn parse(value: &Value) -> Option<Time> {
    match value {
        Value::Number(number) => number.as_i64().map(Time::Second),
        Value::String(text) if text == "infinity" => Some(Time::Never),
        Value::String(text) => {
            let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
            Some(Time::Second(moment.unix_timestamp()))
        }
        _ => None,
    }
}
