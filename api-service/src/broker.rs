//! One EMQX cluster's management API: banning, kicking, looking, and nothing else.
//!
//! Any node takes any of these calls and carries it out on all of them. Verified against EMQX 5.8.9:
//! a ban ends the live session and deletes it, `DELETE /clients/{id}` answers 404 where there is no
//! session, a second ban of one id answers 400 `ALREADY_EXISTS` and does not extend the first.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use service_kit::Secret;
use url::Url;

pub(crate) use cluster::Cluster;
pub(crate) use error::BrokerError;
pub(crate) use look::Session;

mod ban;
mod clear;
mod clients;
mod cluster;
mod error;
mod kick;
mod look;
mod nodes;
mod version;

/// Longest time for one call, from connecting to the last byte. A kick of a client that waits in an
/// authorization call takes up to 5 s (seen on 5.8.9).
const CALL_TIME_MAX: Duration = Duration::from_secs(7);

/// A longer answer is not read, in bytes. A page of a thousand bans has about 300 kB.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Of a longer refusal only the status is told, in bytes.
const REFUSAL_BYTES_MAX: usize = 16 * 1024;

/// What our bans carry as `by`, so that people tell them from their own.
const BANNED_BY: &str = "iot-hub";

/// A client of one cluster's management API.
#[derive(Clone)]
pub(crate) struct Broker {
    http: reqwest::Client,
    config: BrokerConfig,
}

/// How to reach the management API.
#[derive(Debug, Clone)]
pub(crate) struct BrokerConfig {
    /// What the cluster is called in answers and metrics.
    pub(crate) name: String,
    /// For example `http://emqx:18083`.
    pub(crate) base: Url,
    /// The API key's name.
    pub(crate) key: String,
    /// Its secret.
    pub(crate) secret: Secret,
    /// The setting that holds the address, for messages.
    pub(crate) url_setting: &'static str,
    /// The setting that holds the key, for messages.
    pub(crate) key_setting: String,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    code: String,
}

impl Broker {
    /// A client. It connects when first used.
    pub(crate) fn new(config: BrokerConfig) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(2))
            .timeout(CALL_TIME_MAX)
            .pool_idle_timeout(Duration::from_secs(30))
            .tcp_nodelay(true)
            // A redirect would carry the key to somewhere nobody named.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent("iot-hub-api")
            .build()?;
        Ok(Self { http, config })
    }

    /// What the cluster is called.
    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    async fn call(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Response, BrokerError> {
        let mut url = self.config.base.clone();
        url.path_segments_mut()
            .map_err(|()| BrokerError::Address {
                setting: self.config.url_setting,
            })?
            .pop_if_empty()
            .extend(["api", "v5"])
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request: RequestBuilder = self
            .http
            .request(method, url)
            .basic_auth(&self.config.key, Some(self.config.secret.expose()));
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        request
            .send()
            .await
            .map_err(|error| self.unreachable(error))
    }

    fn unreachable(&self, error: reqwest::Error) -> BrokerError {
        BrokerError::Unreachable {
            setting: self.config.url_setting,
            source: error.without_url(),
        }
    }

    async fn read<T: DeserializeOwned>(&self, answer: Response) -> Result<T, BrokerError> {
        if !answer.status().is_success() {
            return Err(self.refusal(answer).await);
        }
        let bytes = self.bytes(answer, ANSWER_BYTES_MAX).await?;
        serde_json::from_slice(&bytes).map_err(|_| BrokerError::Unreadable)
    }

    /// An answer's body, whether it tells its length or comes in chunks.
    async fn bytes(&self, mut answer: Response, max: usize) -> Result<Vec<u8>, BrokerError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|e| self.unreachable(e))? {
            if bytes.len() + chunk.len() > max {
                return Err(BrokerError::Unreadable);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// What EMQX says when it refuses. Its 404 on a path that is no client's also comes here.
    async fn refusal(&self, answer: Response) -> BrokerError {
        let status = answer.status();
        if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
            return BrokerError::Key {
                status: status.as_u16(),
                setting: self.config.key_setting.clone(),
            };
        }
        let body = self.bytes(answer, REFUSAL_BYTES_MAX).await;
        let refusal = body
            .ok()
            .and_then(|body| serde_json::from_slice(&body).ok());
        let code = refusal.map_or_else(String::new, |refusal: Refusal| refusal.code);
        BrokerError::Refused {
            status: status.as_u16(),
            code: code.chars().take(64).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
