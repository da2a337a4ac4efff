//! Plans: how many devices and members somebody may have.

/// What an expired plan counts as. It is always there.
pub(crate) const FREE: &str = "free";

/// Most devices a plan can allow without allowing any number.
pub(crate) const DEVICES_MAX: u32 = 10_000_000;

/// Most members a plan can allow without allowing any number.
pub(crate) const MEMBERS_MAX: u32 = 1_000_000;

/// Longest name, in characters.
const ID_CHARS_MAX: usize = 32;

/// A plan's name for programs: 1 to 32 lower-case letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlanId(String);

/// Why a text is no plan's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 32 lower-case letters, digits and hyphens")]
pub(crate) struct NotAPlanId;

/// Something of which a plan allows so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Devices that are owned or being bound.
    Devices,
    /// People in an organization, invited ones counted when more are invited.
    Members,
}

impl PlanId {
    /// Reads a name.
    pub(crate) fn parse(text: &str) -> Result<Self, NotAPlanId> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(plain);
        fits.then(|| Self(text.to_owned())).ok_or(NotAPlanId)
    }

    /// The name as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Limit {
    /// The word on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Devices => "devices",
            Self::Members => "members",
        }
    }
}

/// Whether one more fits. What is over a limit already, since that was lowered or the plan ended, stays.
pub(crate) fn one_more_fits(used: i64, max: Option<i32>) -> bool {
    max.is_none_or(|max| used < i64::from(max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plans_name_is_short_and_plain() {
        for good in ["free", "pro-2", &"x".repeat(32)] {
            assert!(PlanId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "Pro", "a b", "план", "a_b", &"x".repeat(33)] {
            assert_eq!(PlanId::parse(bad), Err(NotAPlanId), "{bad}");
        }
    }

    #[test]
    fn the_last_place_is_taken_and_none_beyond() {
        assert!(one_more_fits(9, Some(10)));
        assert!(!one_more_fits(10, Some(10)));
        assert!(!one_more_fits(11, Some(10)));
        assert!(!one_more_fits(0, Some(0)));
        assert!(one_more_fits(i64::MAX, None));
    }
}
