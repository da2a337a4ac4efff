//! The management API as a test calls it.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

/// A client with the key.
pub(crate) struct Api {
    client: Client,
    base: String,
}

impl Api {
    pub(crate) fn new(address: SocketAddr) -> Self {
        // Two providers may be linked; the first test to come installs ours.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(Duration::from_secs(60))
            .build()
            .expect("a client");
        Self {
            client,
            base: format!("http://{address}/api/v5"),
        }
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        self.call_as(Some(("key", "secret")), method, path, body)
            .await
    }

    pub(crate) async fn call_as(
        &self,
        key: Option<(&str, &str)>,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some((key, secret)) = key {
            request = request.basic_auth(key, Some(secret));
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("the API answers");
        let status = response.status();
        let text = response.text().await.expect("a body");
        (
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn kick(&self, client_id: &str) -> StatusCode {
        self.call(Method::DELETE, &format!("/clients/{client_id}"), None)
            .await
            .0
    }

    pub(crate) async fn ban(&self, client_id: &str) -> StatusCode {
        let body = serde_json::json!({ "as": "clientid", "who": client_id, "by": "test",
                                       "reason": "test" });
        self.call(Method::POST, "/banned", Some(body)).await.0
    }
}
