//! Durations (`2s`, `500ms`, `1m`) and sizes (`64KB`) as EMQX writes them.
//!
//! Knows nothing of settings: the caller adds which one was wrong.

use std::time::Duration;

/// Reads a duration: a whole number followed by `ms`, `s`, `m`, `h` or `d`, in either case; several parts may follow each other (`1h30m`).
///
/// `None` when the text is something else or the sum does not fit 64 bits of milliseconds.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut millis: u64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.len()
            - rest
                .trim_start_matches(|c: char| c.is_ascii_alphabetic())
                .len();
        let unit: u64 = match rest[..letters].to_ascii_lowercase().as_str() {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        rest = &rest[letters..];
        millis = millis.checked_add(number.checked_mul(unit)?)?;
    }
    Some(Duration::from_millis(millis))
}

/// Reads a size in bytes: a whole number, alone or followed by `KB`, `MB` or `GB` (powers of 1024, as EMQX counts), in either case.
pub fn parse_size(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number: u64 = text[..digits].parse().ok()?;
    let factor: u64 = match text[digits..].to_ascii_lowercase().as_str() {
        "" => 1,
        "kb" => 1 << 10,
        "mb" => 1 << 20,
        "gb" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::{parse_duration, parse_size};
    use std::time::Duration;

    #[test]
    fn durations_of_every_unit_are_read() {
        for (text, millis) in [
            ("0s", 0),
            ("500ms", 500),
            ("2s", 2_000),
            ("1m", 60_000),
            ("2H", 7_200_000),
            ("1d", 86_400_000),
            ("1h30m", 5_400_000),
        ] {
            assert_eq!(
                parse_duration(text),
                Some(Duration::from_millis(millis)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "s",
            "2",
            "2 s",
            "2x",
            "-1s",
            "1.5s",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_count_in_powers_of_1024() {
        assert_eq!(parse_size("64KB"), Some(65_536));
        assert_eq!(parse_size("1mb"), Some(1_048_576));
        assert_eq!(parse_size("2GB"), Some(2_147_483_648));
        assert_eq!(parse_size("17"), Some(17));
        for text in ["", "KB", "1TB", "1 KB", "18446744073709551615KB"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }
}
