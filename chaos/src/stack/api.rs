//! api-service, and a client of it that lives through its deaths.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::RwLock;
use tokio::time::Instant;

use super::issuer::{Issuer, Login};
use super::{API_PASSWORD, BROKER_KEY, Links, Options, Places, READY_WITHIN, address, ready};
use crate::device::Authority;
use crate::process::{Process, command};
use crate::wait::LOOK_EVERY;

/// The service.
#[derive(Debug)]
pub struct ApiService {
    /// The process.
    pub process: Process,
    /// The API.
    pub address: SocketAddr,
    /// Health and metrics.
    pub ops: SocketAddr,
}

impl ApiService {
    pub(super) async fn start(
        places: &Places,
        options: &Options,
        links: &Links,
        issuer: &Issuer,
        authority: &Authority,
    ) -> anyhow::Result<Self> {
        let file = places.address_file("api-service");
        let pem = |name: &str| authority.folder().join(name);
        let database = links.api_database.address();
        let mut api = command(&places.programs.path("api-service"));
        api.env("API_LISTEN", "127.0.0.1:0")
            .env("API_OPS_LISTEN", "127.0.0.1:0")
            .env(
                "API_DATABASE_URL",
                format!("postgres://api@{database}/postgres"),
            )
            .env("API_DATABASE_PASSWORD_FILE", places.file(API_PASSWORD))
            .env("API_TOKEN_ISSUERS", &issuer.url)
            // One machine plays all callers, as fast as it can.
            .env("API_RATE_PER_ACCOUNT", "0")
            .env("API_RATE_PER_ADDRESS", "0")
            .env("API_TOKEN_AUDIENCE", "iot-hub")
            .env("API_DEVICE_CA_CERT_FILE", pem("device-ca.pem"))
            .env("API_DEVICE_CA_KEY_FILE", pem("device-ca.key"))
            .env("API_ROOT_CA_CERT_FILE", pem("root-ca.pem"))
            .env("API_SERVER_CA_CERT_FILE", pem("server-ca.pem"))
            .env(
                "API_BROKER_URL",
                format!("http://{}", links.management.address()),
            )
            .env("API_BROKER_KEY_FILE", places.file(BROKER_KEY))
            .env("API_LOG", &options.log)
            .env("API_ADDRESS_FILE", &file);
        for (name, value) in &options.api_settings {
            api.env(name, value);
        }
        let process = Process::start("api-service", &api, &places.log("api-service"))?;
        let addresses = process.addresses(&file).await?;
        let ops = address(&addresses, "ops")?;
        ready("api-service", ops, READY_WITHIN).await?;
        Ok(Self {
            address: address(&addresses, "api")?,
            ops,
            process,
        })
    }
}

/// A client with an administrator's token.
#[derive(Clone)]
pub struct ApiClient {
    http: reqwest::Client,
    base: String,
    login: Arc<Login>,
    token: Arc<RwLock<String>>,
}

/// The answer to a revoke.
#[derive(Debug, Clone)]
pub struct Revoked {
    /// The operation that ends the device's sessions.
    pub operation: i64,
    /// Everything that was answered.
    pub body: Value,
}

/// Where an operation stands.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Every replica of the hooks denies.
    pub fenced: bool,
    /// No session was left.
    pub closed: bool,
    /// Nothing that began before can come back.
    pub complete: bool,
    /// Everything that was answered.
    pub body: Value,
}

impl Operation {
    fn of(body: Value) -> Self {
        let stands = |step: &str| body["timeline"][step].is_object();
        let complete = body["state"] == "done";
        Self {
            fenced: complete || stands("fenced"),
            closed: complete || stands("closed"),
            complete,
            body,
        }
    }
}

impl ApiClient {
    pub(super) async fn new(api: SocketAddr, login: Login) -> anyhow::Result<Self> {
        let client = Self {
            http: super::http()?,
            base: format!("http://{api}"),
            login: Arc::new(login),
            token: Arc::default(),
        };
        client.log_in().await?;
        Ok(client)
    }

    async fn log_in(&self) -> anyhow::Result<()> {
        let Login {
            token_endpoint,
            client,
            secret,
        } = &*self.login;
        let asked = self
            .http
            .post(token_endpoint)
            .basic_auth(client, Some(secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials")
            .send();
        let answer: Value = asked.await?.error_for_status()?.json().await?;
        let token = answer["access_token"].as_str().context("no token came")?;
        token.clone_into(&mut *self.token.write().await);
        Ok(())
    }

    /// Sends a request once, and again with a new token if the old one has ended.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let mut fresh = false;
        loop {
            let url = format!("{}/api/v1{path}", self.base);
            let token = self.token.read().await.clone();
            let mut request = self.http.request(method.clone(), url).bearer_auth(token);
            if let Some(body) = body {
                request = request.json(body);
            }
            let answer = request.send().await?;
            let status = answer.status();
            if status == StatusCode::UNAUTHORIZED && !fresh {
                self.log_in().await?;
                fresh = true;
                continue;
            }
            let bytes = answer.bytes().await?;
            let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            return Ok((status, body));
        }
    }

    /// Sends until the API gives a final answer: connection errors and 5xx are what faults look
    /// like, and every command here may be repeated.
    pub async fn insist(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        limit: Duration,
    ) -> anyhow::Result<Value> {
        let deadline = Instant::now() + limit;
        loop {
            let told = match self.send(method.clone(), path, body).await {
                Ok((status, body)) if status.is_success() => return Ok(body),
                Ok((status, body)) if !status.is_server_error() => {
                    bail!("{method} {path}: {status} {body}")
                }
                Ok((status, body)) => format!("{status} {body}"),
                Err(error) => format!("{error:#}"),
            };
            if Instant::now() >= deadline {
                bail!("{method} {path}: no answer within {limit:?}, at last: {told}");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Revokes a device. With `wait` (`closed` or `complete`) the API answers when it is so, or when
    /// it has waited long enough.
    pub async fn revoke(
        &self,
        device: &str,
        wait: Option<&str>,
        limit: Duration,
    ) -> anyhow::Result<Revoked> {
        let query = wait.map_or_else(String::new, |wait| format!("?wait={wait}"));
        let path = format!("/devices/{device}/revoke{query}");
        let reason = json!({"reason": "keyCompromise"});
        let body = self
            .insist(Method::POST, &path, Some(&reason), limit)
            .await?;
        let operation = &body["operation"];
        let operation = operation.as_i64().or_else(|| operation["id"].as_i64());
        Ok(Revoked {
            operation: operation
                .with_context(|| format!("the answer names no operation: {body}"))?,
            body,
        })
    }

    /// Where an operation stands.
    pub async fn operation(&self, id: i64, limit: Duration) -> anyhow::Result<Operation> {
        let path = format!("/operations/{id}");
        let body = self.insist(Method::GET, &path, None, limit).await?;
        Ok(Operation::of(body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_as_far_as_its_timeline_says() {
        let at = json!({"afterMs": 3});
        let pending = Operation::of(json!({"state": "pending", "timeline": {"fenced": at}}));
        assert!(pending.fenced && !pending.closed && !pending.complete);
        let done = Operation::of(json!({"state": "done"}));
        assert!(done.fenced && done.closed && done.complete);
        let nothing = Operation::of(json!({"state": "pending", "timeline": {"fenced": null}}));
        assert!(!nothing.fenced);
    }
}
