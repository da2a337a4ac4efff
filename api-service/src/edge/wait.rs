//! `?wait=` of a command: how far its operation is to come before the answer.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use utoipa::IntoParams;

use super::parameters::{self, Wrong};
use crate::outbox::Phase;
use crate::problem::Problem;

/// How far to wait; not at all without the parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WaitFor(pub(crate) Option<Phase>);

/// The parameter, for the `OpenAPI` document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `WaitFor` reads")]
pub(crate) struct WaitParameter {
    /// `closed`: answer when the live session is gone; `complete`: when nothing that began before can
    /// come back. For at most 8 seconds: then the answer is 202 with what is known
    #[param(pattern = "^(closed|complete)$")]
    wait: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for WaitFor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut wait = Self(None);
        parameters::read(parts, |name, value| wait.take(name, value))?;
        Ok(wait)
    }
}

impl WaitFor {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Wrong> {
        self.0 = match (name, value) {
            ("wait", "closed") => Some(Phase::Closed),
            ("wait", "complete") => Some(Phase::Complete),
            ("wait", _) => return Err(Wrong::value("must be `closed` or `complete`")),
            _ => return Err(Wrong::Unknown),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<WaitFor, Problem> {
        let mut wait = WaitFor(None);
        parameters::parse(query, |name, value| wait.take(name, value))?;
        Ok(wait)
    }

    #[test]
    fn closed_and_complete_can_be_waited_for_and_nothing_else() {
        assert_eq!(parse("").unwrap(), WaitFor(None));
        assert_eq!(parse("wait=closed").unwrap(), WaitFor(Some(Phase::Closed)));
        let complete = WaitFor(Some(Phase::Complete));
        assert_eq!(parse("wait=complete").unwrap(), complete);
        for bad in [
            "wait=",
            "wait=fenced",
            "wait=closed&for=5",
            "wait=closed&wait=complete",
            "limit=1",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
