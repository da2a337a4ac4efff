//! What a foreign client saw, read from what it printed.
//!
//! A refusal counts only when it is positively shown: a TLS alert of the broker, or a reason code.
//! A client that failed for another reason is not a refusal.

use std::fmt;

/// How the tools say that the other side hung up. "Protocol error" is what mosquitto's clients say
/// when the broker ends TLS while they write.
const LOST: &[&str] = &[
    "connection was lost",
    "unexpected eof",
    "Error: Protocol error",
    "network protocol error",
];

/// What was seen, as far as it was printed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// The reason code of the CONNACK.
    pub(super) connack: Option<u8>,
    /// The reason code of the PUBACK.
    pub(super) puback: Option<u8>,
    /// The reason codes of the SUBACK, one for each filter.
    pub(super) suback: Vec<u8>,
    /// The reason code of a DISCONNECT that the broker sent.
    pub(super) disconnect: Option<u8>,
    /// The broker's TLS alert, in OpenSSL's words.
    pub(super) alert: Option<String>,
    /// The connection ended without an answer.
    pub(super) lost: bool,
}

impl Seen {
    /// Reads the debug lines of `mosquitto_pub -d` and `mosquitto_sub -d`, and OpenSSL's errors.
    pub(super) fn read(text: &str) -> Self {
        let mut seen = Self::default();
        for line in text.lines() {
            if line.contains("received CONNACK (") {
                seen.connack = after(line, "received CONNACK (");
            } else if line.contains("received PUBACK") {
                seen.puback = after(line, "RC:");
            } else if line.contains("received DISCONNECT (") {
                seen.disconnect = after(line, "received DISCONNECT (");
            } else if line.starts_with("Subscribed (mid: ") {
                let codes = line.split_once("): ").map_or("", |(_, codes)| codes);
                seen.suback = codes
                    .split(", ")
                    .filter_map(|code| code.trim().parse().ok())
                    .collect();
            } else if let Some((_, alert)) = line.split_once(" alert ") {
                let alert = alert.split(':').next().unwrap_or(alert);
                seen.alert.get_or_insert_with(|| alert.trim().to_owned());
            } else if LOST.iter().any(|words| line.contains(words)) {
                seen.lost = true;
            }
        }
        seen
    }

    /// Let in: the CONNACK says so.
    pub(super) fn is_in(&self) -> bool {
        self.connack == Some(0)
    }
}

/// The number that follows `mark`.
fn after(line: &str, mark: &str) -> Option<u8> {
    let (_, rest) = line.split_once(mark)?;
    let digits: String = rest
        .trim_start()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes = |name: &str, code: Option<u8>| code.map(|code| format!("{name} 0x{code:02X}"));
        let suback = self
            .suback
            .iter()
            .map(|code| format!("SUBACK 0x{code:02X}"));
        let parts: Vec<String> = [
            codes("CONNACK", self.connack),
            codes("PUBACK", self.puback),
            codes("DISCONNECT", self.disconnect),
            self.alert
                .as_ref()
                .map(|alert| format!("TLS alert `{alert}`")),
            self.lost.then(|| "connection lost".to_owned()),
        ]
        .into_iter()
        .flatten()
        .chain(suback)
        .collect();
        match parts.as_slice() {
            [] => f.write_str("nothing"),
            parts => f.write_str(&parts.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_connect_is_read_from_the_debug_lines() {
        let seen = Seen::read("Client a sending CONNECT\nClient a received CONNACK (135)\n");
        assert_eq!(seen.connack, Some(0x87));
        assert!(!seen.is_in());
        assert_eq!(seen.to_string(), "CONNACK 0x87");
    }

    #[test]
    fn a_refused_publish_is_told_from_an_accepted_one() {
        let text = "Client a received CONNACK (0)\nClient a received PUBACK (Mid: 1, RC:135)\n";
        let seen = Seen::read(text);
        assert!(seen.is_in());
        assert_eq!(seen.puback, Some(135));
    }

    #[test]
    fn each_filter_has_its_own_code() {
        let seen = Seen::read("Client a received SUBACK\nSubscribed (mid: 1): 1, 135\n");
        assert_eq!(seen.suback, [1, 135]);
    }

    #[test]
    fn an_alert_is_read_from_openssl() {
        let text = "40E7:error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:../ssl/record/rec_layer_s3.c:1605:SSL alert number 48\n";
        assert_eq!(Seen::read(text).alert.as_deref(), Some("unknown ca"));
    }

    #[test]
    fn a_tool_that_did_not_even_start_shows_nothing() {
        let seen = Seen::read("Error: Unknown option --frob\n");
        assert_eq!(seen, Seen::default());
        assert_eq!(seen.to_string(), "nothing");
    }
}
