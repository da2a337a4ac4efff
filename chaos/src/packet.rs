//! The few MQTT 5 packets that load speaks (OASIS MQTT 5.0, sections 3.1, 3.2, 3.12, 3.14). Bytes only:
//! no socket here.
//!
//! Written beforehand and read with a glance, because a generator shares its processors with the
//! broker: a whole MQTT client would be a part of what is measured.

/// DISCONNECT with the reason "normal" (3.14).
pub const DISCONNECT: [u8; 2] = [0xe0, 0];

/// Most bytes of a CONNACK; ours have a few dozen, with all properties a few hundred.
pub const CONNACK_BYTES_MAX: usize = 1024;

/// PINGREQ (3.12).
pub const PING: [u8; 2] = [0xc0, 0];

/// Seconds; a session that stays pings three times in it.
pub const KEEP_ALIVE_S: u16 = 60;

/// What came is no CONNACK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotConnack {
    /// Another packet, or none of MQTT.
    #[error("the broker's first packet is not a CONNACK (its first byte is 0x{0:02x})")]
    Other(u8),
    /// Beyond [`CONNACK_BYTES_MAX`].
    #[error("the broker's CONNACK is longer than {CONNACK_BYTES_MAX} bytes")]
    TooLong,
    /// A length without a reason code in it.
    #[error("the broker's CONNACK is malformed")]
    Malformed,
}

/// A CONNECT with a clean start and no session afterwards, as long as each part is below 64 KiB.
pub fn connect(client_id: &str, user_name: &str, password: &str) -> Vec<u8> {
    const CLEAN_START: u8 = 0x02;
    const PASSWORD: u8 = 0x40;
    const USER_NAME: u8 = 0x80;
    let mut body = Vec::with_capacity(256);
    text(&mut body, "MQTT");
    body.extend([5, CLEAN_START | PASSWORD | USER_NAME]);
    body.extend(KEEP_ALIVE_S.to_be_bytes());
    body.push(0); // No properties: the session ends with the connection.
    for part in [client_id, user_name, password] {
        text(&mut body, part);
    }
    let mut packet = vec![0x10];
    let mut rest = body.len();
    loop {
        let low = u8::try_from(rest % 128).expect("below 128");
        rest /= 128;
        packet.push(if rest > 0 { low | 0x80 } else { low });
        if rest == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

fn text(out: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).expect("names and fingerprints are short");
    out.extend(length.to_be_bytes());
    out.extend(text.as_bytes());
}

/// The reason code of the CONNACK in what came so far; `None` while more must come.
pub fn connack(bytes: &[u8]) -> Result<Option<u8>, NotConnack> {
    let Some((first, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    if *first != 0x20 {
        return Err(NotConnack::Other(*first));
    }
    let mut length = 0;
    for (index, byte) in rest.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 != 0 {
            continue;
        }
        if length > CONNACK_BYTES_MAX {
            return Err(NotConnack::TooLong);
        }
        // Flags, reason, length of the properties.
        if length < 3 {
            return Err(NotConnack::Malformed);
        }
        return Ok(rest.get(index + 1..index + 1 + length).map(|body| body[1]));
    }
    if rest.len() >= 4 {
        return Err(NotConnack::Malformed);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connect_has_its_parts_where_the_standard_wants_them() {
        let packet = connect("a", "bc", "d");
        let expected = b"\x10\x15\0\x04MQTT\x05\xc2\0\x3c\0\0\x01a\0\x02bc\0\x01d";
        assert_eq!(packet, expected[..].to_vec());
        let long = connect("a", "bc", &"x".repeat(120));
        assert_eq!(long[..3], [0x10, 0x8c, 0x01], "140 bytes behind the length");
        assert_eq!(long.len(), 3 + 140);
    }

    #[test]
    fn a_connack_is_read_once_it_is_complete() {
        let accepted = [0x20, 6, 0, 0, 3, 0x21, 0, 16];
        for cut in 0..accepted.len() {
            assert_eq!(connack(&accepted[..cut]), Ok(None), "cut at {cut}");
        }
        assert_eq!(connack(&accepted), Ok(Some(0)));
        assert_eq!(connack(&[0x20, 3, 0, 0x8a, 0]), Ok(Some(0x8a)));
    }

    #[test]
    fn what_is_no_connack_or_beyond_the_limit_is_refused() {
        assert_eq!(connack(b"HTTP/1.1"), Err(NotConnack::Other(b'H')));
        assert_eq!(connack(&[0x20, 2, 0, 0]), Err(NotConnack::Malformed));
        assert_eq!(
            connack(&[0x20, 0xff, 0xff, 0xff, 0xff]),
            Err(NotConnack::Malformed)
        );
        assert_eq!(connack(&[0x20, 0x81, 0x08]), Err(NotConnack::TooLong));
        assert_eq!(connack(&[0x20, 0x80, 0x08]), Ok(None), "the limit itself");
    }
}
