//! The client that carries traces: the HTTP and TLS that the rest of the service uses.

use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;

/// A collector that takes longer is not waited for.
const SEND_MAX: Duration = Duration::from_secs(10);

/// What a collector answers is a few bytes, and not believed to be.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Posts from the exporter's thread by way of our runtime, which that thread is not part of.
#[derive(Debug)]
pub(super) struct Post {
    http: reqwest::Client,
    runtime: Handle,
}

impl Post {
    /// A client in the runtime of the caller.
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(2))
            .timeout(SEND_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent("iot-hub-api");
        Ok(Self {
            http: http.build()?,
            runtime: Handle::current(),
        })
    }
}

#[async_trait]
impl HttpClient for Post {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.runtime.spawn(send(self.http.clone(), request));
        let sent = sent.await.map_err(HttpError::from).flatten();
        match &sent {
            Ok(response) if !response.status().is_success() => {
                let status = response.status().as_u16();
                tracing::warn!(status, "the collector of traces refuses them");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the collector of traces does not answer"),
        }
        sent
    }
}

async fn send(
    http: reqwest::Client,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, HttpError> {
    let mut answer = http.execute(request.try_into()?).await?;
    let mut response = Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.clone_from(answer.headers());
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err("the collector's answer is too long".into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(response.body(body.into())?)
}
