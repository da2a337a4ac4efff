//! Which sessions an account has.

use reqwest::Method;
use serde::Deserialize;

use super::{Broker, BrokerError};

/// Clients of one page. EMQX gives up to 10,000; so many take about a megabyte.
const PAGE_CLIENTS: usize = 1000;

/// Pages read. An account with more sessions than fit has them ended in more than one attempt.
const PAGES_MAX: usize = 20;

#[derive(Deserialize)]
struct Page {
    data: Vec<Client>,
}

#[derive(Deserialize)]
struct Client {
    clientid: String,
}

impl Broker {
    /// The client ids of every session whose id begins with `prefix`, connected or kept.
    ///
    /// EMQX looks for the text anywhere in an id and has no search by prefix, so each one is looked at
    /// again here. Sessions that come or go while pages are read may be missed: ask until none is left.
    pub(super) async fn sessions_with_prefix(
        &self,
        prefix: &str,
    ) -> Result<Vec<String>, BrokerError> {
        let mut found = Vec::new();
        for page in 1..=PAGES_MAX {
            let (page, limit) = (page.to_string(), PAGE_CLIENTS.to_string());
            let query = [
                ("like_clientid", prefix),
                ("page", page.as_str()),
                ("limit", limit.as_str()),
            ];
            let answer = self.call(Method::GET, &["clients"], &query, None).await?;
            let clients = self.read::<Page>(answer).await?.data;
            let count = clients.len();
            let ids = clients.into_iter().map(|client| client.clientid);
            found.extend(ids.filter(|id| id.starts_with(prefix)));
            if count < PAGE_CLIENTS {
                break;
            }
        }
        Ok(found)
    }
}
