//! What is learnt of a request on its way in, for those who see its answer out.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::Extensions;

use crate::domain::account_id::AccountId;
use crate::rates::Counted;

/// Travels with a request as an extension; its maker keeps the other end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Met(Arc<Mutex<Learnt>>);

#[derive(Debug, Default, Clone)]
struct Learnt {
    account: Option<AccountId>,
    counted: Vec<Counted>,
}

impl Met {
    /// That of a request. One that nobody stands around has one that nobody reads.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// Notes whose request it is.
    pub(crate) fn comes_from(&self, account: AccountId) {
        self.with(|learnt| learnt.account = Some(account));
    }

    /// Notes how it stands under a limit.
    pub(crate) fn counts(&self, counted: Counted) {
        self.with(|learnt| learnt.counted.push(counted));
    }

    /// Whose request it is, once that is known.
    pub(crate) fn account(&self) -> Option<AccountId> {
        self.with(|learnt| learnt.account)
    }

    /// How it stands under every limit.
    pub(crate) fn counted(&self) -> Vec<Counted> {
        self.with(|learnt| learnt.counted.clone())
    }

    fn with<T>(&self, work: impl FnOnce(&mut Learnt) -> T) -> T {
        // Nothing in here can panic half way.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
