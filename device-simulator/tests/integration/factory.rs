//! A fake API: the two calls a factory makes, with failures to order.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::pki::Pki;

/// What the API answers instead of enrolling.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// A problem document.
    Problem(u16, &'static str),
    /// A 429 that names a wait in seconds.
    ComeBackIn(u32),
    /// Enrols, and then the answer gets lost.
    LostAnswer,
    /// The answer, with a change.
    Twisted(fn(&mut Value)),
    /// A 200 with something else.
    Nonsense(&'static str),
}

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) key: String,
    pub(crate) authorization: String,
    pub(crate) body: Value,
}

#[derive(Default)]
struct Book {
    seen: Vec<Seen>,
    faults: VecDeque<Fault>,
    by_key: HashMap<String, Value>,
    by_device: HashMap<String, String>,
    tokens: u32,
    refused_tokens: Vec<String>,
}

/// The running API.
pub(crate) struct Factory {
    pub(crate) url: String,
    pub(crate) pki: Arc<Pki>,
    book: Arc<Mutex<Book>>,
}

type Shared = (Arc<Pki>, Arc<Mutex<Book>>);

impl Factory {
    pub(crate) async fn start() -> Self {
        let (pki, book) = (Arc::new(Pki::make()), Arc::new(Mutex::new(Book::default())));
        let router = Router::new()
            .route("/api/v1/manufacturing/devices", post(register))
            .route("/api/v1/certificates/ca", get(ca))
            .route("/token", post(token))
            .with_state((Arc::clone(&pki), Arc::clone(&book)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, pki, book }
    }

    /// The next requests fail like this, one after the other.
    pub(crate) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.book.lock().unwrap().faults.extend(faults);
    }

    /// A token that is refused from now on.
    pub(crate) fn refuse_token(&self, token: &str) {
        self.book
            .lock()
            .unwrap()
            .refused_tokens
            .push(format!("Bearer {token}"));
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.book.lock().unwrap().seen.clone()
    }

    pub(crate) fn tokens_given(&self) -> u32 {
        self.book.lock().unwrap().tokens
    }
}

async fn register(
    State((pki, book)): State<Shared>,
    headers: HeaderMap,
    body: axum::Json<Value>,
) -> Response {
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    let authorization = headers
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().unwrap().to_owned())
        .unwrap_or_default();
    let key = text("idempotency-key");
    let body = body.0;
    let mut book = book.lock().unwrap();
    book.seen.push(Seen {
        key: key.clone(),
        authorization: authorization.clone(),
        body: body.clone(),
    });
    if book.refused_tokens.contains(&authorization) {
        return problem(401, "token_invalid");
    }
    let fault = book.faults.pop_front();
    if let Some(Fault::Problem(status, code)) = fault {
        return problem(status, code);
    }
    if let Some(Fault::ComeBackIn(seconds)) = fault {
        let wait = [(header::RETRY_AFTER, seconds.to_string())];
        return (StatusCode::TOO_MANY_REQUESTS, wait).into_response();
    }
    if let Some(Fault::Nonsense(text)) = fault {
        return text.into_response();
    }
    if let Some(answer) = book.by_key.get(&key) {
        return (StatusCode::CREATED, axum::Json(answer.clone())).into_response();
    }
    let device = body["deviceId"].as_str().unwrap().to_owned();
    if book.by_device.contains_key(&device) {
        return problem(409, "device_exists");
    }
    let mut answer = answer(&pki, &device, body["csr"].as_str().unwrap());
    book.by_device.insert(device, key.clone());
    book.by_key.insert(key, answer.clone());
    match fault {
        Some(Fault::LostAnswer) => return problem(504, ""),
        Some(Fault::Twisted(twist)) => twist(&mut answer),
        _ => {}
    }
    (StatusCode::CREATED, axum::Json(answer)).into_response()
}

fn answer(pki: &Pki, device: &str, csr: &str) -> Value {
    let issued = pki.issue(device, csr);
    let payload = json!({"deviceId": device, "fingerprint": issued.fingerprint, "v": 1});
    json!({
        "deviceId": device,
        "certificate": issued.pem,
        "chain": pki.device_ca_pem(),
        "fingerprint": issued.fingerprint,
        "serial": issued.serial,
        "notBefore": "2026-01-01T00:00:00Z",
        "notAfter": "2027-01-01T00:00:00Z",
        "qr": {"text": payload.to_string(), "payload": payload, "svg": "<svg/>"},
    })
}

fn problem(status: u16, code: &str) -> Response {
    let body = json!({"type": "about:blank", "title": "No", "status": status, "code": code});
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}

async fn ca(State((pki, _)): State<Shared>) -> Response {
    let pem = std::fs::read_to_string(pki.server_trust()).unwrap();
    axum::Json(json!({"trust": pem, "chain": pki.device_ca_pem()})).into_response()
}

async fn token(State((_, book)): State<Shared>, headers: HeaderMap, body: String) -> Response {
    // "factory:s3cret" in base64.
    assert_eq!(headers[header::AUTHORIZATION], "Basic ZmFjdG9yeTpzM2NyZXQ=");
    assert_eq!(body, "grant_type=client_credentials");
    let mut book = book.lock().unwrap();
    book.tokens += 1;
    let token = format!("token-{}", book.tokens);
    axum::Json(json!({"access_token": token, "token_type": "Bearer", "expires_in": 300}))
        .into_response()
}
