//! Removing a retained message.

use reqwest::Method;
use serde_json::json;

use super::{Broker, BrokerError};

impl Broker {
    /// Removes what is retained on a topic, which is done by retaining nothing (MQTT 5, 3.3.1.3).
    pub(super) async fn clear_retained(&self, topic: &str) -> Result<(), BrokerError> {
        let message = json!({ "topic": topic, "payload": "", "qos": 1, "retain": true });
        let answer = self
            .call(Method::POST, &["publish"], &[], Some(&message))
            .await?;
        // 202 is "nobody has subscribed".
        if answer.status().is_success() {
            return Ok(());
        }
        Err(self.refusal(answer).await)
    }
}
