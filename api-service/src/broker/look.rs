//! Whether a client has a session.

use reqwest::{Method, StatusCode};
use serde::Deserialize;

use super::{Broker, BrokerError};

/// A session, connected or kept for its client's return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    /// The fingerprint of the certificate that opened it, as hook-service told EMQX (5.7 and later).
    pub(crate) fingerprint: Option<String>,
}

#[derive(Deserialize)]
struct Client {
    #[serde(default)]
    client_attrs: Attributes,
}

#[derive(Default, Deserialize)]
struct Attributes {
    #[serde(default)]
    fingerprint: Option<String>,
}

impl Broker {
    /// A client's session.
    pub(super) async fn look(&self, client_id: &str) -> Result<Option<Session>, BrokerError> {
        let answer = self
            .call(Method::GET, &["clients", client_id], &[], None)
            .await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let client: Client = self.read(answer).await?;
        Ok(Some(Session {
            fingerprint: client.client_attrs.fingerprint,
        }))
    }
}
