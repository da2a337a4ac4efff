//! From a token to a caller: the one place that both services ask.
//!
//! [`Verifier::verify_cached`] never waits for anything outside the process, so it fits a hot path:
//! a token of an unknown key is refused now, and the keys are renewed behind it.
//! [`Verifier::verify`] may wait for that renewal, for a bounded time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use crate::claims::{Claims, expired};
use crate::compact::Compact;
use crate::issuer::Issuer;
use crate::{Caller, IssuerUrl, TokenError};

/// Times and sizes. The defaults suit production; tests shorten them.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Keys are renewed behind requests when they are older than this.
    pub refresh_every: Duration,
    /// Between two refreshes of one issuer there is at least this much time.
    pub refresh_pause: Duration,
    /// The same, while the issuer's keys were never fetched.
    pub retry_pause: Duration,
    /// Keys kept through an outage of the issuer are trusted this long.
    pub keys_age_max: Duration,
    /// [`Verifier::verify`] waits this long at most for keys.
    pub wait_max: Duration,
    /// So many verified tokens are remembered, about 1 KiB each.
    pub tokens_cached_max: u64,
    /// A verified token is verified again after this time at the latest.
    pub token_cached: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            refresh_every: Duration::from_mins(5),
            refresh_pause: Duration::from_secs(10),
            retry_pause: Duration::from_secs(1),
            keys_age_max: Duration::from_hours(24),
            wait_max: Duration::from_secs(6),
            tokens_cached_max: 10_000,
            token_cached: Duration::from_mins(5),
        }
    }
}

/// Checks access tokens of a list of issuers for one audience.
#[derive(Debug, Clone)]
pub struct Verifier {
    issuers: Arc<HashMap<String, Arc<Issuer>>>,
    audience: Arc<str>,
    verified: moka::sync::Cache<[u8; 32], Arc<Verified>>,
    limits: Limits,
}

#[derive(Debug)]
struct Verified {
    caller: Arc<Caller>,
    generation: u64,
}

impl Verifier {
    /// A verifier that accepts tokens of `issuers` for `audience`. It fetches nothing yet: call
    /// [`Verifier::warm`], or let the first token do it.
    pub fn new(
        issuers: impl IntoIterator<Item = IssuerUrl>,
        audience: &str,
        limits: Limits,
    ) -> Result<Self, reqwest::Error> {
        let client = crate::http::client()?;
        let issuers = issuers
            .into_iter()
            .map(|url| {
                let name = url.as_str().to_owned();
                (name, Arc::new(Issuer::new(url, client.clone(), limits)))
            })
            .collect();
        Ok(Self {
            issuers: Arc::new(issuers),
            audience: Arc::from(audience),
            verified: moka::sync::Cache::builder()
                .max_capacity(limits.tokens_cached_max)
                .time_to_live(limits.token_cached)
                .build(),
            limits,
        })
    }

    /// Begins to fetch the keys of every issuer, and returns at once.
    pub fn warm(&self) {
        for issuer in self.issuers.values() {
            let _ = issuer.refresh();
        }
    }

    /// Whether tokens of every issuer can be checked now, or one sentence about one that cannot.
    pub fn ready(&self) -> Result<(), String> {
        for issuer in self.issuers.values() {
            if issuer.keys().is_none() {
                let reason = issuer.last_error();
                let reason = reason.as_deref().unwrap_or("not fetched yet");
                return Err(format!(
                    "the signing keys of {} are unknown: {reason}",
                    issuer.url()
                ));
            }
        }
        Ok(())
    }

    /// Checks a token with what is known now. Must run inside a tokio runtime: a refresh, where
    /// one is due, is started behind this call and never awaited.
    pub fn verify_cached(&self, token: &str, now: SystemTime) -> Result<Arc<Caller>, TokenError> {
        let now_s = now
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(caller) = self.remembered(&hash, now_s)? {
            return Ok(caller);
        }
        let compact = Compact::parse(token)?;
        let kind = compact.header.kind()?;
        let claims = Claims::parse(&compact.claims)?;
        let issuer = self
            .issuers
            .get(&claims.iss)
            .ok_or(TokenError::UnknownIssuer)?;
        if issuer.is_due() {
            let _ = issuer.refresh();
        }
        let known = issuer.keys().ok_or(TokenError::KeysUnavailable)?;
        if let Err(error) = known.set.check(&compact) {
            if error == TokenError::UnknownKey {
                let _ = issuer.refresh();
            }
            return Err(error);
        }
        let caller = Arc::new(claims.into_caller(kind, &self.audience, now_s)?);
        let verified = Verified {
            caller: Arc::clone(&caller),
            generation: known.generation,
        };
        self.verified.insert(hash, Arc::new(verified));
        Ok(caller)
    }

    /// Checks a token, waiting a bounded time for keys that are not known yet.
    pub async fn verify(&self, token: &str, now: SystemTime) -> Result<Arc<Caller>, TokenError> {
        let first = self.verify_cached(token, now);
        let Err(TokenError::UnknownKey | TokenError::KeysUnavailable) = first else {
            return first;
        };
        if let Some(mut end) = self.issuer_of(token).and_then(Issuer::refresh) {
            // A time-out, or a refresh that failed, leaves the answer as it was.
            let _ = tokio::time::timeout(self.limits.wait_max, end.changed()).await;
        }
        self.verify_cached(token, now)
    }

    fn remembered(&self, hash: &[u8; 32], now_s: u64) -> Result<Option<Arc<Caller>>, TokenError> {
        let Some(verified) = self.verified.get(hash) else {
            return Ok(None);
        };
        let Some(issuer) = self.issuers.get(&verified.caller.issuer) else {
            return Ok(None);
        };
        if issuer.is_due() {
            let _ = issuer.refresh();
        }
        let known = issuer.keys().ok_or(TokenError::KeysUnavailable)?;
        if known.generation != verified.generation {
            return Ok(None);
        }
        if expired(verified.caller.expires_at_s, now_s) {
            return Err(TokenError::Expired);
        }
        Ok(Some(Arc::clone(&verified.caller)))
    }

    /// The issuer a token names, for the refresh after a miss. Nothing of it is trusted.
    fn issuer_of(&self, token: &str) -> Option<&Arc<Issuer>> {
        let compact = Compact::parse(token).ok()?;
        let claims = Claims::parse(&compact.claims).ok()?;
        self.issuers.get(&claims.iss)
    }
}
