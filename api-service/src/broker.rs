//! EMQX's management API: banning, kicking and looking, and nothing else.
//!
//! Verified against EMQX 5.8.9: a ban ends the live session and deletes it, `DELETE /clients/{id}`
//! answers 404 where there is no session, a second ban of one id answers 400 `ALREADY_EXISTS` and
//! does not extend the first.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::Secret;
use url::Url;

pub(crate) use error::BrokerError;

mod error;

/// Longest time for one call, from connecting to the last byte.
const CALL_TIME_MAX: Duration = Duration::from_secs(5);

/// An error body longer than this is not read, in bytes.
const ERROR_BYTES_MAX: u64 = 4096;

/// What our bans carry as `by`, so that people tell them from their own.
const BANNED_BY: &str = "iot-hub";

/// A client of one cluster's management API.
#[derive(Clone)]
pub(crate) struct Broker {
    http: reqwest::Client,
    base: Url,
    key: String,
    secret: Secret,
}

/// How to reach the management API.
#[derive(Debug, Clone)]
pub(crate) struct BrokerConfig {
    /// For example `http://emqx:18083`.
    pub(crate) base: Url,
    /// The API key's name.
    pub(crate) key: String,
    /// Its secret.
    pub(crate) secret: Secret,
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
            // A redirect would carry the key to somewhere nobody named.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent("iot-hub-api")
            .build()?;
        Ok(Self {
            http,
            base: config.base,
            key: config.key,
            secret: config.secret,
        })
    }

    /// Bans a client id until a time (seconds since 1970), which also ends its session. A ban that
    /// stands already is left as it is.
    pub(crate) async fn ban(
        &self,
        client_id: &str,
        reason: &str,
        until_s: i64,
    ) -> Result<(), BrokerError> {
        let body = json!({
            "as": "clientid", "who": client_id, "by": BANNED_BY, "reason": reason, "until": until_s,
        });
        let answer = self.call(Method::POST, &["banned"], Some(&body)).await?;
        if answer.status().is_success() {
            return Ok(());
        }
        match refusal(answer).await {
            BrokerError::Refused { code, .. } if code == "ALREADY_EXISTS" => Ok(()),
            other => Err(other),
        }
    }

    /// Ends a client's session. That there is none is as good.
    pub(crate) async fn kick(&self, client_id: &str) -> Result<(), BrokerError> {
        let answer = self
            .call(Method::DELETE, &["clients", client_id], None)
            .await?;
        if answer.status().is_success() || answer.status() == StatusCode::NOT_FOUND {
            return Ok(());
        }
        Err(refusal(answer).await)
    }

    /// Whether a client has a session, connected or kept for its return.
    pub(crate) async fn has_session(&self, client_id: &str) -> Result<bool, BrokerError> {
        let answer = self
            .call(Method::GET, &["clients", client_id], None)
            .await?;
        match answer.status() {
            status if status.is_success() => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(refusal(answer).await),
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<Response, BrokerError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| BrokerError::Address)?
            .pop_if_empty()
            .extend(["api", "v5"])
            .extend(path);
        let request: RequestBuilder = self
            .http
            .request(method, url)
            .basic_auth(&self.key, Some(self.secret.expose()));
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        request
            .send()
            .await
            .map_err(|error| BrokerError::Unreachable(error.without_url()))
    }
}

/// What EMQX says when it refuses. Its 404 on a path that is no client's also comes here.
async fn refusal(answer: Response) -> BrokerError {
    let status = answer.status();
    if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
        return BrokerError::Key {
            status: status.as_u16(),
        };
    }
    let short = answer
        .content_length()
        .is_none_or(|length| length <= ERROR_BYTES_MAX);
    let code = if short {
        answer
            .json::<Refusal>()
            .await
            .map_or_else(|_| String::new(), |body| body.code)
    } else {
        String::new()
    };
    let code = code.chars().take(64).collect();
    BrokerError::Refused {
        status: status.as_u16(),
        code,
    }
}
