//! Which devices of a list are wanted.

use schema::Lifecycle;

use super::label::Label;

/// Most characters of a search text: the longest name.
const SEARCH_CHARS_MAX: usize = 128;

/// What the devices of a list have in common; everything that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DeviceFilter {
    /// Their place in life.
    pub(crate) lifecycle: Option<Lifecycle>,
    /// Whether they are suspended.
    pub(crate) suspended: Option<bool>,
    /// Their model.
    pub(crate) model: Option<Label>,
    /// What their id, or in any case their name, begins with.
    pub(crate) search: Option<String>,
}

impl DeviceFilter {
    /// The model as text.
    pub(crate) fn model(&self) -> Option<&str> {
        self.model.as_ref().map(Label::as_str)
    }

    /// Reads a search text: 1 to 128 characters without control characters.
    pub(crate) fn read_search(text: &str) -> Option<String> {
        let fits = (1..=SEARCH_CHARS_MAX).contains(&text.chars().count());
        (fits && !text.chars().any(char::is_control)).then(|| text.to_owned())
    }
}
