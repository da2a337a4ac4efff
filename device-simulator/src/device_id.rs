//! Device ids: their grammar, and the ids of a fleet.

use std::fmt;
use std::sync::Arc;

use crate::failure::Failure;

/// The longest device id, in characters (design section 4: `^[A-Za-z0-9_-]{1,64}$`).
pub const MAX_CHARS: usize = 64;

/// The largest fleet of one process. Each device costs about 100 KiB and a socket.
pub const MAX_FLEET: u32 = 100_000;

/// A device id that fits the grammar. It is the MQTT client id, the user name and the certificate's
/// common name all at once. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(Arc<str>);

impl DeviceId {
    /// Takes `text` if it fits the grammar.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let fits = (1..=MAX_CHARS).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        if fits {
            Ok(Self(text.into()))
        } else {
            Err(Failure::usage(format!(
                "{text:?} is not a device id: take 1 to {MAX_CHARS} letters, digits, _ or -"
            )))
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// The ids `<prefix>-0001` to `<prefix>-<count>`, numbers padded to four digits.
pub fn fleet(prefix: &str, count: u32) -> Result<Vec<DeviceId>, Failure> {
    if !(1..=MAX_FLEET).contains(&count) {
        return Err(Failure::usage(format!(
            "--count {count} is out of range: 1 to {MAX_FLEET}"
        )));
    }
    (1..=count)
        .map(|number| DeviceId::parse(&format!("{prefix}-{number:04}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleet_is_numbered_from_one_with_four_digits() {
        let ids = fleet("grow", 3).unwrap();
        let ids: Vec<_> = ids.iter().map(DeviceId::as_str).collect();
        assert_eq!(ids, ["grow-0001", "grow-0002", "grow-0003"]);
    }

    #[test]
    fn an_id_outside_the_grammar_is_refused_with_the_mend() {
        for bad in [
            "",
            "a/b",
            "a+b",
            "a#",
            "a b",
            "ä",
            "a\u{0}",
            &"x".repeat(65),
        ] {
            let failure = DeviceId::parse(bad).unwrap_err();
            assert_eq!(failure.code(), 64);
            assert!(failure.to_string().contains("letters, digits"), "{failure}");
        }
        assert!(DeviceId::parse(&"x".repeat(64)).is_ok());
    }

    #[test]
    fn a_fleet_of_none_or_of_too_many_is_refused() {
        assert_eq!(fleet("grow", 0).unwrap_err().code(), 64);
        assert_eq!(fleet("grow", MAX_FLEET + 1).unwrap_err().code(), 64);
        assert_eq!(fleet("gr/ow", 1).unwrap_err().code(), 64);
    }
}
