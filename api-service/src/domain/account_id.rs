//! The id of an account: ours, made at first sight, the same for as long as the account lives.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use uuid::Uuid;

/// An account's id. Written as a hyphenated lower-case UUID everywhere: paths, rows, MQTT client ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub(crate) struct AccountId(Uuid);

/// A text that is no account's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an account's id: a UUID like 3f0c1e9a-5b1d-4c57-9d3e-0a4b6c8d2e1f")]
pub(crate) struct NotAnAccountId;

impl AccountId {
    /// The id as the database has it.
    pub(crate) fn uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for AccountId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl FromStr for AccountId {
    type Err = NotAnAccountId;

    fn from_str(text: &str) -> Result<Self, NotAnAccountId> {
        // The library reads braces and missing hyphens too; one account has one text.
        let uuid = Uuid::parse_str(text).map_err(|_| NotAnAccountId)?;
        if uuid.to_string() == text {
            Ok(Self(uuid))
        } else {
            Err(NotAnAccountId)
        }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_one_text() {
        let text = "3f0c1e9a-5b1d-4c57-9d3e-0a4b6c8d2e1f";
        assert_eq!(text.parse::<AccountId>().unwrap().to_string(), text);
        for bad in [
            "",
            "3F0C1E9A-5B1D-4C57-9D3E-0A4B6C8D2E1F",
            "3f0c1e9a5b1d4c579d3e0a4b6c8d2e1f",
            "{3f0c1e9a-5b1d-4c57-9d3e-0a4b6c8d2e1f}",
            "3f0c1e9a-5b1d-4c57-9d3e-0a4b6c8d2e1f ",
        ] {
            assert_eq!(bad.parse::<AccountId>(), Err(NotAnAccountId), "{bad}");
        }
    }
}
