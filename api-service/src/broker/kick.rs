//! Ending sessions, one or many.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::{Broker, BrokerError};

impl Broker {
    /// Ends a client's session, connected or kept. Says whether there was one; none is as good.
    pub(super) async fn kick(&self, client_id: &str) -> Result<bool, BrokerError> {
        let answer = self
            .call(Method::DELETE, &["clients", client_id], &[], None)
            .await?;
        match answer.status() {
            status if status.is_success() => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(self.refusal(answer).await),
        }
    }

    /// Ends the sessions of many clients. Ids without a session are fine.
    pub(super) async fn kick_many(&self, client_ids: Vec<String>) -> Result<(), BrokerError> {
        let ids = Value::from(client_ids);
        let path = ["clients", "kickout", "bulk"];
        let answer = self.call(Method::POST, &path, &[], Some(&ids)).await?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(self.refusal(answer).await)
    }
}
