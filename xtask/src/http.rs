//! A small HTTP/1.1 client for loopback: plain text, one connection at a time, with deadlines.
//!
//! Never used for anything that leaves the machine.

use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// Longest wait for one answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// An answer, whole.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    /// The body as JSON; `Null` when it is not.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// The answer, if its status is the one expected.
    pub(crate) fn expect(self, status: u16, what: &str) -> anyhow::Result<Self> {
        if self.status == status {
            return Ok(self);
        }
        bail!(
            "{what}: the answer was {}, not {status}: {}",
            self.status,
            self.body
        );
    }
}

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Body<'a> {
    Json(&'a Value),
    /// Names and values, for the token endpoint (RFC 6749 section 4.4.2).
    Form(&'a [(&'a str, &'a str)]),
}

/// One keep-alive connection.
#[derive(Debug)]
pub(crate) struct Connection {
    host: HeaderValue,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// Connects to `authority` (`host:port`).
    pub(crate) async fn open(authority: &str) -> anyhow::Result<Self> {
        let stream = tokio::time::timeout(ANSWER_WITHIN, TcpStream::connect(authority));
        let stream = stream
            .await
            .with_context(|| format!("connecting to {authority} took too long"))?;
        let stream = stream.with_context(|| format!("connecting to {authority}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Drives the connection until the sender is dropped; its end shows in the next request.
        tokio::spawn(connection);
        Ok(Self {
            host: authority
                .parse()
                .context("an address makes a valid Host header")?,
            sender,
        })
    }

    /// Sends one request and reads its whole answer.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, String)],
        body: Option<Body<'_>>,
    ) -> anyhow::Result<Answer> {
        let told = format!("{method} {path}");
        let exchange = self.exchange(method, path, headers, body);
        let answer = tokio::time::timeout(ANSWER_WITHIN, exchange).await;
        answer
            .with_context(|| format!("{told}: no answer within {ANSWER_WITHIN:?}"))?
            .context(told)
    }

    async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, String)],
        body: Option<Body<'_>>,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let bytes = match body {
            Some(Body::Json(json)) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Bytes::from(json.to_string())
            }
            Some(Body::Form(fields)) => {
                request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
                Bytes::from(form(fields))
            }
            None => Bytes::new(),
        };
        self.sender.ready().await?;
        let response = self
            .sender
            .send_request(request.body(Full::new(bytes))?)
            .await?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
            .collect()
            .await;
        let body = body
            .map_err(|error| anyhow::anyhow!("reading the answer: {error}"))?
            .to_bytes();
        Ok(Answer {
            status,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }
}

/// A base URL with the headers that every request to it carries.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    authority: String,
    headers: Vec<(HeaderName, String)>,
}

impl Site {
    /// A site of a plain `http://host:port` URL, or of a bare `host:port`.
    pub(crate) fn new(url: &str) -> Self {
        let authority = url
            .strip_prefix("http://")
            .unwrap_or(url)
            .trim_end_matches('/');
        Self {
            authority: authority.to_owned(),
            headers: Vec::new(),
        }
    }

    /// The same site with one more header.
    pub(crate) fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(Method::POST, path, Some(Body::Json(body))).await
    }

    pub(crate) async fn post_form(
        &self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<Answer> {
        self.send(Method::POST, path, Some(Body::Form(fields)))
            .await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Body<'_>>,
    ) -> anyhow::Result<Answer> {
        let mut connection = Connection::open(&self.authority).await?;
        connection.send(method, path, &self.headers, body).await
    }
}

/// `a=1&b=2`, every byte that is not a letter or digit written as `%XX`.
fn form(fields: &[(&str, &str)]) -> String {
    let escaped = |text: &str| -> String {
        let byte = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
    pairs.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_request_carries_its_headers_and_the_answer_is_read_whole() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            let answer = b"HTTP/1.1 201 Created\r\ncontent-length: 8\r\n\r\n{\"a\":12}";
            stream.write_all(answer).await.unwrap();
            String::from_utf8_lossy(&request[..read]).to_lowercase()
        });
        let site =
            Site::new(&format!("http://{address}/")).with(HeaderName::from_static("x-test"), "yes");
        let answer = site.post("/things", &Value::from(1)).await.unwrap();
        assert_eq!(
            (answer.status, answer.json()["a"].as_u64()),
            (201, Some(12))
        );
        let seen = server.await.unwrap();
        assert!(
            seen.contains("post /things") && seen.contains("x-test: yes"),
            "{seen}"
        );
    }

    #[test]
    fn a_form_escapes_what_would_end_a_field() {
        assert_eq!(form(&[("a", "1&b=2"), ("c", "x_y")]), "a=1%26b%3D2&c=x_y");
    }

    #[test]
    fn an_unexpected_status_is_an_error_that_quotes_the_answer() {
        let answer = Answer {
            status: 409,
            body: "no".to_owned(),
        };
        let error = answer
            .expect(201, "making a device")
            .unwrap_err()
            .to_string();
        assert_eq!(error, "making a device: the answer was 409, not 201: no");
    }
}
