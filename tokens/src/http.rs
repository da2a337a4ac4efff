//! Fetching one small document from an issuer: bounded in time and size, no redirects.

use std::time::Duration;

use url::Url;

use crate::issuer_url::is_secure;

/// Longest time for one document, from connecting to its last byte.
pub(crate) const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// A longer document is refused, in bytes.
pub(crate) const DOCUMENT_BYTES_MAX: usize = 256 * 1024;

/// Why a document could not be had. Only for logs and readiness.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// The address is no URL, or neither https nor on this machine.
    #[error("the address {0:?} is not https (plain http is accepted for this machine only)")]
    Address(String),
    /// The connection, TLS or the time-out.
    #[error("{0} could not be fetched: {1}")]
    Transport(String, String),
    /// Any answer but 200.
    #[error("{0} answered {1}")]
    Status(String, u16),
    /// More than [`DOCUMENT_BYTES_MAX`].
    #[error("{0} is longer than 262144 bytes")]
    TooLong(String),
}

/// The client that fetches from issuers.
pub(crate) fn client() -> Result<reqwest::Client, reqwest::Error> {
    // reqwest is built without a provider of its own. Where the process has one, it stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(2))
        .timeout(FETCH_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent("iot-hub-tokens")
        .build()
}

/// Fetches one document.
pub(crate) async fn fetch(client: &reqwest::Client, address: &str) -> Result<Vec<u8>, FetchError> {
    let url = Url::parse(address)
        .ok()
        .filter(is_secure)
        .ok_or_else(|| FetchError::Address(address.to_owned()))?;
    let transport = |error: reqwest::Error| {
        FetchError::Transport(address.to_owned(), chain(&error.without_url()))
    };
    let mut response = client.get(url).send().await.map_err(transport)?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(FetchError::Status(
            address.to_owned(),
            response.status().as_u16(),
        ));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(transport)? {
        if body.len() + chunk.len() > DOCUMENT_BYTES_MAX {
            return Err(FetchError::TooLong(address.to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error with its causes: reqwest's own text alone says only "error sending request".
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
