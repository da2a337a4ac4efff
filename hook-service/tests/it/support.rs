//! What the tests share: a running service, a raw HTTP client, rows in the database.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certs::Fingerprint;
use hook_service::config::{Config, PREFIX};
use hook_service::service::{Service, ServiceError};
use service_kit::Settings;
use service_kit::shutdown::Shutdown;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

/// Conditions are waited for this long before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A service that runs until it is dropped.
pub(crate) struct Running {
    pub(crate) hooks: SocketAddr,
    pub(crate) ops: SocketAddr,
    pub(crate) metrics: std::sync::Arc<hook_service::metrics::Metrics>,
    pub(crate) fleet: hook_service::fleet::Reader,
    pub(crate) shutdown: Shutdown,
    pub(crate) ended: JoinHandle<Result<(), ServiceError>>,
}

/// Settings of a test: ports from the kernel, and whatever is given besides.
pub(crate) fn config(url: &str, more: &[(&str, &str)]) -> Config {
    let base = [
        ("HOOK_DATABASE_URL", url),
        ("HOOK_LISTEN", "127.0.0.1:0"),
        ("HOOK_OPS_LISTEN", "127.0.0.1:0"),
        ("HOOK_POLL_MS", "50"),
        ("HOOK_DRAIN_MS", "1000"),
        // A busy machine must not make these tests meet denies for want of time.
        ("HOOK_SHED_LATE_MS", "1000"),
    ];
    let values: BTreeMap<String, String> = base
        .iter()
        .chain(more)
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    Config::read(Settings::from_map(PREFIX, values)).unwrap().0
}

pub(crate) async fn start(config: Config) -> Running {
    let shutdown = Shutdown::default();
    let service = Service::start(config, shutdown.clone()).await.unwrap();
    Running {
        hooks: service.addresses.hooks,
        ops: service.addresses.ops,
        metrics: std::sync::Arc::clone(&service.metrics),
        fleet: service.fleet.clone(),
        shutdown,
        ended: tokio::spawn(service.run()),
    }
}

/// Starts and waits until the table may be trusted.
pub(crate) async fn start_ready(url: &str) -> Running {
    let running = start(config(url, &[])).await;
    running.ready().await;
    running
}

impl Running {
    pub(crate) async fn ready(&self) {
        until("the service is ready", async || {
            get(self.ops, "/readyz").await.0 == 200
        })
        .await;
    }

    /// Whether a CONNECT of this device with the certificate `der_of(id)` is let in.
    pub(crate) async fn lets_in(&self, id: &str) -> bool {
        self.lets_in_with(id, &der_of(id)).await
    }

    pub(crate) async fn lets_in_with(&self, id: &str, der: &[u8]) -> bool {
        allowed(&post(self.hooks, "/authn/device", &connect_body(id, der)).await)
    }

    /// The same, or `None` where the connection closes instead of an answer: what becomes of an allow
    /// that the end of the lease overtakes before its bytes leave.
    pub(crate) async fn lets_in_unless_overtaken(&self, id: &str) -> Option<bool> {
        let body = connect_body(id, &der_of(id));
        let mut stream = TcpStream::connect(self.hooks).await.unwrap();
        let request = request("/authn/device", &body);
        stream.write_all(request.as_bytes()).await.unwrap();
        let (status, body) = read_answer(&mut stream, &mut Vec::new()).await?;
        assert_eq!(status, 200);
        Some(allowed(&body))
    }

    pub(crate) async fn until_lets_in(&self, id: &str, expected: bool) {
        let what = format!("{id} is let in: {expected}");
        until(&what, async || self.lets_in(id).await == expected).await;
    }

    pub(crate) async fn until_applied(&self, number: i64) {
        let what = format!("change {number} is applied");
        until(&what, async || self.metrics.applied.get() >= number).await;
    }

    /// Stops it in the ordinary way.
    pub(crate) async fn stop(self) -> Result<(), ServiceError> {
        self.shutdown.soft.cancel();
        self.ended.await.unwrap()
    }
}

/// Waits for a condition.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !condition().await {
        assert!(
            start.elapsed() < PATIENCE,
            "waited {PATIENCE:?} in vain: {what}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn allowed(answer: &str) -> bool {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
    match answer["result"].as_str() {
        Some("allow") => true,
        Some("deny") => false,
        other => panic!("not an explicit result: {other:?}"),
    }
}

pub(crate) fn connect_body(id: &str, der: &[u8]) -> String {
    serde_json::json!({
        "clientid": id, "username": id, "peerhost": "127.0.0.1",
        "cert_common_name": id, "cert_pem": STANDARD.encode(der),
    })
    .to_string()
}

/// The request as EMQX writes it.
pub(crate) fn request(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\ncontent-length: {length}\r\nhost: hook\r\n\
         content-type: application/json\r\n\r\n{body}"
    )
}

/// Posts on a connection of its own and gives the body of the answer, which must be a 200.
pub(crate) async fn post(address: SocketAddr, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(request(path, body).as_bytes())
        .await
        .unwrap();
    let (status, body) = read_answer(&mut stream, &mut Vec::new()).await.unwrap();
    assert_eq!(status, 200);
    body
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: ops\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    read_answer(&mut stream, &mut Vec::new()).await.unwrap()
}

/// Reads one answer; `rest` keeps what came of the next ones. `None` if the peer closed.
pub(crate) async fn read_answer(
    stream: &mut (impl AsyncReadExt + Unpin),
    rest: &mut Vec<u8>,
) -> Option<(u16, String)> {
    loop {
        if let Some(head_end) = find(rest, b"\r\n\r\n") {
            let head = String::from_utf8(rest[..head_end].to_vec())
                .unwrap()
                .to_lowercase();
            let length: usize = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            let end = head_end + 4 + length;
            if rest.len() >= end {
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                let body = String::from_utf8(rest[head_end + 4..end].to_vec()).unwrap();
                rest.drain(..end);
                return Some((status, body));
            }
        }
        let mut buffer = vec![0; 16 * 1024];
        match tokio::time::timeout(PATIENCE, stream.read(&mut buffer))
            .await
            .unwrap()
        {
            Ok(0) | Err(_) => return None,
            Ok(length) => rest.extend_from_slice(&buffer[..length]),
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

/// The certificate of a device in these tests: any bytes, known by their fingerprint.
pub(crate) fn der_of(id: &str) -> Vec<u8> {
    format!("the certificate of {id}").into_bytes()
}

pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// SQL that registers devices with one certificate each, valid for a day.
pub(crate) fn register(ids: &[&str]) -> String {
    let mut sql = String::new();
    for id in ids {
        let der = der_of(id);
        let fingerprint = hex(Fingerprint::of_der(&der).as_bytes());
        let serial = &fingerprint[..32];
        let der = hex(&der);
        write!(
            sql,
            "INSERT INTO device (device_id, model, public_key) VALUES ('{id}', 'test', '\\x00');
             INSERT INTO certificate (fingerprint, device_id, serial, not_before, not_after, der)
             VALUES ('\\x{fingerprint}', '{id}', '\\x{serial}', now(), now() + interval '1 day',
                     '\\x{der}');"
        )
        .unwrap();
    }
    sql
}

/// Registers devices in one transaction and gives the number of the change.
pub(crate) async fn registered(client: &Client, ids: &[&str]) -> i64 {
    client.batch_execute(&register(ids)).await.unwrap();
    newest(client).await
}

pub(crate) async fn newest(client: &Client) -> i64 {
    client
        .query_one("SELECT coalesce(max(number), 0) FROM change", &[])
        .await
        .unwrap()
        .get(0)
}

pub(crate) async fn execute(client: &Client, sql: &str) {
    client.batch_execute(sql).await.unwrap();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
