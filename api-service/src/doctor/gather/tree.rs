//! A configuration tree, read leniently: what is strange is noted and counts as absent.
//!
//! The strict reader of `emqx-config` refuses a file that is not ours; this one must tell what is
//! wrong with it.

use std::collections::BTreeMap;
use std::time::Duration;

use emqx_config::hocon::Value;
use emqx_config::parse_duration;

/// An object of the tree, its path, and where strange values are noted.
pub(super) struct Node<'a> {
    pub(super) path: String,
    value: &'a Value,
}

/// Sentences about values that could not be read. They name keys, never values.
pub(super) type Strange = Vec<String>;

impl<'a> Node<'a> {
    pub(super) fn new(path: impl Into<String>, value: &'a Value) -> Self {
        Self {
            path: path.into(),
            value,
        }
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// The value below a dotted path. `null` counts as absent.
    pub(super) fn get(&self, path: &str) -> Option<&'a Value> {
        self.value
            .get(path)
            .filter(|value| !matches!(value, Value::Null))
    }

    /// The object below a dotted path.
    pub(super) fn node(&self, path: &str) -> Option<Self> {
        let value = self.get(path)?;
        Some(Self::new(self.path_of(path), value))
    }

    /// Named values below a dotted path.
    pub(super) fn entries(&self, path: &str) -> Vec<(&'a str, Self)> {
        self.node(path)
            .map_or_else(Vec::new, |node| node.entries_here())
    }

    /// Named values of this object.
    pub(super) fn entries_here(&self) -> Vec<(&'a str, Self)> {
        match self.value {
            Value::Object(entries) => entries
                .iter()
                .map(|(name, value)| (name.as_str(), Self::new(self.path_of(name), value)))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// A list of objects; `None` where the key is absent.
    pub(super) fn list(&self, key: &str, strange: &mut Strange) -> Option<Vec<Self>> {
        match self.get(key)? {
            Value::Array(items) => {
                let at = self.path_of(key);
                let node = |(n, value)| Self::new(format!("{at}[{n}]"), value);
                Some(items.iter().enumerate().map(node).collect())
            }
            other => {
                self.note(key, "a list", other, strange);
                None
            }
        }
    }

    pub(super) fn text(&self, key: &str, strange: &mut Strange) -> Option<String> {
        match self.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Int(number) => Some(number.to_string()),
            other => {
                self.note(key, "a text", other, strange);
                None
            }
        }
    }

    pub(super) fn boolean(&self, key: &str, strange: &mut Strange) -> Option<bool> {
        match self.get(key)? {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) if text == "true" => Some(true),
            Value::String(text) if text == "false" => Some(false),
            other => {
                self.note(key, "true or false", other, strange);
                None
            }
        }
    }

    /// A whole number; `infinity` is `u64::MAX`.
    pub(super) fn count(&self, key: &str, strange: &mut Strange) -> Option<u64> {
        let found = self.get(key)?;
        let count = match found {
            Value::Int(number) => u64::try_from(*number).ok(),
            Value::String(text) if text == "infinity" => Some(u64::MAX),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        if count.is_none() {
            self.note(key, "a whole number", found, strange);
        }
        count
    }

    /// A duration; a bare number counts as milliseconds, as EMQX takes it.
    pub(super) fn duration(&self, key: &str, strange: &mut Strange) -> Option<Duration> {
        let found = self.get(key)?;
        let duration = match found {
            Value::Int(millis) => u64::try_from(*millis).ok().map(Duration::from_millis),
            Value::String(text) if text == "infinity" => Some(Duration::MAX),
            Value::String(text) => parse_duration(text),
            _ => None,
        };
        if duration.is_none() {
            self.note(key, "a duration like 2s", found, strange);
        }
        duration
    }

    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        match self.get(key) {
            Some(Value::Array(items)) => items
                .iter()
                .filter_map(|item| match item {
                    Value::String(text) => Some(text.clone()),
                    _ => None,
                })
                .collect(),
            Some(Value::String(text)) => text.split(',').map(|t| t.trim().to_owned()).collect(),
            _ => Vec::new(),
        }
    }

    /// An object of texts.
    pub(super) fn map(&self, key: &str, strange: &mut Strange) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for (name, node) in self.entries(key) {
            match node.value {
                Value::String(text) => {
                    found.insert(name.to_owned(), text.clone());
                }
                other => self.note(&format!("{key}.{name}"), "a text", other, strange),
            }
        }
        found
    }

    fn note(&self, key: &str, expected: &str, found: &Value, strange: &mut Strange) {
        // The kind of what was found, never the value: it may be a secret.
        strange.push(format!(
            "{}: expected {expected}, found {}",
            self.path_of(key),
            found.kind()
        ));
    }
}

/// JSON as the same tree.
pub(super) fn of_json(json: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, Some(number)) => Value::Float(number),
            (None, None) => Value::Null,
        },
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => Value::Array(items.iter().map(of_json).collect()),
        Json::Object(entries) => Value::Object(
            entries
                .iter()
                .map(|(name, value)| (name.clone(), of_json(value)))
                .collect(),
        ),
    }
}

/// Puts a value below a path, merging objects and replacing anything else.
pub(super) fn put(tree: &mut Value, path: &[&str], value: Value) {
    let entries = match tree {
        Value::Object(entries) => entries,
        other => {
            *other = Value::Object(BTreeMap::new());
            match other {
                Value::Object(entries) => entries,
                _ => return,
            }
        }
    };
    match (path.split_first(), value) {
        (None, Value::Object(new)) => entries.extend(new),
        (None, _) => {}
        (Some((first, [])), Value::Object(new)) => {
            let slot = entries.entry((*first).to_owned()).or_insert(Value::Null);
            put(slot, &[], Value::Object(new));
        }
        (Some((first, [])), value) => {
            entries.insert((*first).to_owned(), value);
        }
        (Some((first, rest)), value) => {
            let slot = entries.entry((*first).to_owned()).or_insert(Value::Null);
            put(slot, rest, value);
        }
    }
}
