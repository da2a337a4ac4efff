//! A version of EMQX, compared.

/// Major, minor, patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u16, u16, u16);

impl Version {
    /// A known one.
    pub(crate) const fn of(major: u16, minor: u16, patch: u16) -> Self {
        Self(major, minor, patch)
    }

    /// Reads `5.8.9`, `6.3.0-beta.2`, `5.8.9-g1234`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let numbers = text.split(['-', '+']).next()?;
        let mut numbers = numbers.split('.').map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self(next()?, next()?, next()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared_by_their_numbers() {
        let parsed = |text| Version::parse(text).unwrap();
        assert!(parsed("5.8.9") < parsed("5.9.0") && parsed("5.10.0") > parsed("5.9.1"));
        assert_eq!(parsed("6.3.0-beta.2"), Version::of(6, 3, 0));
        for bad in ["", "5", "5.8", "v5.8.9", "latest"] {
            assert_eq!(Version::parse(bad), None, "{bad}");
        }
    }
}
