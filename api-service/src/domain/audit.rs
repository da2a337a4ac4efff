//! What the audit remembers of a command.

pub(crate) mod chain;

use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Actor {
    /// An account, by its id.
    Account(Uuid),
    /// This service itself: a worker, a schedule.
    System,
    /// Somebody without an account.
    Stranger,
}

/// One entry. Neither a secret nor what names a person may stand in it.
#[derive(Debug, Clone)]
pub(crate) struct Entry<'a> {
    /// Who.
    pub(crate) actor: Actor,
    /// What, `<kind>.<verb>`: `device.revoke`. Of a refusal: method and route.
    pub(crate) action: &'a str,
    /// The kind of thing it was done to: `device`, `organization`.
    pub(crate) subject_kind: &'a str,
    /// Which one.
    pub(crate) subject_id: &'a str,
    /// What of it was before, if that counts.
    pub(crate) before: Option<Value>,
    /// What is now, if that counts.
    pub(crate) after: Option<Value>,
    /// The problem's code, if it was refused.
    pub(crate) refused: Option<&'static str>,
}

impl<'a> Entry<'a> {
    /// Something that was done.
    pub(crate) fn done(
        actor: Actor,
        action: &'a str,
        subject_kind: &'a str,
        subject_id: &'a str,
    ) -> Self {
        Self {
            actor,
            action,
            subject_kind,
            subject_id,
            before: None,
            after: None,
            refused: None,
        }
    }

    /// Something that was refused, with the problem's code.
    pub(crate) fn refused(
        actor: Actor,
        action: &'a str,
        subject_kind: &'a str,
        subject_id: &'a str,
        code: &'static str,
    ) -> Self {
        Self {
            refused: Some(code),
            ..Self::done(actor, action, subject_kind, subject_id)
        }
    }

    /// With what was before and what is now.
    #[must_use]
    pub(crate) fn changed(mut self, before: impl Into<Option<Value>>, after: Value) -> Self {
        self.before = before.into();
        self.after = Some(after);
        self
    }
}

impl Actor {
    /// The word in the database.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Account(_) => "account",
            Self::System => "system",
            Self::Stranger => "stranger",
        }
    }

    /// The account's id.
    pub(crate) fn id(self) -> Option<Uuid> {
        match self {
            Self::Account(id) => Some(id),
            Self::System | Self::Stranger => None,
        }
    }
}

/// What an entry keeps of its personal fields once they are erased: SHA-256 over the salt and each
/// name and value, every one after its length, so that no two lists of fields look the same.
pub(crate) fn personal_hash<'a>(
    salt: &[u8; 16],
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(salt);
    for (name, value) in fields {
        for part in [name, value] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_run_together_hash_differently() {
        let salt = [7; 16];
        let one = personal_hash(&salt, [("address", "10.0.0.1")]);
        let same = personal_hash(&salt, [("address", "10.0.0.1")]);
        let moved = personal_hash(&salt, [("addres", "s10.0.0.1")]);
        let salted = personal_hash(&[8; 16], [("address", "10.0.0.1")]);
        assert_eq!(one, same);
        assert_ne!(one, moved);
        assert_ne!(one, salted);
    }
}
