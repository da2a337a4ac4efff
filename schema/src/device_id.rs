//! A device's id, which is also its MQTT client id, its user name, and its certificate's CN.

mod reserved;

use std::str::FromStr;

/// A device id: 1 to 64 bytes of `A-Z a-z 0-9 _ -`.
///
/// No `.`, so it can never look like a service client (`svc.`) or a person (`usr.`); no `/ + #`, so it
/// is always exactly one literal topic level.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(Box<str>);

/// Why a text is no device id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceIdError {
    /// Nothing at all.
    #[error("a device id must not be empty")]
    Empty,
    /// Longer than [`DeviceId::MAX_BYTES`].
    #[error("a device id has at most 64 characters, this one has {bytes} bytes")]
    TooLong {
        /// Its length in UTF-8 bytes.
        bytes: usize,
    },
    /// A character outside the grammar.
    #[error("a device id consists of A-Z, a-z, 0-9, '_' and '-'; {character:?} is none of them")]
    Character {
        /// The first such character.
        character: char,
    },
    /// Well formed, but kept from devices.
    #[error(
        "{id:?} is reserved (a host name, topic word or name of the system); choose another id"
    )]
    Reserved {
        /// The id.
        id: String,
    },
}

impl DeviceId {
    /// Longest id, in bytes.
    pub const MAX_BYTES: usize = 64;

    /// Checks the grammar. Enough for ids that claim to exist; new ones go through
    /// [`DeviceId::register`].
    pub fn parse(text: &str) -> Result<Self, DeviceIdError> {
        if text.is_empty() {
            return Err(DeviceIdError::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(DeviceIdError::TooLong { bytes: text.len() });
        }
        match text.chars().find(|&character| !Self::allows(character)) {
            Some(character) => Err(DeviceIdError::Character { character }),
            None => Ok(Self(text.into())),
        }
    }

    /// Checks the grammar and the reserved names: for an id that enters the system.
    pub fn register(text: &str) -> Result<Self, DeviceIdError> {
        let id = Self::parse(text)?;
        if reserved::is_reserved(id.as_str()) {
            return Err(DeviceIdError::Reserved { id: id.to_string() });
        }
        Ok(id)
    }

    /// Whether the grammar holds, without taking the text: for paths that answer many requests.
    pub fn is_valid(text: &str) -> bool {
        (1..=Self::MAX_BYTES).contains(&text.len()) && text.chars().all(Self::allows)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    const fn allows(character: char) -> bool {
        matches!(character, 'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '-')
    }
}

impl FromStr for DeviceId {
    type Err = DeviceIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl AsRef<str> for DeviceId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

crate::sql_text::text_forms!(DeviceId);

#[cfg(test)]
mod tests;
