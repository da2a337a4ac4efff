//! `?withinDays=`, `?limit=` and `?cursor=` of the list of certificates that end.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs::{Fingerprint, MAX_LEAF_DAYS};
use time::OffsetDateTime;

use crate::problem::{FieldError, Problem};
use crate::store::certificate_end::EndPlace;

const WITHIN_DAYS_DEFAULT: u16 = 30;
const LIMIT_DEFAULT: u16 = 50;
const LIMIT_MAX: u16 = 200;

/// Bytes of a time in a cursor, before those of the fingerprint.
const TIME_BYTES: usize = 8;

/// Which page of certificates, in the order of their ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expiring {
    /// Ends within so many days.
    pub(crate) within_days: u16,
    /// At most so many.
    pub(crate) limit: u16,
    /// Only those after this one.
    pub(crate) after: Option<EndPlace>,
}

/// The cursor that continues after a certificate. Callers must not look into it.
pub(crate) fn cursor(after: &EndPlace) -> String {
    // The database keeps microseconds.
    let micros = i64::try_from(after.not_after.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX);
    let micros = micros.to_be_bytes();
    URL_SAFE_NO_PAD.encode([micros.as_slice(), after.fingerprint.as_bytes()].concat())
}

impl<S: Send + Sync> FromRequestParts<S> for Expiring {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(parts.uri.query().unwrap_or(""))
    }
}

fn parse(query: &str) -> Result<Expiring, Problem> {
    let mut asked = Expiring {
        within_days: WITHIN_DAYS_DEFAULT,
        limit: LIMIT_DEFAULT,
        after: None,
    };
    let mut errors = Vec::new();
    let mut refuse = |field: &str, detail: String| {
        let field = field.chars().take(64).collect();
        errors.push(FieldError { field, detail });
    };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "withinDays" => match value.parse() {
                Ok(days) if (1..=MAX_LEAF_DAYS).contains(&days) => asked.within_days = days,
                _ => refuse(
                    "withinDays",
                    format!("must be a number from 1 to {MAX_LEAF_DAYS}"),
                ),
            },
            "limit" => match value.parse() {
                Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => asked.limit = limit,
                _ => refuse("limit", format!("must be a number from 1 to {LIMIT_MAX}")),
            },
            "cursor" => match read_cursor(&value) {
                Some(after) => asked.after = Some(after),
                None => refuse("cursor", "must be a `nextCursor` of this list".to_owned()),
            },
            other => refuse(other, "is not a parameter of this list".to_owned()),
        }
    }
    if errors.is_empty() {
        Ok(asked)
    } else {
        Err(Problem::invalid(errors))
    }
}

fn read_cursor(text: &str) -> Option<EndPlace> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (micros, fingerprint) = bytes.split_at_checked(TIME_BYTES)?;
    let nanos = i128::from(i64::from_be_bytes(micros.try_into().ok()?)) * 1_000;
    Some(EndPlace {
        not_after: OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?,
        fingerprint: Fingerprint::from_slice(fingerprint)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_place() {
        let place = EndPlace {
            not_after: OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap(),
            fingerprint: Fingerprint::of_der(b"x"),
        };
        let query = format!("withinDays=3650&limit=200&cursor={}", cursor(&place));
        let asked = parse(&query).unwrap();
        assert_eq!((asked.within_days, asked.limit), (3_650, 200));
        assert_eq!(asked.after, Some(place));
    }

    #[test]
    fn wrong_and_unknown_parameters_are_refused() {
        for bad in [
            "withinDays=0",
            "withinDays=3651",
            "withinDays=-1",
            "limit=0",
            "limit=201",
            "cursor=",
            "cursor=AAAA",
            "cursor=%%",
            "days=7",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        let asked = parse("").unwrap();
        assert_eq!((asked.within_days, asked.limit), (30, 50));
    }
}
