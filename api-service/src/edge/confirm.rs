//! `?confirm=`: the caller has seen what a deletion takes along.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::parameters::{self, Wrong};
use crate::domain::deletion::Along;
use crate::problem::{Code, Problem};

/// Most characters of a confirmation; ours have less.
const CONFIRM_CHARS_MAX: usize = 128;

/// What the caller confirms; nothing if they do not.
#[derive(Debug, Default)]
pub(crate) struct Confirm(Option<String>);

impl Confirm {
    /// Whether exactly this text was confirmed.
    pub(crate) fn is(&self, text: &str) -> bool {
        self.0.as_deref() == Some(text)
    }

    /// Refuses unless exactly this was confirmed.
    pub(crate) fn check(&self, along: &Along) -> Result<(), Problem> {
        if self.is(&along.confirmation()) {
            return Ok(());
        }
        let detail = "look at what goes along, `GET .../deletion`, and repeat with its `confirm`";
        Err(Problem::new(Code::DeletionUnconfirmed, detail))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Confirm {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut confirm = Self::default();
        parameters::read(parts, |name, value| match name {
            "confirm" if value.len() <= CONFIRM_CHARS_MAX => {
                confirm.0 = Some(value.to_owned());
                Ok(())
            }
            "confirm" => Err(Wrong::value("must be the `confirm` of the preview")),
            _ => Err(Wrong::Unknown),
        })?;
        Ok(confirm)
    }
}
