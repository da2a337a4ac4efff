//! The tree that a configuration text becomes.
//!
//! Holds data only; what a key means is the typed view's business.

use std::collections::BTreeMap;

/// A configuration value. Durations and sizes are strings here, as in EMQX.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A string, quoted or not.
    String(String),
    /// A list.
    Array(Vec<Value>),
    /// Named values. Repeated keys were merged: objects into each other, anything else replaced by the later one.
    Object(BTreeMap<String, Value>),
}

impl Value {
    /// The value below `path`, whose parts are parted by dots. A part that itself has a dot can't be reached this way.
    pub fn get(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |at, part| match at {
            Self::Object(entries) => entries.get(part),
            _ => None,
        })
    }

    /// The paths of all leaves, sorted; elements of a list share the path `list[]`. An empty object or list is a leaf.
    pub fn leaf_paths(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.collect(String::new(), &mut found);
        found.sort();
        found.dedup();
        found
    }

    fn collect(&self, path: String, found: &mut Vec<String>) {
        match self {
            Self::Object(entries) if !entries.is_empty() => {
                for (key, value) in entries {
                    let dot = if path.is_empty() { "" } else { "." };
                    value.collect(format!("{path}{dot}{key}"), found);
                }
            }
            Self::Array(items) if items.iter().any(|item| matches!(item, Self::Object(_))) => {
                for item in items {
                    item.collect(format!("{path}[]"), found);
                }
            }
            _ => found.push(path),
        }
    }

    /// What kind of value this is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number with a fraction",
            Self::String(_) => "a string",
            Self::Array(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// Puts `value` below `path`, merging objects and replacing anything else.
    pub(super) fn merge(entries: &mut BTreeMap<String, Self>, path: &[String], value: Self) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        let slot = entries.entry(first.clone()).or_insert(Self::Null);
        if !rest.is_empty() {
            if !matches!(slot, Self::Object(_)) {
                *slot = Self::Object(BTreeMap::new());
            }
            if let Self::Object(inner) = slot {
                Self::merge(inner, rest, value);
            }
            return;
        }
        match (slot, value) {
            (Self::Object(old), Self::Object(new)) => {
                for (key, value) in new {
                    Self::merge(old, &[key], value);
                }
            }
            (slot, value) => *slot = value,
        }
    }
}
