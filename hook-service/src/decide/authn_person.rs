//! May this client connect as a person?

use super::{Connect, Context, Deny, Grant};

/// Nobody, until people can log in: an account needs a token, and no issuer is trusted here.
pub fn authn_person<'a>(_: &Connect<'a>, _: &Context<'_>) -> Result<Grant<'a>, Deny> {
    Err(Deny::People)
}
