//! The version of an EMQX node.

use std::fmt;
use std::str::FromStr;

/// Major, minor, patch. What follows them (`-rc.1`) does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u16, pub(crate) u16, pub(crate) u16);

/// Why a text is no version.
#[derive(Debug, thiserror::Error)]
#[error("a version looks like 5.8.9")]
pub(crate) struct NotAVersion;

impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        // Enterprise editions put an `e` or a `v` in front.
        let text = text.trim().trim_start_matches(['e', 'v']);
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let mut parts = text[..end].split('.').map(str::parse);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch)), None) => {
                Ok(Self(major, minor, patch))
            }
            _ => Err(NotAVersion),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn versions_are_read_as_nodes_tell_them() {
        for (text, version) in [
            ("5.8.9", Version(5, 8, 9)),
            ("5.8.9-dev", Version(5, 8, 9)),
            ("e5.10.0-rc.1", Version(5, 10, 0)),
            ("6.3.0-beta.2", Version(6, 3, 0)),
        ] {
            assert_eq!(text.parse::<Version>().unwrap(), version);
        }
        for text in ["", "5", "5.8", "5.8.9.1", "five", "5..9", "99999.1.1"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
        assert!(Version(5, 10, 0) > Version(5, 9, 1));
    }
}
