//! EMQX's management API, for looking only: there is no verb here but GET.

use std::time::Duration;

use reqwest::header::ACCEPT;
use reqwest::{Client, StatusCode};
use serde_json::Value as Json;

use super::answer;
use crate::broker::BrokerConfig;

/// Longest time for one call.
const CALL_TIME_MAX: Duration = Duration::from_secs(10);

/// A whole configuration as EMQX prints it has some 60 kB; certificates are named, not held.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A client of one cluster.
pub(super) struct Management<'a> {
    http: Client,
    config: &'a BrokerConfig,
}

/// Why a page was not read.
#[derive(Debug)]
pub(super) enum Unread {
    /// This version has no such page.
    NoSuchPage,
    /// Anything else, in words.
    Failed(String),
}

impl<'a> Management<'a> {
    pub(super) fn new(config: &'a BrokerConfig) -> Result<Self, String> {
        let http = Client::builder()
            .connect_timeout(Duration::from_secs(3))
            .timeout(CALL_TIME_MAX)
            // A redirect would carry the key to somewhere nobody named.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent("iot-hub-doctor")
            .build()
            .map_err(|error| answer::sentence(&error))?;
        Ok(Self { http, config })
    }

    /// A page in JSON.
    pub(super) async fn json(&self, path: &[&str]) -> Result<Json, Unread> {
        let text = self.page(path, &[], "application/json").await?;
        serde_json::from_str(&text)
            .map_err(|_| Unread::Failed(format!("/{} is not JSON", path.join("/"))))
    }

    /// A node's whole configuration in HOCON (5.2 and later; zones are never in it).
    pub(super) async fn configuration(&self, node: &str) -> Result<String, Unread> {
        self.page(&["configs"], &[("node", node)], "text/plain")
            .await
    }

    async fn page(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        accept: &str,
    ) -> Result<String, Unread> {
        let mut url = self.config.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v5"]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self
            .http
            .get(url)
            .header(ACCEPT, accept)
            .basic_auth(&self.config.key, Some(self.config.secret.expose()));
        let page = path.join("/");
        let answer = request
            .send()
            .await
            .map_err(|error| Unread::Failed(answer::sentence(&error.without_url())))?;
        match answer.status() {
            status if status.is_success() => answer::text(answer, ANSWER_BYTES_MAX)
                .await
                .map_err(|reason| Unread::Failed(format!("/{page}: {reason}"))),
            StatusCode::NOT_FOUND => Err(Unread::NoSuchPage),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Unread::Failed(format!(
                "/{page}: EMQX refused our key ({}); API_BROKER_KEY must be `key:secret` of an API key",
                answer.status().as_u16()
            ))),
            status => Err(Unread::Failed(format!(
                "/{page}: EMQX answered {}",
                status.as_u16()
            ))),
        }
    }
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoSuchPage => f.write_str("EMQX has no such page"),
            Self::Failed(reason) => f.write_str(reason),
        }
    }
}
