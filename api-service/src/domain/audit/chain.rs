//! The audit's chain: what is hashed, and in which form.
//!
//! Each entry has a hash of its own, each seal one over its entries' and the seal before. Whoever
//! knows the newest seal's hash can tell whether anything below it was changed, left out or moved.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// SHA-256.
pub(crate) type Hash = [u8; 32];

/// What the first seal follows.
pub(crate) const NOTHING: Hash = [0; 32];

/// An entry's hash: over its columns in the order of the table, each after a byte that says whether
/// it is there, and its length.
pub(crate) fn entry_hash<'a>(columns: impl IntoIterator<Item = Option<&'a str>>) -> Hash {
    let mut hash = Sha256::new();
    for column in columns {
        hash.update([u8::from(column.is_some())]);
        let text = column.unwrap_or_default();
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}

/// A seal's hash: over the hash before, its number, its time in microseconds since 1970, how many
/// entries it has, and their hashes.
pub(crate) fn seal_hash(previous: &Hash, number: i64, at_us: i64, entries: &[Hash]) -> Hash {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(number.to_be_bytes());
    hash.update(at_us.to_be_bytes());
    hash.update((entries.len() as u64).to_be_bytes());
    for entry in entries {
        hash.update(entry);
    }
    hash.finalize().into()
}

/// A hash as people see it: 64 lower-case hexadecimal digits.
pub(crate) fn text(hash: &Hash) -> String {
    let mut text = String::with_capacity(64);
    for byte in hash {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_column_is_no_empty_one_and_columns_keep_their_places() {
        let hashes = [
            entry_hash([Some("a"), None]),
            entry_hash([Some("a"), Some("")]),
            entry_hash([None, Some("a")]),
            entry_hash([Some("a")]),
            entry_hash([Some(""), Some("a")]),
        ];
        for (index, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..index].contains(hash), "{index}");
        }
    }

    #[test]
    fn a_seal_stands_for_all_it_was_made_of() {
        let entries = [[1; 32], [2; 32]];
        let seal = seal_hash(&NOTHING, 1, 10, &entries);
        assert_ne!(seal, seal_hash(&[9; 32], 1, 10, &entries));
        assert_ne!(seal, seal_hash(&NOTHING, 2, 10, &entries));
        assert_ne!(seal, seal_hash(&NOTHING, 1, 11, &entries));
        assert_ne!(seal, seal_hash(&NOTHING, 1, 10, &entries[..1]));
        assert_ne!(seal, seal_hash(&NOTHING, 1, 10, &[[2; 32], [1; 32]]));
    }
}
