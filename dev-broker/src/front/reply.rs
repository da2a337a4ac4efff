//! The packets that the front writes itself.

use crate::client::Protocol;

/// Why a CONNECT is refused, as MQTT 5 says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Refusal {
    ClientIdNotValid = 0x85,
    BadCredentials = 0x86,
    NotAuthorized = 0x87,
    ServerUnavailable = 0x88,
    Banned = 0x8A,
}

/// CONNACK of a refusal; 3.1.1 knows fewer codes.
pub(super) fn connack(protocol: Protocol, refusal: Refusal) -> Vec<u8> {
    match protocol {
        Protocol::V5 => vec![0x20, 3, 0, refusal as u8, 0],
        Protocol::V3(_) => {
            let code = match refusal {
                Refusal::ClientIdNotValid => 2,
                Refusal::ServerUnavailable => 3,
                Refusal::BadCredentials => 4,
                Refusal::NotAuthorized | Refusal::Banned => 5,
            };
            vec![0x20, 2, 0, code]
        }
    }
}

/// DISCONNECT; nothing in 3.1.1, where a server just closes.
pub(super) fn disconnect(protocol: Protocol, code: u8) -> Option<[u8; 4]> {
    (protocol == Protocol::V5).then_some([0xE0, 2, code, 0])
}
