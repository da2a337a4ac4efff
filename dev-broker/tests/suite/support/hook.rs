//! A stub in the place of hook-service: records every request byte for byte, answers by script,
//! in order, on pipelined connections.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// One recorded request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) raw: String,
    pub(crate) path: String,
    pub(crate) body: Value,
}

impl Request {
    /// A field of the JSON body, `""` if it is absent.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.body
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// What the stub does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// 200 with a JSON body.
    Json(Value),
    /// Status, content type and body.
    Http(u16, Option<&'static str>, String),
    /// Closes without an answer.
    Close,
    /// Never answers and keeps the connection.
    Silence,
    /// Answers once the gate is opened.
    When(Arc<Semaphore>, Box<Reply>),
}

impl Reply {
    pub(crate) fn allow() -> Self {
        Self::Json(serde_json::json!({ "result": "allow" }))
    }
    pub(crate) fn deny() -> Self {
        Self::Json(serde_json::json!({ "result": "deny" }))
    }
    pub(crate) fn json(text: &str) -> Self {
        Self::Http(200, Some("application/json"), text.to_owned())
    }
    pub(crate) fn status(status: u16, body: &str) -> Self {
        Self::Http(status, Some("application/json"), body.to_owned())
    }
}

type Script = dyn Fn(&Request) -> Reply + Send + Sync;

/// A running stub.
pub(crate) struct Hook {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
    buffered: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Hook {
    pub(crate) async fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::<Mutex<Vec<Request>>>::default();
        let record = Arc::clone(&seen);
        let script: Arc<Script> = Arc::new(script);
        let buffered = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&buffered);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, record) = (Arc::clone(&script), Arc::clone(&record));
                tokio::spawn(serve(stream, script, record, Arc::clone(&count)));
            }
        });
        Self {
            address,
            seen,
            buffered,
            task,
        }
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.lock().expect("no test panics in here").clone()
    }

    /// Requests that wait behind one whose gate is shut, on the connection that counted last.
    pub(crate) fn buffered(&self) -> usize {
        self.buffered.load(Ordering::SeqCst)
    }

    /// The requests of one client.
    pub(crate) fn asked_for(&self, client_id: &str) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(|request| request.field("clientid") == client_id);
        requests
    }
}

async fn serve(
    mut stream: TcpStream,
    script: Arc<Script>,
    seen: Arc<Mutex<Vec<Request>>>,
    buffered: Arc<AtomicUsize>,
) {
    let mut buffer = Vec::with_capacity(256 * 1024);
    let _ = stream.set_nodelay(true);
    loop {
        let Some((request, length)) = parse(&buffer) else {
            match stream.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => continue,
            }
        };
        buffer.drain(..length);
        let mut reply = script(&request);
        seen.lock().expect("no test panics in here").push(request);
        let answer = loop {
            match reply {
                Reply::Json(value) => {
                    break http(200, Some("application/json"), &value.to_string());
                }
                Reply::Http(status, kind, body) => break http(status, kind, &body),
                Reply::Close => return,
                Reply::Silence => {
                    std::future::pending::<()>().await;
                    return;
                }
                Reply::When(gate, then) => {
                    loop {
                        tokio::select! {
                            opened = gate.acquire() => {
                                opened.expect("gates stay").forget();
                                break;
                            }
                            read = stream.read_buf(&mut buffer) => {
                                if !matches!(read, Ok(count) if count > 0) {
                                    return;
                                }
                                buffered.store(whole_requests(&buffer), Ordering::SeqCst);
                            }
                        }
                    }
                    reply = *then;
                }
            }
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn http(status: u16, kind: Option<&str>, body: &str) -> String {
    let kind = kind
        .map(|kind| format!("content-type: {kind}\r\n"))
        .unwrap_or_default();
    if status == 204 {
        return "HTTP/1.1 204 No Content\r\n\r\n".to_owned();
    }
    format!(
        "HTTP/1.1 {status} X\r\n{kind}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn whole_requests(mut buffer: &[u8]) -> usize {
    let mut count = 0;
    while let Some((_, length)) = parse(buffer) {
        count += 1;
        buffer = &buffer[length..];
    }
    count
}

fn parse(buffer: &[u8]) -> Option<(Request, usize)> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(start) = head.parse(buffer).expect("the broker speaks HTTP")
    else {
        return None;
    };
    let length = head
        .headers
        .iter()
        .find(|header| header.name == "content-length");
    let length = length.expect("EMQX always sends content-length").value;
    let length: usize = std::str::from_utf8(length)
        .expect("text")
        .parse()
        .expect("a number");
    let body = buffer.get(start..start + length)?;
    let request = Request {
        raw: String::from_utf8_lossy(&buffer[..start + length]).into_owned(),
        path: head.path.expect("a request has a path").to_owned(),
        body: serde_json::from_slice(body).unwrap_or(Value::Null),
    };
    Some((request, start + length))
}
