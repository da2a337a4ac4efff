//! `?wait=` of a command: how far its operation is to come before the answer.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::outbox::Phase;
use crate::problem::{FieldError, Problem};

/// How far to wait; not at all without the parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WaitFor(pub(crate) Option<Phase>);

impl<S: Send + Sync> FromRequestParts<S> for WaitFor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(parts.uri.query().unwrap_or(""))
    }
}

fn parse(query: &str) -> Result<WaitFor, Problem> {
    let mut wait = WaitFor(None);
    let mut errors = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let detail = match (&*name, &*value) {
            ("wait", "closed") => {
                wait = WaitFor(Some(Phase::Closed));
                continue;
            }
            ("wait", "complete") => {
                wait = WaitFor(Some(Phase::Complete));
                continue;
            }
            ("wait", _) => "must be `closed` or `complete`",
            _ => "is not a parameter of this command",
        };
        errors.push(FieldError {
            field: name.chars().take(64).collect(),
            detail: detail.to_owned(),
        });
    }
    if errors.is_empty() {
        Ok(wait)
    } else {
        Err(Problem::invalid(errors))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_and_complete_can_be_waited_for_and_nothing_else() {
        assert_eq!(parse("").unwrap(), WaitFor(None));
        assert_eq!(parse("wait=closed").unwrap(), WaitFor(Some(Phase::Closed)));
        let complete = WaitFor(Some(Phase::Complete));
        assert_eq!(parse("wait=complete").unwrap(), complete);
        for bad in ["wait=", "wait=fenced", "wait=closed&for=5", "limit=1"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
