//! The two calls a factory makes to the API, one attempt each.

use std::error::Error;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use serde::Deserialize;
use url::Url;

use super::Registration;
use super::answer::{self, Answer};
use super::body;
use super::token::{TokenError, TokenSource};
use crate::failure::Failure;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A client of one API with one way to tokens. Shared by all devices.
#[derive(Debug)]
pub struct Api {
    http: reqwest::Client,
    base: Url,
    tokens: Option<TokenSource>,
}

/// What one attempt came to.
#[derive(Debug)]
pub enum Attempt {
    /// The device is registered.
    Done(Box<Answer>),
    /// Trying again would be refused again.
    Refused(String),
    /// Another token may be accepted.
    Unauthorized(String),
    /// It may work later.
    Later {
        /// What went wrong.
        reason: String,
        /// The wait the server asked for.
        after: Option<Duration>,
    },
}

/// The part of an RFC 9457 problem document that people read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: String,
    detail: String,
    code: String,
}

impl Api {
    /// A client of the API at `base`, for example `http://127.0.0.1:8080`.
    pub fn new(base: &str, tokens: Option<TokenSource>) -> Result<Self, Failure> {
        // One provider is linked, but reqwest is built to take the process default.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            // A redirect would carry the bearer token to somewhere nobody named.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("device-simulator/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Failure::other(format!("no HTTP client: {}", chain(error))))?;
        Ok(Self {
            http,
            base: parse_url("--api", base)?,
            tokens,
        })
    }

    /// `POST /api/v1/manufacturing/devices`, once (twice if a held token had ended).
    pub async fn register(&self, registration: &Registration) -> Attempt {
        match (self.register_once(registration).await, &self.tokens) {
            (Attempt::Unauthorized(_), Some(tokens)) if tokens.forget().await => {
                self.register_once(registration).await
            }
            (attempt, _) => attempt,
        }
    }

    async fn register_once(&self, registration: &Registration) -> Attempt {
        let url = self.endpoint("api/v1/manufacturing/devices");
        let mut request = self
            .http
            .post(url.clone())
            .header("idempotency-key", registration.idempotency_key())
            .json(registration);
        if let Some(tokens) = &self.tokens {
            match tokens.token(&self.http).await {
                Ok(token) => request = request.bearer_auth(token.as_str()),
                Err(TokenError::Later(reason)) => {
                    return Attempt::Later {
                        reason,
                        after: None,
                    };
                }
                Err(TokenError::Refused(reason)) => return Attempt::Refused(reason),
            }
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                return Attempt::Later {
                    reason: format!("{url}: {}", chain(error)),
                    after: None,
                };
            }
        };
        let status = response.status();
        let after = retry_after(&response);
        let bytes = match body::read(response).await {
            Ok(bytes) => bytes,
            Err(error) => {
                return Attempt::Later {
                    reason: format!("{url}: {error}"),
                    after,
                };
            }
        };
        if status.is_success() {
            return match answer::parse(&bytes) {
                Ok(answer) => Attempt::Done(Box::new(answer)),
                Err(error) => Attempt::Refused(format!("{url} answered {status}, but {error}")),
            };
        }
        let problem: Problem = serde_json::from_slice(&bytes).unwrap_or_default();
        if later(status, after) {
            return Attempt::Later {
                reason: sentence(status, &problem),
                after,
            };
        }
        let sentence = sentence(status, &problem);
        match status {
            StatusCode::UNAUTHORIZED => Attempt::Unauthorized(format!(
                "{sentence}: check --token-file, or --token-url with its client"
            )),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                Attempt::Refused(format!("{url} answered {status}: check --api"))
            }
            StatusCode::CONFLICT => Attempt::Refused(format!(
                "{sentence}; if the device was enrolled with another state folder, use that one, else take another --prefix"
            )),
            _ => Attempt::Refused(sentence),
        }
    }

    /// `GET /api/v1/certificates/ca`: the PEM of the CA that signs the broker's certificate.
    pub async fn server_trust(&self) -> Result<String, Failure> {
        let url = self.endpoint("api/v1/certificates/ca");
        let mend = "name the file with --server-trust instead, or check --api";
        let response = self.http.get(url.clone()).send().await.map_err(|error| {
            Failure::other(format!(
                "no broker trust from {url}: {}; {mend}",
                chain(error)
            ))
        })?;
        let status = response.status();
        if !status.is_success() {
            return Err(Failure::other(format!("{url} answered {status}; {mend}")));
        }
        let bytes = body::read(response)
            .await
            .map_err(|error| Failure::other(format!("{url}: {error}; {mend}")))?;
        answer::server_trust(&bytes)
            .ok_or_else(|| Failure::other(format!("{url} answered without the server CA; {mend}")))
    }

    fn endpoint(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        let root = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{root}/{path}"));
        url
    }
}

/// Reads an `http` or `https` URL; `flag` names it in the error.
pub fn parse_url(flag: &str, text: &str) -> Result<Url, Failure> {
    let bad = |what: &str| {
        Failure::usage(format!(
            "{flag} {text:?} {what}: it must be like http://127.0.0.1:8080"
        ))
    };
    let url = Url::parse(text).map_err(|_| bad("is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(bad("is not an http or https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("holds a user name or password"));
    }
    Ok(url)
}

/// Whether the same request may be answered otherwise a little later.
fn later(status: StatusCode, after: Option<Duration>) -> bool {
    // A conflict that passes by itself: our own request before this one is still being answered.
    let passes = status == StatusCode::CONFLICT && after.is_some();
    passes
        || status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        )
}

/// `Retry-After` in seconds; the form with a date is not used by the API.
fn retry_after(response: &reqwest::Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

fn sentence(status: StatusCode, problem: &Problem) -> String {
    let text = if problem.detail.is_empty() {
        &problem.title
    } else {
        &problem.detail
    };
    match (text.is_empty(), problem.code.is_empty()) {
        (true, true) => format!("the API answered {status}"),
        (true, false) => format!("the API answered {status} ({})", problem.code),
        (false, true) => format!("the API answered {status}: {text}"),
        (false, false) => format!("the API answered {status} ({}): {text}", problem.code),
    }
}

/// An error with its causes: reqwest's own text stops at "error sending request". Without the URL,
/// which the caller names.
pub(super) fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let part = next.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_url_is_one_sentence_with_the_mend() {
        for bad in [
            "",
            "localhost:8080",
            "ftp://x",
            "http://",
            "http://u:p@h",
            "not a url",
        ] {
            let failure = parse_url("--api", bad).unwrap_err();
            assert_eq!(failure.code(), 64, "{bad}");
            assert!(failure.to_string().contains("--api"), "{failure}");
        }
    }

    #[test]
    fn a_base_with_a_path_keeps_it() {
        let api = Api::new("http://127.0.0.1:8080/hub/", None).unwrap();
        assert_eq!(
            api.endpoint("api/v1/x").as_str(),
            "http://127.0.0.1:8080/hub/api/v1/x"
        );
    }

    #[test]
    fn only_answers_that_may_change_are_tried_again() {
        for again in [408, 425, 429, 500, 502, 503, 504] {
            assert!(later(StatusCode::from_u16(again).unwrap(), None), "{again}");
        }
        for never in [400, 401, 403, 404, 409, 413, 415, 422] {
            assert!(
                !later(StatusCode::from_u16(never).unwrap(), None),
                "{never}"
            );
        }
        let soon = Some(Duration::from_secs(1));
        assert!(later(StatusCode::CONFLICT, soon) && !later(StatusCode::NOT_FOUND, soon));
    }
}
