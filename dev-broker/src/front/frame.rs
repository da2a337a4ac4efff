//! Where MQTT packets begin and end in a stream of bytes. Looks at nothing but the fixed header.

/// Length of the first packet in `bytes`, header included; `None` while it isn't known yet.
pub(super) fn first_packet_len(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    let mut length = 0_usize;
    for (index, shift) in [0, 7, 14, 21].into_iter().enumerate() {
        let Some(byte) = bytes.get(index + 1) else {
            return Ok(None);
        };
        length |= usize::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Ok(Some(index + 2 + length));
        }
    }
    Err(Malformed)
}

/// Packet type of DISCONNECT.
const DISCONNECT: u8 = 14;

/// A remaining length of more than four bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Follows packets through a stream, so that one of our own is only ever written between two.
#[derive(Debug, Default)]
pub(super) struct Boundary {
    header: Vec<u8>,
    body_left: usize,
    kind: u8,
    largest: usize,
}

impl Boundary {
    /// More bytes have passed.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.body_left > 0 {
                let taken = self.body_left.min(bytes.len());
                self.body_left -= taken;
                bytes = &bytes[taken..];
                continue;
            }
            if self.header.is_empty() {
                self.kind = bytes[0] >> 4;
            }
            self.header.push(bytes[0]);
            bytes = &bytes[1..];
            match first_packet_len(&self.header) {
                Ok(Some(length)) => {
                    self.largest = self.largest.max(length);
                    self.body_left = length - self.header.len();
                    self.header.clear();
                }
                Ok(None) => {}
                // Not MQTT: never at a boundary again.
                Err(Malformed) => self.body_left = usize::MAX,
            }
        }
    }

    /// Length of the largest packet that has begun.
    pub(super) fn largest(&self) -> usize {
        self.largest
    }

    /// Whether the last byte ended a DISCONNECT.
    pub(super) fn disconnected(&self) -> bool {
        self.kind == DISCONNECT && self.reached()
    }

    /// Whether the last byte ended a packet.
    pub(super) fn reached(&self) -> bool {
        self.header.is_empty() && self.body_left == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_needs_its_last_byte() {
        assert_eq!(first_packet_len(&[0x10]), Ok(None));
        assert_eq!(first_packet_len(&[0x10, 0x80]), Ok(None));
        assert_eq!(first_packet_len(&[0x10, 0x80, 0x01]), Ok(Some(131)));
        assert_eq!(
            first_packet_len(&[0x10, 0xFF, 0xFF, 0xFF, 0xFF]),
            Err(Malformed)
        );
    }

    #[test]
    fn a_boundary_is_found_however_the_bytes_are_cut() {
        let stream = [&[0x30, 3, 1, 2, 3][..], &[0xD0, 0], &[0x40, 2, 0, 1]].concat();
        let ends = [5, 7, 11];
        let mut whole = Boundary::default();
        for (index, byte) in stream.iter().enumerate() {
            whole.pass(&[*byte]);
            assert_eq!(
                whole.reached(),
                ends.contains(&(index + 1)),
                "after {}",
                index + 1
            );
        }
    }
}
