//! `?limit=` and `?cursor=` of a list.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::problem::{FieldError, Problem};
use schema::DeviceId;

/// Rows of one page when the caller does not say.
pub(super) const LIMIT_DEFAULT: u16 = 50;

/// Most rows of one page.
pub(super) const LIMIT_MAX: u16 = 200;

/// Which page of devices, in the order of their ids.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// At most so many.
    pub(crate) limit: u16,
    /// Only ids after this one.
    pub(crate) after: Option<DeviceId>,
}

/// The cursor that continues after an id. Callers must not look into it.
pub(crate) fn cursor(after: &str) -> String {
    URL_SAFE_NO_PAD.encode(after)
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(parts.uri.query().unwrap_or(""))
    }
}

fn parse(query: &str) -> Result<Page, Problem> {
    let mut page = Page {
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
            "limit" => match value.parse() {
                Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => page.limit = limit,
                _ => refuse("limit", format!("must be a number from 1 to {LIMIT_MAX}")),
            },
            "cursor" => match read_cursor(&value) {
                Some(after) => page.after = Some(after),
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

fn read_cursor(text: &str) -> Option<DeviceId> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    DeviceId::parse(std::str::from_utf8(&bytes).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_id() {
        let page = parse(&format!("limit=200&cursor={}", cursor("dev-1"))).unwrap();
        assert_eq!(page.limit, 200);
        assert_eq!(page.after.unwrap().as_str(), "dev-1");
    }

    #[test]
    fn wrong_and_unknown_parameters_are_refused() {
        for bad in [
            "limit=0",
            "limit=201",
            "limit=x",
            "cursor=%%",
            "cursor=Lw",
            "offset=1",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(
            parse("").unwrap(),
            Page {
                limit: LIMIT_DEFAULT,
                after: None
            }
        );
    }
}
