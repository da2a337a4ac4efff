//! The few calls of EMQX's management API that a storm makes.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use reqwest::{Client, Method};
use serde_json::Value;

use super::settings::Settings;

/// Most bytes of an answer; a list of nodes has some kilobytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// So much of an answer is shown in an error.
const SHOWN_CHARS_MAX: usize = 300;
const CALL_TIME_MAX: Duration = Duration::from_secs(10);

/// The management API of one EMQX.
#[derive(Debug)]
pub(super) struct Management {
    client: Client,
    settings: Settings,
}

impl Management {
    pub(super) fn new(settings: &Settings) -> anyhow::Result<Self> {
        // An error only says that one is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(CALL_TIME_MAX)
            .build()
            .context("making an HTTP client")?;
        Ok(Self {
            client,
            settings: settings.clone(),
        })
    }

    /// Calls and takes the answer apart; `null` where it has no body.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let url = format!("{}/api/v5{path}", self.settings.url);
        let mut request = self
            .client
            .request(method.clone(), url)
            .basic_auth(&self.settings.key, Some(&self.settings.secret));
        if let Some(body) = body {
            request = request.json(body);
        }
        let failed = || format!("EMQX: {method} {path}");
        let mut answer = request.send().await.with_context(failed)?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.with_context(failed)? {
            bytes.extend_from_slice(&chunk);
            ensure!(
                bytes.len() <= ANSWER_BYTES_MAX,
                "EMQX: {method} {path}: more than {ANSWER_BYTES_MAX} bytes"
            );
        }
        if !status.is_success() {
            let text = String::from_utf8_lossy(&bytes);
            let shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
            bail!("EMQX: {method} {path} was answered {status}: {shown}");
        }
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).with_context(failed)
    }
}
