//! Authorities: a certificate that may issue, together with its private key.

use std::fmt::Write;

mod error;
mod issuing;
mod kind;
mod pair;
mod root;

pub use self::error::AuthorityError;
pub use self::issuing::IssuingCa;
pub use self::kind::CaKind;
pub(crate) use self::pair::{Pair, read_certificate};
pub use self::root::RootCa;

/// Bytes as lower-case hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}
