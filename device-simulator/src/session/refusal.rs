//! Why a connection did not come to be, or ended: one counted word for each reason.
//!
//! | prefix | who said no |
//! |---|---|
//! | `connack_` | the broker, by a CONNACK reason code |
//! | `disconnect_` | the broker, by a DISCONNECT reason code |
//! | `tls_` | the broker, by a TLS alert |
//! | `server_` | the device: the broker's certificate is not to be trusted |
//! | `io_` | the network, by an error kind |
//! | `timeout`, `closed`, `no_ping_answer`, `protocol` | nobody |

use std::error::Error;
use std::io;

use rumqttc::{ConnectReturnCode, ConnectionError, StateError};

/// A reason and, where MQTT has one, its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The counted word.
    pub reason: String,
    /// The MQTT 5 reason code (section 2.4).
    pub code: Option<u8>,
}

impl Refusal {
    fn word(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            code: None,
        }
    }
}

/// The reason in a rumqttc error.
pub fn of(error: &ConnectionError) -> Refusal {
    match error {
        ConnectionError::ConnectionRefused(code)
        | ConnectionError::MqttState(StateError::ConnFail { reason: code }) => Refusal {
            reason: format!("connack_{}", snake(&format!("{code:?}"))),
            code: connack_code(*code),
        },
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, .. }) => Refusal {
            reason: format!("disconnect_{}", snake(&format!("{reason_code:?}"))),
            code: Some(*reason_code as u8),
        },
        ConnectionError::Timeout(_) => Refusal::word("timeout"),
        ConnectionError::MqttState(StateError::ConnectionAborted) => Refusal::word("closed"),
        ConnectionError::MqttState(StateError::AwaitPingResp) => Refusal::word("no_ping_answer"),
        // This variant does not name its cause as one.
        ConnectionError::MqttState(StateError::Deserialization(rumqttc::Error::Io(cause))) => {
            below(cause)
        }
        other => below(other),
    }
}

/// The reason in the causes of an error: a TLS alert comes as an I/O error inside others, and in
/// TLS 1.3 only when the device reads what it takes for the answer to its CONNECT.
fn below(error: &(dyn Error + 'static)) -> Refusal {
    let mut next = Some(error);
    let mut kind = None;
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return of_tls(tls);
        }
        next = error.source();
        if let Some(io) = error.downcast_ref::<io::Error>() {
            kind = Some(io.kind());
            // `source` of an I/O error skips the error it wraps.
            if let Some(inner) = io.get_ref() {
                next = Some(inner);
            }
        }
    }
    match kind {
        Some(io::ErrorKind::UnexpectedEof) => Refusal::word("closed"),
        Some(io::ErrorKind::TimedOut) => Refusal::word("timeout"),
        Some(kind) => Refusal::word(format!("io_{}", snake(&format!("{kind:?}")))),
        None => Refusal::word("protocol"),
    }
}

fn of_tls(error: &rustls::Error) -> Refusal {
    match error {
        rustls::Error::AlertReceived(alert) => {
            Refusal::word(format!("tls_{}", snake(&format!("{alert:?}"))))
        }
        rustls::Error::InvalidCertificate(why) => {
            // The variant's name only: some carry names and times.
            let name = format!("{why:?}");
            let name = name
                .split(|c: char| !c.is_alphanumeric())
                .next()
                .unwrap_or_default();
            Refusal::word(format!("server_{}", snake(name)))
        }
        _ => Refusal::word("tls_failed"),
    }
}

/// `NotAuthorized` to `not_authorized`. Only names of enum variants come in, so the set of words
/// is bounded.
fn snake(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    for (position, letter) in name.chars().filter(char::is_ascii_alphanumeric).enumerate() {
        if letter.is_ascii_uppercase() && position > 0 {
            words.push('_');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

/// MQTT 5 section 3.2.2.2. `None` for the names that only MQTT 3.1.1 has.
fn connack_code(code: ConnectReturnCode) -> Option<u8> {
    use ConnectReturnCode as Code;
    Some(match code {
        Code::Success => 0x00,
        Code::UnspecifiedError => 0x80,
        Code::MalformedPacket => 0x81,
        Code::ProtocolError => 0x82,
        Code::ImplementationSpecificError => 0x83,
        Code::UnsupportedProtocolVersion => 0x84,
        Code::ClientIdentifierNotValid => 0x85,
        Code::BadUserNamePassword => 0x86,
        Code::NotAuthorized => 0x87,
        Code::ServerUnavailable => 0x88,
        Code::ServerBusy => 0x89,
        Code::Banned => 0x8A,
        Code::BadAuthenticationMethod => 0x8C,
        Code::TopicNameInvalid => 0x90,
        Code::PacketTooLarge => 0x95,
        Code::QuotaExceeded => 0x97,
        Code::PayloadFormatInvalid => 0x99,
        Code::RetainNotSupported => 0x9A,
        Code::QoSNotSupported => 0x9B,
        Code::UseAnotherServer => 0x9C,
        Code::ServerMoved => 0x9D,
        Code::ConnectionRateExceeded => 0x9F,
        Code::RefusedProtocolVersion | Code::BadClientId | Code::ServiceUnavailable => return None,
    })
}

#[cfg(test)]
mod tests {
    use rumqttc::DisconnectReasonCode;
    use rustls::AlertDescription;

    use super::*;

    #[test]
    fn what_a_broker_says_is_counted_by_its_name_and_code() {
        let refused = of(&ConnectionError::ConnectionRefused(
            ConnectReturnCode::NotAuthorized,
        ));
        assert_eq!(
            refused,
            Refusal {
                reason: "connack_not_authorized".into(),
                code: Some(0x87)
            }
        );
        let banned = of(&ConnectionError::ConnectionRefused(
            ConnectReturnCode::Banned,
        ));
        assert_eq!(
            banned,
            Refusal {
                reason: "connack_banned".into(),
                code: Some(0x8A)
            }
        );
        let kicked = of(&ConnectionError::MqttState(StateError::ServerDisconnect {
            reason_code: DisconnectReasonCode::AdministrativeAction,
            reason_string: None,
        }));
        assert_eq!(
            kicked,
            Refusal {
                reason: "disconnect_administrative_action".into(),
                code: Some(0x98)
            }
        );
    }

    #[test]
    fn a_tls_alert_is_found_however_deep_it_lies() {
        let alert = || {
            io::Error::new(
                io::ErrorKind::InvalidData,
                rustls::Error::AlertReceived(AlertDescription::CertificateRevoked),
            )
        };
        let direct = of(&ConnectionError::Io(alert()));
        assert_eq!(direct.reason, "tls_certificate_revoked");
        let nested = of(&ConnectionError::MqttState(StateError::Io(alert())));
        assert_eq!(nested.reason, "tls_certificate_revoked");
        let read = StateError::Deserialization(rumqttc::Error::Io(alert()));
        assert_eq!(
            of(&ConnectionError::MqttState(read)).reason,
            "tls_certificate_revoked"
        );
    }

    #[test]
    fn an_untrusted_broker_is_told_apart_from_a_refusing_one() {
        let error = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let refusal = of(&ConnectionError::Io(io::Error::new(
            io::ErrorKind::InvalidData,
            error,
        )));
        assert_eq!(refusal.reason, "server_unknown_issuer");
    }

    #[test]
    fn a_network_that_fails_is_counted_by_its_kind() {
        let io = |kind| of(&ConnectionError::Io(io::Error::from(kind))).reason;
        assert_eq!(
            io(io::ErrorKind::ConnectionRefused),
            "io_connection_refused"
        );
        assert_eq!(io(io::ErrorKind::ConnectionReset), "io_connection_reset");
        assert_eq!(io(io::ErrorKind::UnexpectedEof), "closed");
    }
}
