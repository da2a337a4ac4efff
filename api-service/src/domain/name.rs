//! What people call an organization or a group, and what they say about it.

/// Most characters of a name.
pub(crate) const NAME_CHARS_MAX: usize = 128;

/// Most characters of a description.
pub(crate) const DESCRIPTION_CHARS_MAX: usize = 1024;

/// 1 to 128 characters in one line, without spaces at the ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

/// 1 to 1,024 characters; of the control characters only line feeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description(String);

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 128 characters, without control characters and without spaces at the ends")]
pub(crate) struct NameError;

/// Why a text is no description.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 1024 characters, without control characters but line feeds")]
pub(crate) struct DescriptionError;

impl Name {
    /// Reads a name.
    pub(crate) fn parse(text: &str) -> Result<Self, NameError> {
        let fits = (1..=NAME_CHARS_MAX).contains(&text.chars().count())
            && text.trim() == text
            && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned())).ok_or(NameError)
    }

    /// The name as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Description {
    /// Reads a description.
    pub(crate) fn parse(text: &str) -> Result<Self, DescriptionError> {
        let fits = (1..=DESCRIPTION_CHARS_MAX).contains(&text.chars().count())
            && !text.chars().any(|c| c.is_control() && c != '\n');
        fits.then(|| Self(text.to_owned())).ok_or(DescriptionError)
    }

    /// The description as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_descriptions_end_at_their_limits() {
        for good in ["Acme", "Теплица № 2", &"ж".repeat(NAME_CHARS_MAX)] {
            assert!(Name::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            " a",
            "a ",
            "a\nb",
            "a\0",
            &"ж".repeat(NAME_CHARS_MAX + 1),
        ] {
            assert_eq!(Name::parse(bad), Err(NameError), "{bad:?}");
        }
        for good in ["two\nlines", &"ж".repeat(DESCRIPTION_CHARS_MAX)] {
            assert!(Description::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a\0", "a\u{7}", &"ж".repeat(DESCRIPTION_CHARS_MAX + 1)] {
            assert_eq!(Description::parse(bad), Err(DescriptionError), "{bad:?}");
        }
    }
}
