//! The optional shared secret between the broker and this service.

use subtle::ConstantTimeEq;

use super::Hooks;
use crate::decide::Deny;

/// The header that carries it.
pub const HEADER: &str = "x-hook-secret";

/// Refuses a request without the secret, if one is set. Compared in constant time.
pub(super) fn check(hooks: &Hooks, given: &[u8]) -> Result<(), Deny> {
    let Some(secret) = &hooks.secret else {
        return Ok(());
    };
    let same = secret.expose().as_bytes().ct_eq(given);
    if bool::from(same) {
        Ok(())
    } else {
        Err(Deny::Secret)
    }
}
