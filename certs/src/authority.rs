//! Authorities: a certificate that may issue, together with its private key.

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
