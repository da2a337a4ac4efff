//! Bans of a client id: a short one of ours, and the end of one that is ours.

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::version::Version;
use super::{BANNED_BY, Broker, BrokerError};

/// `GET /banned` can look for one client id since then; before, all pages are read.
const FILTER_SINCE: Version = Version::of(5, 8, 1);

/// Bans of one page.
const PAGE_BANS: usize = 1000;

/// Pages read on a broker without the filter.
const PAGES_MAX: usize = 20;

#[derive(Deserialize)]
struct Page {
    data: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    r#as: String,
    who: String,
    #[serde(default)]
    by: Value,
}

impl Broker {
    /// Bans a client id until a time (seconds since 1970), which also ends its session without its
    /// will. A ban that stands already is left as it is.
    pub(super) async fn ban(
        &self,
        client_id: &str,
        reason: &str,
        until_s: i64,
    ) -> Result<(), BrokerError> {
        let body = json!({
            "as": "clientid", "who": client_id, "by": BANNED_BY, "reason": reason, "until": until_s,
        });
        let answer = self
            .call(Method::POST, &["banned"], &[], Some(&body))
            .await?;
        if answer.status().is_success() {
            return Ok(());
        }
        match self.refusal(answer).await {
            BrokerError::Refused { code, .. } if code == "ALREADY_EXISTS" => Ok(()),
            other => Err(other),
        }
    }

    /// Lifts the ban of a client id if it is ours. Says whether there was one. Somebody else's stays.
    pub(super) async fn lift_ban(
        &self,
        client_id: &str,
        version: Option<Version>,
    ) -> Result<bool, BrokerError> {
        if !self.has_our_ban(client_id, version).await? {
            return Ok(false);
        }
        let answer = self
            .call(
                Method::DELETE,
                &["banned", "clientid", client_id],
                &[],
                None,
            )
            .await?;
        match answer.status() {
            status if status.is_success() => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(self.refusal(answer).await),
        }
    }

    async fn has_our_ban(
        &self,
        client_id: &str,
        version: Option<Version>,
    ) -> Result<bool, BrokerError> {
        let ours =
            |ban: &Ban| ban.r#as == "clientid" && ban.who == client_id && ban.by == BANNED_BY;
        if version.is_some_and(|version| version >= FILTER_SINCE) {
            let query = [("clientid", client_id)];
            let answer = self.call(Method::GET, &["banned"], &query, None).await?;
            return Ok(self.read::<Page>(answer).await?.data.iter().any(ours));
        }
        for page in 1..=PAGES_MAX {
            let (page, limit) = (page.to_string(), PAGE_BANS.to_string());
            let query = [("page", page.as_str()), ("limit", limit.as_str())];
            let answer = self.call(Method::GET, &["banned"], &query, None).await?;
            let bans = self.read::<Page>(answer).await?.data;
            if bans.iter().any(ours) {
                return Ok(true);
            }
            if bans.len() < PAGE_BANS {
                break;
            }
        }
        Ok(false)
    }
}
