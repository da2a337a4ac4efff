//! May this client connect as a person?

use std::sync::Arc;

use tokens::{Caller, TokenError, Verifier};
use uuid::Uuid;

use super::grant::{Grant, Granted, session_end};
use super::{ClientId, Connect, Context, Deny};
use crate::fleet::Account;

/// The user name of every person: the password is a token.
const USERNAME: &str = "jwt";

/// Turns tokens into callers without waiting for anything: a token of an unknown key is an error now,
/// and the keys are fetched behind it.
pub trait Tokens: std::fmt::Debug + Send + Sync {
    /// Checks a token at `unix_now`, Unix seconds.
    fn caller(&self, token: &str, unix_now: i64) -> Result<Arc<Caller>, TokenError>;
}

impl Tokens for Verifier {
    fn caller(&self, token: &str, unix_now: i64) -> Result<Arc<Caller>, TokenError> {
        let since = std::time::Duration::from_secs(unix_now.max(0).unsigned_abs());
        self.verify_cached(token, std::time::UNIX_EPOCH + since)
    }
}

/// Allows an account that shows a token of its own and calls itself by the account's id.
///
/// The account is looked up first: who names one that is not there costs no signature check.
pub fn authn_person<'a>(
    connect: &Connect<'a>,
    context: &Context<'_>,
    tokens: Option<&dyn Tokens>,
) -> Result<Grant<'a>, Deny> {
    let tokens = tokens.ok_or(Deny::People)?;
    let client_id = connect.client_id.ok_or(Deny::ClientId)?;
    let Some(ClientId::Person(id)) = ClientId::parse(client_id) else {
        return Err(Deny::ClientId);
    };
    let id = account_id(id).ok_or(Deny::ClientId)?;
    if !calls_itself(connect.username) {
        return Err(Deny::Mismatch);
    }
    let account = in_service(id, context)?;
    let token = connect.password.ok_or(Deny::Token)?;
    let caller = tokens
        .caller(token, context.unix_now)
        .map_err(|error| match error {
            TokenError::UnknownKey | TokenError::KeysUnavailable => Deny::TokenKey,
            _ => Deny::Token,
        })?;
    if *caller.issuer != *account.issuer || *caller.subject != *account.subject {
        return Err(Deny::Mismatch);
    }
    if caller.is_issued_before(i128::from(account.sessions_from)) {
        return Err(Deny::SignedOut);
    }
    let end = i64::try_from(caller.expires_at_s).unwrap_or(i64::MAX);
    // The verifier bears with clocks that differ; a session that has ended is not begun.
    if end <= context.unix_now {
        return Err(Deny::Token);
    }
    Ok(Grant {
        client: Granted::Person,
        expire_at: session_end(client_id, end, context),
        fingerprint: None,
    })
}

/// The account of a client id. Only the canonical form of a uuid: whoever ends an account's sessions
/// looks for them by that.
pub(super) fn account_id(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    let mut canonical = Uuid::encode_buffer();
    (id.hyphenated().encode_lower(&mut canonical) == text).then_some(id)
}

/// An account that exists and is not disabled.
pub(super) fn in_service(id: Uuid, context: &Context<'_>) -> Result<Arc<Account>, Deny> {
    let account = context.fleet.people().account(id).ok_or(Deny::Unknown)?;
    if account.disabled {
        Err(Deny::Suspended)
    } else {
        Ok(account)
    }
}

/// Whether this is the user name of a person.
pub(super) fn calls_itself(username: Option<&str>) -> bool {
    username == Some(USERNAME)
}
