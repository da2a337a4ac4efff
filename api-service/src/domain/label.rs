//! Short texts that people read: a model, a firmware version.

/// Most characters of a label (not bytes: a model may be written in any script).
pub(crate) const LABEL_CHARS_MAX: usize = 64;

/// A text of 1 to 64 characters without control characters and without spaces at its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label(String);

/// Why a text is not a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 characters, without control characters and without spaces at the ends")]
pub(crate) struct LabelError;

impl Label {
    /// Reads a label.
    pub(crate) fn parse(text: &str) -> Result<Self, LabelError> {
        let fits = (1..=LABEL_CHARS_MAX).contains(&text.chars().count())
            && text.trim() == text
            && !text.chars().any(char::is_control);
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(LabelError)
        }
    }

    /// The label as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_counted_in_characters_and_hold_no_control_characters() {
        for good in ["ТеплоКлимат-1", "1.2.3+build 4", &"ж".repeat(64)] {
            assert!(Label::parse(good).is_ok(), "{good}");
        }
        for bad in ["", " a", "a ", "a\nb", "a\0", "\u{85}x", &"ж".repeat(65)] {
            assert!(Label::parse(bad).is_err(), "{bad:?}");
        }
    }
}
