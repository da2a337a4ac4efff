//! Reads the fields of a request's body and gathers everything that is wrong with them.
//!
//! A derived reader stops at the first mistake. People who fill a form, and engineers who read a log
//! of a factory line, want all of them at once.

use std::fmt::Display;

use serde_json::{Map, Value};

use crate::problem::{FieldError, Problem};

/// The fields that are not read yet, and the mistakes found.
pub(crate) struct Fields {
    rest: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Starts reading.
    pub(crate) fn new(rest: Map<String, Value>) -> Self {
        Self {
            rest,
            errors: Vec::new(),
        }
    }

    /// A text that must be there.
    pub(crate) fn required<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if self.rest.get(name).is_none_or(Value::is_null) {
            self.rest.remove(name);
            self.refuse(name, "is missing");
            return None;
        }
        self.optional(name, parse)
    }

    /// A text that may be absent or `null`.
    pub(crate) fn optional<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match self.rest.remove(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => match parse(&text) {
                Ok(value) => Some(value),
                Err(reason) => {
                    self.refuse(name, &reason.to_string());
                    None
                }
            },
            Some(_) => {
                self.refuse(name, "must be a text");
                None
            }
        }
    }

    /// `true` or `false`; absent means `false`.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        match self.rest.remove(name) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(value)) => value,
            Some(_) => {
                self.refuse(name, "must be true or false");
                false
            }
        }
    }

    /// Notes a mistake.
    pub(crate) fn refuse(&mut self, name: &str, detail: &str) {
        self.errors.push(FieldError {
            field: name.to_owned(),
            detail: detail.to_owned(),
        });
    }

    /// Ends the reading: what is left is unknown, and every mistake is told at once.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        for name in self.rest.keys() {
            // A name is the caller's text: cut, it can fill neither our answer nor a screen.
            let field: String = name.chars().take(64).collect();
            self.errors.push(FieldError {
                field,
                detail: "is not a field of this request".into(),
            });
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.errors))
        }
    }
}
