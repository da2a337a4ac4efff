//! Reads typed values out of a tree and names the path when one is wrong.
//!
//! Knows no key of EMQX.

use super::ConfError;
use crate::hocon::Value;
use crate::units::{parse_duration, parse_size};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

static EMPTY: BTreeMap<String, Value> = BTreeMap::new();

/// An object and its path. An absent object reads as an empty one.
pub(super) struct Section<'a> {
    path: String,
    entries: &'a BTreeMap<String, Value>,
}

// === impl Section ===

impl<'a> Section<'a> {
    pub(super) fn root(value: &'a Value) -> Result<Self, ConfError> {
        Self::new(String::new(), value)
    }

    fn new(path: String, value: &'a Value) -> Result<Self, ConfError> {
        match value {
            Value::Object(entries) => Ok(Self { path, entries }),
            other => Err(wrong(path, "an object", other)),
        }
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            return key.to_owned();
        }
        format!("{}.{key}", self.path)
    }

    /// The value under a key; `null` counts as absent.
    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        self.entries
            .get(key)
            .filter(|value| !matches!(value, Value::Null))
    }

    pub(super) fn wrong(&self, key: &str, expected: &'static str, found: &Value) -> ConfError {
        wrong(self.path_of(key), expected, found)
    }

    pub(super) fn absent(&self, key: &str) -> ConfError {
        ConfError::Absent {
            path: self.path_of(key),
        }
    }

    /// The object below a dotted path.
    pub(super) fn section(&self, path: &str) -> Result<Self, ConfError> {
        let mut at = Self {
            path: self.path.clone(),
            entries: self.entries,
        };
        for part in path.split('.') {
            let path = at.path_of(part);
            at = match at.value(part) {
                Some(value) => Self::new(path, value)?,
                None => Self {
                    path,
                    entries: &EMPTY,
                },
            };
        }
        Ok(at)
    }

    /// All objects below the object at `path`, by name.
    pub(super) fn sections(&self, path: &str) -> Result<Vec<(String, Self)>, ConfError> {
        self.section(path)?.every_section()
    }

    /// All entries of this object, each of which must be an object.
    pub(super) fn every_section(&self) -> Result<Vec<(String, Self)>, ConfError> {
        let entries = self.entries.iter();
        entries
            .map(|(name, value)| Ok((name.clone(), Self::new(self.path_of(name), value)?)))
            .collect()
    }

    /// A list of objects.
    pub(super) fn list(&self, key: &str) -> Result<Option<Vec<Self>>, ConfError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Array(items)) => items
                .iter()
                .enumerate()
                .map(|(at, item)| Self::new(format!("{}[{at}]", self.path_of(key)), item))
                .collect::<Result<_, _>>()
                .map(Some),
            Some(other) => Err(self.wrong(key, "a list", other)),
        }
    }

    pub(super) fn list_len(&self, key: &str) -> Result<usize, ConfError> {
        match self.value(key) {
            None => Ok(0),
            Some(Value::Array(items)) => Ok(items.len()),
            Some(other) => Err(self.wrong(key, "a list", other)),
        }
    }

    pub(super) fn texts(&self, key: &str) -> Result<Option<Vec<String>>, ConfError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| match item {
                    Value::String(text) => Ok(text.clone()),
                    other => Err(self.wrong(key, "a list of strings", other)),
                })
                .collect::<Result<_, _>>()
                .map(Some),
            Some(other) => Err(self.wrong(key, "a list of strings", other)),
        }
    }

    /// An object of strings, flat.
    pub(super) fn text_map(&self, key: &str) -> Result<BTreeMap<String, String>, ConfError> {
        let section = self.section(key)?;
        let entries = section.entries.iter();
        entries
            .map(|(name, value)| match value {
                Value::String(text) => Ok((name.clone(), text.clone())),
                other => Err(ConfError::Wrong {
                    path: section.path_of(name),
                    expected: "a string",
                    found: other.kind().to_owned(),
                }),
            })
            .collect()
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<String>, ConfError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(self.wrong(key, "a string", other)),
        }
    }

    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>, ConfError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(other) => Err(self.wrong(key, "true or false", other)),
        }
    }

    /// A whole number from 0 up; `infinity` reads as `u64::MAX`.
    pub(super) fn count(&self, key: &str) -> Result<Option<u64>, ConfError> {
        let expected = "a whole number from 0 up, or infinity";
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) if text == "infinity" => Ok(Some(u64::MAX)),
            Some(found @ Value::Int(number)) => u64::try_from(*number)
                .map(Some)
                .map_err(|_| self.wrong(key, expected, found)),
            Some(other) => Err(self.wrong(key, expected, other)),
        }
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<f64>, ConfError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Float(number)) => Ok(Some(*number)),
            // A multiplier: far below 2^32, which an f64 holds exactly.
            Some(found @ Value::Int(number)) => i32::try_from(*number)
                .map(|number| Some(f64::from(number)))
                .map_err(|_| self.wrong(key, "a small number", found)),
            Some(other) => Err(self.wrong(key, "a number", other)),
        }
    }

    /// A duration; `infinity` reads as `Duration::MAX`.
    pub(super) fn duration(&self, key: &str) -> Result<Option<Duration>, ConfError> {
        let expected = "a duration like 2s, 500ms or 1m";
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) if text == "infinity" => Ok(Some(Duration::MAX)),
            Some(found @ Value::String(text)) => parse_duration(text)
                .map(Some)
                .ok_or_else(|| self.wrong(key, expected, found)),
            Some(other) => Err(self.wrong(key, expected, other)),
        }
    }

    /// A size in bytes.
    pub(super) fn size(&self, key: &str) -> Result<Option<u64>, ConfError> {
        let expected = "a size like 64KB or 1MB";
        match self.value(key) {
            Some(found @ Value::String(text)) => parse_size(text)
                .map(Some)
                .ok_or_else(|| self.wrong(key, expected, found)),
            _ => self.count(key),
        }
    }

    /// An address `host:port` with a literal IP, or a bare port, which EMQX binds on all IPv4 addresses.
    pub(super) fn address(&self, key: &str) -> Result<Option<SocketAddr>, ConfError> {
        let expected = "an address like 0.0.0.0:8883, or a port";
        let all = |port: u16| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        match self.value(key) {
            None => Ok(None),
            Some(found @ Value::Int(port)) => u16::try_from(*port)
                .map(|port| Some(all(port)))
                .map_err(|_| self.wrong(key, expected, found)),
            Some(found @ Value::String(text)) => text
                .parse()
                .or_else(|_| text.trim_start_matches(':').parse().map(all))
                .map(Some)
                .map_err(|_| self.wrong(key, expected, found)),
            Some(other) => Err(self.wrong(key, expected, other)),
        }
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(
        &self,
        key: &str,
        expected: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, ConfError> {
        match self.value(key) {
            None => Ok(None),
            Some(found @ Value::String(text)) => words
                .iter()
                .find(|(word, _)| word == text)
                .map(|(_, meaning)| Some(*meaning))
                .ok_or_else(|| self.wrong(key, expected, found)),
            Some(other) => Err(self.wrong(key, expected, other)),
        }
    }
}

fn wrong(path: String, expected: &'static str, found: &Value) -> ConfError {
    let found = match found {
        Value::String(text) => format!("{text:?}"),
        Value::Int(number) => number.to_string(),
        other => other.kind().to_owned(),
    };
    ConfError::Wrong {
        path,
        expected,
        found,
    }
}
