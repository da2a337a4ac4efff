//! Reads the fields of a request's body and gathers everything that is wrong with them.
//!
//! A derived reader stops at the first mistake. People who fill a form, and engineers who read a log
//! of a factory line, want all of them at once.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::domain::idempotency::request_hash;
use crate::problem::{FieldError, Problem};

/// Most wrong items of one list that are told.
const WRONG_ITEMS_MAX: usize = 20;

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

    /// A hash over what is not read yet, whatever the order of the names: two bodies that say the same
    /// have the same.
    pub(crate) fn hash(&self) -> [u8; 32] {
        // A map of this library is sorted by its names.
        request_hash(&[Value::Object(self.rest.clone()).to_string().as_bytes()])
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

    /// Reads a field under the name that the reader knows it by. If both are there, the given one stays
    /// and is told as unknown.
    pub(crate) fn rename(&mut self, given: &str, known: &str) {
        if !self.rest.contains_key(known)
            && let Some(value) = self.rest.remove(given)
        {
            self.rest.insert(known.to_owned(), value);
        }
    }

    /// Anything that must be there.
    pub(crate) fn required_value<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(Value) -> Result<T, E>,
    ) -> Option<T> {
        match self.rest.remove(name) {
            None | Some(Value::Null) => {
                self.refuse(name, "is missing");
                None
            }
            Some(value) => match parse(value) {
                Ok(value) => Some(value),
                Err(reason) => {
                    self.refuse(name, &reason.to_string());
                    None
                }
            },
        }
    }

    /// A text that may be absent, which changes nothing, or `null`, which takes it away.
    pub(crate) fn nullable<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Option<T>> {
        if self.rest.get(name).is_some_and(Value::is_null) {
            self.rest.remove(name);
            return Some(None);
        }
        self.optional(name, parse).map(Some)
    }

    /// An object that may be absent or `null`.
    pub(crate) fn object<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(Map<String, Value>) -> Result<T, E>,
    ) -> Option<T> {
        match self.rest.remove(name) {
            None | Some(Value::Null) => None,
            Some(Value::Object(object)) => match parse(object) {
                Ok(value) => Some(value),
                Err(reason) => {
                    self.refuse(name, &reason.to_string());
                    None
                }
            },
            Some(_) => {
                self.refuse(name, "must be an object");
                None
            }
        }
    }

    /// A whole number within bounds that may be absent or `null`.
    pub(crate) fn number(&mut self, name: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let value = self.rest.remove(name).filter(|value| !value.is_null())?;
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        let within = number.filter(|number| range.contains(number));
        if within.is_none() {
            let (least, most) = (range.start(), range.end());
            self.refuse(
                name,
                &format!("must be a whole number from {least} to {most}"),
            );
        }
        within
    }

    /// A whole number within bounds that may be absent, which changes nothing, or `null`, which takes it
    /// away.
    pub(crate) fn nullable_number(
        &mut self,
        name: &str,
        range: RangeInclusive<u32>,
    ) -> Option<Option<u32>> {
        if self.rest.get(name).is_some_and(Value::is_null) {
            self.rest.remove(name);
            return Some(None);
        }
        self.number(name, range).map(Some)
    }

    /// A text that is not read yet, right or wrong.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.rest.get(name).and_then(Value::as_str)
    }

    /// Whether a field is there and not `null`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.rest.get(name).is_some_and(|value| !value.is_null())
    }

    /// A list of 1 to `max` texts that may be absent or `null`. Of the wrong ones the first 20 are
    /// told, each with its place.
    pub(crate) fn list<T, E: Display>(
        &mut self,
        name: &str,
        max: usize,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        let values = match self.rest.remove(name) {
            None | Some(Value::Null) => return None,
            Some(Value::Array(values)) if (1..=max).contains(&values.len()) => values,
            Some(_) => {
                self.refuse(name, &format!("must be a list of 1 to {max} texts"));
                return None;
            }
        };
        let (mut read, mut wrong) = (Vec::with_capacity(values.len()), 0);
        for (place, value) in values.iter().enumerate() {
            let reason = match value.as_str().map(&parse) {
                Some(Ok(item)) => {
                    read.push(item);
                    continue;
                }
                Some(Err(reason)) => reason.to_string(),
                None => "must be a text".to_owned(),
            };
            self.refuse(&format!("{name}[{place}]"), &reason);
            wrong += 1;
            if wrong == WRONG_ITEMS_MAX {
                break;
            }
        }
        (wrong == 0).then_some(read)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(text: &str) -> [u8; 32] {
        Fields::new(serde_json::from_str(text).unwrap()).hash()
    }

    #[test]
    fn the_order_of_names_makes_no_other_body_and_a_value_does() {
        let first = hash(r#"{"a": {"x": 1, "y": 2}, "b": "c"}"#);
        assert_eq!(first, hash(r#"{"b":"c","a":{"y":2,"x":1}}"#));
        assert_ne!(first, hash(r#"{"b":"c","a":{"y":2,"x":3}}"#));
        assert_ne!(first, hash(r#"{"b":"c"}"#));
    }
}
