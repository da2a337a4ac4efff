//! A topic filter that a service client may be given a right on.

use std::str::FromStr;

/// A filter that EMQX can be given in an acl rule without admitting more than it says.
///
/// Narrower than MQTT 5 section 4.7 allows; each further rule is an EMQX behaviour (see
/// [`TopicFilterError`]). The table's check `is_topic_filter` is the same; a test compares them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicFilter(Box<str>);

/// Why a text is no topic filter of a right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicFilterError {
    /// Empty, or longer than [`TopicFilter::MAX_BYTES`].
    #[error("a topic filter has 1 to 256 bytes, this one has {bytes}")]
    Length {
        /// Its length in UTF-8 bytes.
        bytes: usize,
    },
    /// U+0000 to U+001F or U+007F to U+009F.
    #[error("a topic filter must not contain control characters")]
    ControlCharacter,
    /// `a+`, `+a`, `a#`, or `#` before the last level (MQTT 5, 4.7.1.2 and 4.7.1.3).
    #[error("'+' and '#' stand for whole levels, and '#' only for the last one")]
    Wildcard,
    /// `$SYS`, `$share`, `$delayed` and the like.
    #[error("a topic filter must not begin with '$'")]
    DollarTopic,
    /// EMQX expands `${..}` in rules with what a client sent, wildcards included.
    #[error("a topic filter must not contain '${{': EMQX would put a client's own text there")]
    Placeholder,
    /// EMQX reads `eq x` as "exactly the filter x".
    #[error("a topic filter must not begin with 'eq ': EMQX reads that as an operator")]
    Operator,
    /// EMQX's rule `p/+` also admits `p/#`; only a literal `p` can be guarded by `deny eq p/#`.
    #[error(
        "a topic filter must not end in '+' (or '+/#') after an earlier '+': EMQX would admit more than it says"
    )]
    LateWildcard,
}

impl TopicFilter {
    /// Longest filter, in UTF-8 bytes.
    pub const MAX_BYTES: usize = 256;

    /// Checks every rule of [`TopicFilterError`].
    pub fn parse(text: &str) -> Result<Self, TopicFilterError> {
        if text.is_empty() || text.len() > Self::MAX_BYTES {
            return Err(TopicFilterError::Length { bytes: text.len() });
        }
        if text.chars().any(char::is_control) {
            return Err(TopicFilterError::ControlCharacter);
        }
        if text.starts_with('$') {
            return Err(TopicFilterError::DollarTopic);
        }
        if text.contains("${") {
            return Err(TopicFilterError::Placeholder);
        }
        if text.starts_with("eq ") {
            return Err(TopicFilterError::Operator);
        }
        let mut levels: Vec<&str> = text.split('/').collect();
        if levels.last() == Some(&"#") {
            levels.pop();
        }
        if levels
            .iter()
            .any(|level| *level != "+" && level.contains(['+', '#']))
        {
            return Err(TopicFilterError::Wildcard);
        }
        if let Some(("+", earlier)) = levels.split_last().map(|(last, rest)| (*last, rest))
            && earlier.contains(&"+")
        {
            return Err(TopicFilterError::LateWildcard);
        }
        Ok(Self(text.into()))
    }

    /// The filter as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TopicFilter {
    type Err = TopicFilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl AsRef<str> for TopicFilter {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

crate::sql_text::text_forms!(TopicFilter);

#[cfg(test)]
mod tests {
    use super::{TopicFilter, TopicFilterError};

    #[test]
    fn filters_of_the_shipped_service_clients_are_taken() {
        for text in [
            "+/telemetry",
            "+/rpc/request",
            "#",
            "+/#",
            "a",
            "a//b",
            "/",
            "a/+/b/+/c",
            "+",
        ] {
            assert!(TopicFilter::parse(text).is_ok(), "{text:?}");
        }
        assert!(TopicFilter::parse(&"a".repeat(256)).is_ok());
    }

    #[test]
    fn each_rule_refuses_with_its_own_reason() {
        use TopicFilterError as E;
        let long = "a".repeat(257);
        for (text, reason) in [
            ("", E::Length { bytes: 0 }),
            (long.as_str(), E::Length { bytes: 257 }),
            ("a\u{1}", E::ControlCharacter),
            ("a\u{85}", E::ControlCharacter),
            ("a\n", E::ControlCharacter),
            ("a+/b", E::Wildcard),
            ("#/a", E::Wildcard),
            ("a/b#", E::Wildcard),
            ("##", E::Wildcard),
            ("$SYS/#", E::DollarTopic),
            ("$share/g/a", E::DollarTopic),
            ("a/${clientid}/b", E::Placeholder),
            ("eq a/#", E::Operator),
            ("+/a/+", E::LateWildcard),
            ("+/+", E::LateWildcard),
            ("a/+/+/#", E::LateWildcard),
        ] {
            assert_eq!(TopicFilter::parse(text), Err(reason), "{text:?}");
        }
    }
}
