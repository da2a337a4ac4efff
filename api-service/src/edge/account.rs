//! Who calls: the bearer token of a request, checked, and the account it speaks for.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tokens::{Caller, TokenError};

use super::met::Met;
use super::token::token_of;
use crate::api::Api;
use crate::domain::account_id::AccountId;
use crate::domain::audit::Actor;
use crate::domain::rights::Right;
use crate::problem::{Code, Problem};
use crate::store::access::Asker;

/// A caller whose token is good and whose account is let in. What it may do is asked with
/// [`Account::require`], or of what the account is a member of.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    id: AccountId,
    caller: Arc<Caller>,
}

impl Account {
    /// Which account it is.
    pub(crate) fn id(&self) -> AccountId {
        self.id
    }

    /// What the token says.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The caller, as the audit names it.
    pub(crate) fn actor(&self) -> Actor {
        Actor::Account(self.id().uuid())
    }

    /// Refuses unless the caller has a right.
    pub(crate) fn require(&self, right: Right) -> Result<(), Problem> {
        if self.has(right) {
            return Ok(());
        }
        let roles = right.roles().join(" or ");
        Err(Problem::new(
            Code::Forbidden,
            format!("this needs the role {roles}"),
        ))
    }

    /// Who asks, for what depends on memberships.
    pub(crate) fn asker(&self) -> Asker {
        Asker {
            account: self.id,
            is_admin: self.has(Right::Everything),
        }
    }

    /// Whether the caller has a right.
    pub(crate) fn has(&self, right: Right) -> bool {
        right.is_had(|role| self.caller.has_role(role))
    }
}

impl FromRequestParts<Api> for Account {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let token = token_of(parts, &api.proxies)?;
        let caller = verified(api, token).await?;
        let Some(seen) = api.accounts.of(&caller).await? else {
            let detail = "this account was erased; a day after that its holder may sign in as new";
            return Err(Problem::new(Code::SessionEnded, detail));
        };
        let id = seen.account_id;
        tracing::Span::current().record("account", tracing::field::display(id));
        let met = Met::of(&parts.extensions);
        met.comes_from(id);
        if let Some(counted) = api.rates.account(id).await {
            met.counts(counted);
            counted.admit()?;
        }
        if seen.disabled {
            let detail = "this account is disabled; ask whoever runs this service";
            return Err(Problem::new(Code::AccountDisabled, detail));
        }
        let micros = seen
            .sessions_from
            .map(|at| at.unix_timestamp_nanos() / 1000);
        if micros.is_some_and(|micros| caller.is_issued_before(micros)) {
            let detail = "the token is older than the account's sign-out; sign in again";
            return Err(Problem::new(Code::SessionEnded, detail));
        }
        Ok(Self { id, caller })
    }
}

async fn verified(api: &Api, token: &str) -> Result<Arc<Caller>, Problem> {
    match api.verifier.verify(token, (api.clock)()).await {
        Ok(caller) => Ok(caller),
        Err(TokenError::KeysUnavailable) => Err(Problem::new(
            Code::IssuerUnavailable,
            "the signing keys of the token's issuer cannot be fetched at the moment",
        )),
        Err(error) => {
            api.metrics
                .tokens_refused
                .with_label_values(&[error.code()])
                .inc();
            Err(Problem::new(Code::TokenInvalid, error.to_string()))
        }
    }
}
