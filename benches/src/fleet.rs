//! A made-up fleet, the same in every process: ids, certificates and requests follow from a number.
//!
//! Nothing here is random between runs, so the server and the load generator, even on two machines,
//! agree on every device without exchanging anything.

mod certificate;
mod requests;
mod signed;
mod splitmix;

use std::fmt::Write as _;

use hook_service::fleet::{Certificate, Owner, Table, TableBuilder};
use sha2::{Digest, Sha256};

pub(crate) use self::certificate::Template;
pub(crate) use self::requests::{Asked, BURST_MAX, Kind, Requests, telemetry_request};
pub(crate) use self::signed::Signed;
pub(crate) use self::splitmix::SplitMix;

/// One device of this many is revoked, so that a server which allows everything is found out.
pub(crate) const REVOKED_EVERY: u32 = 128;

/// When every certificate ends: far ahead, so that expiry plays no part (Unix seconds, 2100).
const NOT_AFTER: i64 = 4_102_444_800;

/// The id of device `number`: 20 characters, as long as a real serial number.
pub(crate) fn id(number: u32) -> String {
    format!("bench-{number:014}")
}

/// Whether device `number` is allowed to connect.
pub(crate) fn is_active(number: u32) -> bool {
    number % REVOKED_EVERY != REVOKED_EVERY - 1
}

/// The fingerprint of a certificate, as the table stores it.
pub(crate) fn fingerprint(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}

/// The fingerprint as people and brokers write it: upper-case hex with colons.
pub(crate) fn fingerprint_text(fingerprint: &[u8; 32]) -> String {
    let mut text = String::with_capacity(95);
    for (index, byte) in fingerprint.iter().enumerate() {
        let separator = if index == 0 { "" } else { ":" };
        write!(text, "{separator}{byte:02X}").expect("writing to memory succeeds");
    }
    text
}

/// The table of a fleet of `devices`, built the way a full load builds it.
pub(crate) fn table(devices: u32) -> Table {
    table_with(devices, &Signed::default())
}

/// The same, where some devices hold certificates that were really signed.
pub(crate) fn table_with(devices: u32, signed: &Signed) -> Table {
    table_of(devices, signed, |_| Owner::Nobody)
}

/// The same, where devices have owners.
pub(crate) fn table_of(devices: u32, signed: &Signed, owner: impl Fn(u32) -> Owner) -> Table {
    let mut template = Template::new();
    let mut builder = TableBuilder::new();
    for number in 0..devices {
        let certificate = Certificate {
            fingerprint: signed
                .of(number)
                .unwrap_or_else(|| fingerprint(template.of(number))),
            not_after: NOT_AFTER,
        };
        builder.push(
            &id(number),
            !is_active(number),
            false,
            owner(number),
            Some(certificate),
        );
    }
    builder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_what_the_requests_ask_for() {
        let table = table(1000);
        assert_eq!(table.len(), 1000);
        let mut template = Template::new();
        for number in [0, 126, 127, 999] {
            let expected = fingerprint(template.of(number));
            table.device(id(number).as_bytes(), |device| {
                let device = device.unwrap();
                assert_eq!(device.revoked(), !is_active(number));
                assert_eq!(device.not_after_of(&expected), Some(NOT_AFTER));
            });
        }
    }

    #[test]
    fn a_signed_certificate_takes_the_place_of_the_made_up_one() {
        let table = table_with(10, &[(3, [9; 32])].into_iter().collect());
        for (number, fingerprint) in [(3, [9; 32]), (4, fingerprint(Template::new().of(4)))] {
            table.device(id(number).as_bytes(), |device| {
                let not_after = device.unwrap().not_after_of(&fingerprint);
                assert_eq!(not_after, Some(NOT_AFTER));
            });
        }
        assert_eq!(table.len(), 10);
    }

    #[test]
    fn fingerprints_are_written_as_brokers_write_them() {
        let text = fingerprint_text(&fingerprint(b"x"));
        assert_eq!(text, certs::Fingerprint::of_der(b"x").to_string());
    }
}
