//! The JSON of EMQX's `acl` rules.

/// What every list ends with: nothing else is allowed.
pub(super) const TERMINAL_DENY: &[u8] =
    br##"{"permission":"deny","action":"all","topics":["#","$SYS/#"]}]"##;

/// Appends a JSON string.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a string is written to memory");
}
