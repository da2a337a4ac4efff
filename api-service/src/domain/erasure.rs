//! What stands in the way of erasing somebody, and what is kept so that they do not come back unseen.

use time::Duration;

use super::idempotency::request_hash;
use super::organization_id::OrganizationId;

/// So long after an erasure tokens of the same issuer and subject are refused: what was still signed in
/// with them goes on asking its issuer for new ones, and nobody means to begin anew by that.
pub(crate) const REFUSED_FOR: Duration = Duration::DAY;

/// Most organizations that are named.
const NAMED_MAX: usize = 20;

/// What has to get another owner first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct InTheWay {
    /// Devices that the account owns.
    pub(crate) devices: i64,
    /// Claims that wait for a device.
    pub(crate) claims: i64,
    /// Organizations of which it is the last owner, in the order of their ids.
    pub(crate) organizations: Vec<OrganizationId>,
}

impl InTheWay {
    /// Each thing that is in the way: its name for programs, and what to do about it.
    pub(crate) fn told(&self) -> Vec<(&'static str, String)> {
        let mut told = Vec::new();
        if self.devices > 0 {
            let devices = self.devices;
            told.push((
                "devices",
                format!("{devices} devices are the account's: give them up or away"),
            ));
        }
        if self.claims > 0 {
            let claims = self.claims;
            told.push((
                "claims",
                format!("{claims} claims wait for their devices: take them back"),
            ));
        }
        if !self.organizations.is_empty() {
            let count = self.organizations.len();
            let named = self.organizations.iter().take(NAMED_MAX);
            let named: Vec<_> = named.map(ToString::to_string).collect();
            let more = if count > NAMED_MAX { ", ..." } else { "" };
            told.push((
                "organizations",
                format!(
                    "it is the last owner of {count}: make somebody else an owner, or delete: {}{more}",
                    named.join(", ")
                ),
            ));
        }
        told
    }
}

/// What is kept of who was erased: SHA-256 over issuer and subject, each with its length.
pub(crate) fn identity_hash(issuer: &str, subject: &str) -> [u8; 32] {
    request_hash(&[b"erased account", issuer.as_bytes(), subject.as_bytes()])
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn everything_in_the_way_is_told_and_not_more_than_fits() {
        assert!(InTheWay::default().told().is_empty());
        let ids = (1..=21).map(|n| OrganizationId::from(Uuid::from_u128(n)));
        let told = InTheWay {
            devices: 2,
            claims: 1,
            organizations: ids.collect(),
        }
        .told();
        let names: Vec<_> = told.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["devices", "claims", "organizations"]);
        assert!(told[2].1.contains("owner of 21") && told[2].1.ends_with(", ..."));
        assert!(!told[2].1.contains(&Uuid::from_u128(21).to_string()));
    }

    #[test]
    fn identities_that_run_together_are_told_apart() {
        assert_ne!(
            identity_hash("https://a", "b"),
            identity_hash("https://", "ab")
        );
        assert_eq!(
            identity_hash("https://a", "b"),
            identity_hash("https://a", "b")
        );
    }
}
