//! No private key is ever in the repository (invariant 6), not even a throw-away one of a test.

use super::Violation;
use super::tree::Tree;

/// What the armour of every private key has in common.
const ARMOUR: &str = "PRIVATE KEY-----";
/// This many base64 letters after the armour are a key and not a mention of one.
const LETTERS_MIN: usize = 24;
/// Names under which keys are kept.
const EXTENSIONS: &[&str] = &["key", "p12", "pfx", "jks"];

pub(super) fn none(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in &tree.files {
        if EXTENSIONS
            .iter()
            .any(|extension| file.has_extension(extension))
        {
            found.push(Violation::of(
                &file.path,
                "a key file: keep it under the ignored state folder",
            ));
        }
        for (at, _) in file.text.match_indices(ARMOUR) {
            if is_followed_by_a_key(&file.text[at + ARMOUR.len()..]) {
                let line = file.text[..at].lines().count();
                found.push(Violation::at(
                    &file.path,
                    line,
                    "a private key: make it when the test runs",
                ));
            }
        }
    }
    found
}

/// Line ends may be real or written as `\n` inside a string.
fn is_followed_by_a_key(rest: &str) -> bool {
    let rest = rest.trim_start_matches(['\\', 'n', 'r', '\n', '\r', ' ', '"', '|']);
    let letters = rest
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='));
    letters.count() >= LETTERS_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_as_a_block_and_inside_a_string() {
        let letters = "MIGHAgEAMBMGByqGSM49AgEGCCqG";
        let block = format!("-----BEGIN EC {ARMOUR}\n{letters}\n");
        let string = format!("let k = \"-----BEGIN {ARMOUR}\\n{letters}\";\n");
        let found = none(&Tree::of(&[("a.pem", &block), ("b.rs", &string)]));
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].line, 1);
    }

    #[test]
    fn a_mention_of_the_armour_is_no_key() {
        let text = format!("assert!(pem.starts_with(\"-----BEGIN {ARMOUR}\"));\nmore();\n");
        assert_eq!(none(&Tree::of(&[("a.rs", &text)])), []);
    }

    #[test]
    fn a_file_named_like_a_key_is_found_whatever_it_holds() {
        assert_eq!(none(&Tree::of(&[("certs/device-ca.key", "")])).len(), 1);
    }
}
