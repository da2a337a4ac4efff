//! The name of a service client: part of its client ids and of its certificate's CN.

use std::str::FromStr;

/// A service client's name: 1 to 32 bytes of `a-z 0-9 -`.
///
/// Its certificate's CN is `svc.<name>`, its MQTT client ids are `svc.<name>.<instance>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceClientName(Box<str>);

/// Why a text is no name of a service client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceClientNameError {
    /// Empty, or longer than [`ServiceClientName::MAX_BYTES`].
    #[error("a service client's name has 1 to 32 characters, this one has {bytes} bytes")]
    Length {
        /// Its length in UTF-8 bytes.
        bytes: usize,
    },
    /// A character outside the grammar.
    #[error("a service client's name consists of a-z, 0-9 and '-'; {character:?} is none of them")]
    Character {
        /// The first such character.
        character: char,
    },
}

impl ServiceClientName {
    /// Longest name, in bytes.
    pub const MAX_BYTES: usize = 32;

    /// Checks the grammar.
    pub fn parse(text: &str) -> Result<Self, ServiceClientNameError> {
        if text.is_empty() || text.len() > Self::MAX_BYTES {
            return Err(ServiceClientNameError::Length { bytes: text.len() });
        }
        match text.chars().find(|&character| !Self::allows(character)) {
            Some(character) => Err(ServiceClientNameError::Character { character }),
            None => Ok(Self(text.into())),
        }
    }

    /// Whether the grammar holds, without taking the text: for paths that answer many requests.
    pub fn is_valid(text: &str) -> bool {
        (1..=Self::MAX_BYTES).contains(&text.len()) && text.chars().all(Self::allows)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    const fn allows(character: char) -> bool {
        matches!(character, 'a'..='z' | '0'..='9' | '-')
    }
}

impl FromStr for ServiceClientName {
    type Err = ServiceClientNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl AsRef<str> for ServiceClientName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

crate::sql_text::text_forms!(ServiceClientName);

#[cfg(test)]
mod tests {
    use super::{ServiceClientName, ServiceClientNameError};

    #[test]
    fn length_and_characters_are_bounded() {
        assert!(ServiceClientName::parse("gateway-2").is_ok());
        assert!(ServiceClientName::parse(&"a".repeat(32)).is_ok());
        for (text, bytes) in [("", 0), ("a".repeat(33).as_str(), 33)] {
            assert_eq!(
                ServiceClientName::parse(text),
                Err(ServiceClientNameError::Length { bytes })
            );
        }
        for text in ["Gateway", "a.b", "a_b", "a/b", "+"] {
            assert!(ServiceClientName::parse(text).is_err(), "{text:?}");
        }
    }
}
