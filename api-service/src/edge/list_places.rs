//! Places in the lists of organizations, groups and members.

use uuid::Uuid;

use super::list::{Filter, Place};
use super::parameters::Wrong;
use crate::domain::name_place::NamePlace;

/// Most characters of the beginning of a name.
const PREFIX_CHARS_MAX: usize = 128;

/// Only names that begin so, in any case.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct NamePrefix(pub(crate) String);

impl NamePrefix {
    /// Reads the beginning of a name.
    pub(crate) fn parse(text: &str) -> Result<Self, Wrong> {
        let fits = (1..=PREFIX_CHARS_MAX).contains(&text.chars().count())
            && !text.chars().any(char::is_control);
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(Wrong::value(
                "must be 1 to 128 characters without control characters",
            ))
        }
    }
}

impl Filter for NamePrefix {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Wrong> {
        if name != "name" {
            return Err(Wrong::Unknown);
        }
        *self = Self::parse(value)?;
        Ok(())
    }
}

impl Place for NamePlace {
    fn to_bytes(&self) -> Vec<u8> {
        Self::to_bytes(self)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::from_bytes(bytes)
    }
}

impl Place for Uuid {
    fn to_bytes(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_bytes(bytes.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::list::Page;
    use super::*;

    type Members = Page<Uuid, NamePrefix>;

    #[test]
    fn a_prefix_and_a_place_are_read_and_nothing_else() {
        let id = Uuid::from_u128(7);
        let page = Members::parse(&format!("name=ann&{}", Members::continued(&id))).unwrap();
        assert_eq!((page.filter.0.as_str(), page.after), ("ann", Some(id)));
        let long = format!("name={}", "a".repeat(PREFIX_CHARS_MAX + 1));
        for bad in ["name=", "name=a%0Ab", "cursor=AAAA", "role=owner", &long] {
            assert!(Members::parse(bad).is_err(), "{bad}");
        }
    }
}
