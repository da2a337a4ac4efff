//! Settings from the environment, read once, complained about all at once.
//!
//! A setting that is a secret may stand in a file named by `<NAME>_FILE`. Every complaint names the
//! setting, what is wrong with it and an example that would be right. A variable with this
//! service's prefix that nobody read is a complaint too: it is a misspelled setting.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

pub use self::secret::Secret;

mod secret;
#[cfg(test)]
mod tests;

/// A secret file longer than this is not a secret file, in bytes.
const SECRET_FILE_BYTES_MAX: u64 = 16 * 1024;

/// The settings of one process, and the mistakes found in them so far.
#[derive(Debug)]
pub struct Settings {
    prefix: String,
    values: BTreeMap<String, String>,
    read: BTreeSet<String>,
    mistakes: Vec<String>,
}

/// Every mistake in the settings, one sentence each.
#[derive(Debug, PartialEq, Eq)]
pub struct SettingsErrors(pub Vec<String>);

impl Settings {
    /// Reads the process environment. `prefix` (`"HOOK_"`) marks the variables that are ours.
    pub fn from_env(prefix: &str) -> Self {
        Self::from_map(prefix, std::env::vars().collect())
    }

    /// Reads a map, so that tests need no process environment.
    pub fn from_map(prefix: &str, values: BTreeMap<String, String>) -> Self {
        Self {
            prefix: prefix.to_owned(),
            values,
            read: BTreeSet::new(),
            mistakes: Vec::new(),
        }
    }

    /// A value that must be given. `example` is shown when it is missing.
    pub fn required(&mut self, name: &str, example: &str) -> String {
        self.value(name).unwrap_or_else(|| {
            self.mistake(format!(
                "{name} is not set: set it, for example {name}={example}"
            ));
            String::new()
        })
    }

    /// A value that may be absent. An empty one counts as absent.
    pub fn optional(&mut self, name: &str) -> Option<String> {
        self.value(name)
    }

    /// A value with a default. `expected` says in words what would be right.
    pub fn parse_or<T: FromStr>(&mut self, name: &str, default: &str, expected: &str) -> T
    where
        T::Err: fmt::Display,
    {
        let given = self.value(name);
        match given.as_deref().unwrap_or(default).parse() {
            Ok(value) => value,
            Err(error) => {
                let given = given.unwrap_or_default();
                self.mistake(format!("{name}={given:?} is not {expected}: {error}"));
                default
                    .parse()
                    .unwrap_or_else(|_| panic!("the default of {name} must parse"))
            }
        }
    }

    /// A number within limits, both included.
    pub fn in_range<T>(&mut self, name: &str, default: T, range: RangeInclusive<T>) -> T
    where
        T: FromStr + PartialOrd + fmt::Display + Copy,
    {
        let Some(given) = self.value(name) else {
            return default;
        };
        match given.parse() {
            Ok(value) if range.contains(&value) => value,
            _ => {
                let (low, high) = (range.start(), range.end());
                self.mistake(format!(
                    "{name}={given:?} is not a number from {low} to {high}"
                ));
                default
            }
        }
    }

    /// One of a few words.
    pub fn one_of<T: Copy>(&mut self, name: &str, default: T, words: &[(&str, T)]) -> T {
        let Some(given) = self.value(name) else {
            return default;
        };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == given) {
            return *value;
        }
        let known = words
            .iter()
            .map(|(word, _)| *word)
            .collect::<Vec<_>>()
            .join(", ");
        self.mistake(format!("{name}={given:?} is not one of: {known}"));
        default
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &str, default: bool) -> bool {
        self.one_of(name, default, &[("true", true), ("false", false)])
    }

    /// A secret, given as a value or as the path of a file in `<NAME>_FILE` (its last line end is
    /// dropped). Giving both is a mistake, and so is a file that cannot be read.
    pub fn secret(&mut self, name: &str) -> Option<Secret> {
        let file_name = format!("{name}_FILE");
        let value = self.value(name);
        let path = self.value(&file_name);
        match (value, path) {
            (Some(_), Some(_)) => {
                self.mistake(format!(
                    "{name} and {file_name} are both set: keep one of them"
                ));
                None
            }
            (Some(value), None) => Some(Secret::new(value)),
            (None, Some(path)) => match read_secret(&path) {
                Ok(secret) => Some(secret),
                Err(reason) => {
                    self.mistake(format!("{file_name}={path}: {reason}"));
                    None
                }
            },
            (None, None) => None,
        }
    }

    /// A secret that must be given.
    pub fn required_secret(&mut self, name: &str) -> Secret {
        let before = self.mistakes.len();
        self.secret(name).unwrap_or_else(|| {
            if self.mistakes.len() == before {
                self.mistake(format!(
                    "{name} is not set: set it, or {name}_FILE to a file with it"
                ));
            }
            Secret::new(String::new())
        })
    }

    /// Notes a mistake that the service found by itself (two settings that exclude each other).
    pub fn mistake(&mut self, sentence: String) {
        self.mistakes.push(sentence);
    }

    /// Ends the reading: every mistake at once, or none.
    pub fn finish(mut self) -> Result<(), SettingsErrors> {
        let unread = self
            .values
            .keys()
            .filter(|name| name.starts_with(&self.prefix) && !self.read.contains(*name))
            .map(|name| {
                format!("{name} is not a setting of this service: remove it or mend its name")
            })
            .collect::<Vec<_>>();
        self.mistakes.extend(unread);
        if self.mistakes.is_empty() {
            Ok(())
        } else {
            Err(SettingsErrors(self.mistakes))
        }
    }

    fn value(&mut self, name: &str) -> Option<String> {
        self.read.insert(name.to_owned());
        self.values
            .get(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }
}

fn read_secret(path: &str) -> Result<Secret, String> {
    let length = std::fs::metadata(path)
        .map_err(|error| error.to_string())?
        .len();
    if length > SECRET_FILE_BYTES_MAX {
        return Err(format!("is longer than {SECRET_FILE_BYTES_MAX} bytes"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    Ok(Secret::new(text.to_owned()))
}

impl fmt::Display for SettingsErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsErrors {}
