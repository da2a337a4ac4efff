//! What an account is, and what may stand in its profile.

use std::fmt;

use url::Url;

/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 128;

/// Longest address of a picture, in characters.
const AVATAR_CHARS_MAX: usize = 1024;

/// Who holds an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccountKind {
    /// Somebody who signs in.
    Person,
    /// A program with credentials of its own.
    Service,
}

/// For whom an account is used; it decides nothing but what a console shows first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccountType {
    /// For oneself.
    Individual,
    /// For an organization.
    Organization,
}

impl AccountKind {
    /// The kind of a word in the database or a request.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        match word {
            "person" => Some(Self::Person),
            "service" => Some(Self::Service),
            _ => None,
        }
    }

    /// The word in the database and in requests.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Service => "service",
        }
    }
}

impl AccountType {
    /// The type of a word in the database or a request.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        match word {
            "individual" => Some(Self::Individual),
            "organization" => Some(Self::Organization),
            _ => None,
        }
    }

    /// The word in the database and in requests.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Individual => "individual",
            Self::Organization => "organization",
        }
    }

    /// Reads a word of a request.
    pub(crate) fn parse(word: &str) -> Result<Self, &'static str> {
        Self::from_word(word).ok_or("must be `individual` or `organization`")
    }
}

/// What a person is called: 1 to 128 characters, no control characters, no spaces at the ends.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PersonName(String);

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 128 characters, without control characters and without spaces at the ends")]
pub(crate) struct NotAName;

impl PersonName {
    /// Reads a name.
    pub(crate) fn parse(text: &str) -> Result<Self, NotAName> {
        let fits = (1..=NAME_CHARS_MAX).contains(&text.chars().count())
            && text.trim() == text
            && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned())).ok_or(NotAName)
    }

    /// The name as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a picture of a person is: an https address of at most 1024 characters, since browsers will
/// open it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AvatarUrl(String);

/// Why a text is no address of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an https address of at most 1024 characters, without a user")]
pub(crate) struct NotAnAvatarUrl;

impl AvatarUrl {
    /// Reads an address.
    pub(crate) fn parse(text: &str) -> Result<Self, NotAnAvatarUrl> {
        let url = Url::parse(text).map_err(|_| NotAnAvatarUrl)?;
        let plain = !text.chars().any(|c| c.is_control() || c.is_whitespace());
        let fits = text.chars().count() <= AVATAR_CHARS_MAX
            && plain
            && url.scheme() == "https"
            && url.username().is_empty()
            && url.password().is_none();
        fits.then(|| Self(text.to_owned())).ok_or(NotAnAvatarUrl)
    }

    /// The address as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name is no matter of logs.
impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName(..)")
    }
}

impl fmt::Debug for AvatarUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AvatarUrl(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_back_to_what_they_say() {
        for kind in [AccountKind::Person, AccountKind::Service] {
            assert_eq!(AccountKind::from_word(kind.as_str()), Some(kind));
        }
        for each in [AccountType::Individual, AccountType::Organization] {
            assert_eq!(AccountType::parse(each.as_str()), Ok(each));
        }
        assert!(AccountKind::from_word("Person").is_none());
        assert!(AccountType::parse("enterprise").is_err());
    }

    #[test]
    fn a_name_is_short_and_shown_in_one_line() {
        for good in ["Ада Лавлейс", "a", &"ж".repeat(128)] {
            assert!(PersonName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", " a", "a ", "a\nb", "\u{0}", &"ж".repeat(129)] {
            assert!(PersonName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(!format!("{:?}", PersonName::parse("Ada").unwrap()).contains("Ada"));
    }

    #[test]
    fn a_picture_is_fetched_over_https_only() {
        assert!(AvatarUrl::parse("https://example.com/a.png?s=64").is_ok());
        let long = format!("https://example.com/{}", "a".repeat(1005));
        for bad in [
            "http://example.com/a.png",
            "javascript:alert(1)",
            "https://user@example.com/a.png",
            "https://example.com/a b",
            "https://",
            "",
            &long,
        ] {
            assert!(AvatarUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
