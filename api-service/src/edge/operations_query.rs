//! `?state=`, `?deviceId=`, `?limit=` and `?cursor=` of the list of operations.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::query::{LIMIT_DEFAULT, LIMIT_MAX};
use crate::problem::{FieldError, Problem};
use crate::store::operation::{OperationFilter, StateFilter};
use schema::DeviceId;

/// Which page of which operations, newest first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OperationsPage {
    /// At most so many.
    pub(crate) limit: u16,
    /// Which.
    pub(crate) filter: OperationFilter,
}

/// The cursor that continues after an operation. Callers must not look into it.
pub(crate) fn cursor(after: i64) -> String {
    URL_SAFE_NO_PAD.encode(after.to_be_bytes())
}

impl<S: Send + Sync> FromRequestParts<S> for OperationsPage {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(parts.uri.query().unwrap_or(""))
    }
}

fn parse(query: &str) -> Result<OperationsPage, Problem> {
    let mut page = OperationsPage {
        limit: LIMIT_DEFAULT,
        filter: OperationFilter::default(),
    };
    let mut errors = Vec::new();
    let mut refuse = |field: &str, detail: String| {
        let field = field.chars().take(64).collect();
        errors.push(FieldError { field, detail });
    };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "state" => match StateFilter::from_word(&value) {
                Some(state) => page.filter.state = Some(state),
                None => refuse("state", "must be pending, done or dead".to_owned()),
            },
            "deviceId" => match DeviceId::parse(&value) {
                Ok(device) => page.filter.device = Some(device),
                Err(error) => refuse("deviceId", error.to_string()),
            },
            "limit" => match value.parse() {
                Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => page.limit = limit,
                _ => refuse("limit", format!("must be a number from 1 to {LIMIT_MAX}")),
            },
            "cursor" => match read_cursor(&value) {
                Some(before) => page.filter.before = Some(before),
                None => refuse("cursor", "must be a `nextCursor` of this list".to_owned()),
            },
            other => refuse(other, "is not a parameter of this list".to_owned()),
        }
    }
    if errors.is_empty() {
        Ok(page)
    } else {
        Err(Problem::invalid(errors))
    }
}

fn read_cursor(text: &str) -> Option<i64> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let id = i64::from_be_bytes(bytes.try_into().ok()?);
    (id > 0).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_is_read() {
        let query = format!("state=dead&deviceId=dev-1&limit=7&cursor={}", cursor(4711));
        let page = parse(&query).unwrap();
        assert_eq!(page.limit, 7);
        assert_eq!(page.filter.state, Some(StateFilter::Dead));
        assert_eq!(page.filter.device.unwrap().as_str(), "dev-1");
        assert_eq!(page.filter.before, Some(4711));
    }

    #[test]
    fn wrong_and_unknown_parameters_are_refused() {
        for bad in [
            "state=",
            "state=Dead",
            "deviceId=a/b",
            "limit=0",
            "limit=201",
            "cursor=Lw",
            "cursor=AAAAAAAAAAA",
            "device=a",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
