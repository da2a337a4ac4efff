//! A running service with everything around it, and the few calls that tests share.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use api_service::config::{Config, PREFIX};
use api_service::serve::{Addresses, Ended, Service};
use certs::PkiFolder;
use certs::folder::InitOptions;
use dev_issuer::{DevIssuer, Options};
use reqwest::{Method, RequestBuilder, StatusCode};
use schema::testing::MigratedDatabase;
use serde_json::{Value, json};
use service_kit::Settings;
use service_kit::shutdown::Shutdown;
use tokio::task::JoinHandle;

pub mod binding;
pub mod broker;
pub mod csr;
pub mod oidc;
pub mod process;

/// Longest wait for a condition: far above what any needs, so that a slow machine passes.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Keys and certificates in a folder of their own.
pub struct Pki {
    pub folder: PkiFolder,
    _dir: tempfile::TempDir,
}

impl Pki {
    pub fn new() -> Self {
        Self::at(time::OffsetDateTime::now_utc())
    }

    /// The same, made at another time.
    pub fn at(now: time::OffsetDateTime) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = PkiFolder::new(dir.path().join("pki"));
        folder
            .init(&InitOptions::default(), now, &mut rand::rng())
            .unwrap();
        Self { folder, _dir: dir }
    }

    pub fn settings(&self) -> BTreeMap<String, String> {
        let path = |name: &str| self.folder.path(name).display().to_string();
        [
            ("API_DEVICE_CA_CERT_FILE", path("device-ca.pem")),
            ("API_DEVICE_CA_KEY_FILE", path("device-ca.key")),
            ("API_ROOT_CA_CERT_FILE", path("root-ca.pem")),
            ("API_SERVER_CA_CERT_FILE", path("server-ca.pem")),
            ("API_LISTEN", "127.0.0.1:0".to_owned()),
            ("API_OPS_LISTEN", "127.0.0.1:0".to_owned()),
            ("API_CRL_LISTEN", "127.0.0.1:0".to_owned()),
            // Tests ask as fast as they can; those about the limits set their own.
            ("API_RATE_PER_ACCOUNT", "0".to_owned()),
            ("API_RATE_PER_ADDRESS", "0".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

/// A service with its issuer, database and keys.
pub struct Stack {
    pub pki: Pki,
    pub issuer: DevIssuer,
    pub database: Option<MigratedDatabase>,
    pub http: reqwest::Client,
    pub addresses: Addresses,
    pub shutdown: Shutdown,
    pub ended: JoinHandle<Result<(), Ended>>,
}

impl Stack {
    /// Everything, without a broker.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Everything, with further settings.
    pub async fn start_with(more: &[(&str, &str)]) -> Self {
        let database = MigratedDatabase::create().await.unwrap();
        let url = database.api_url();
        let mut stack = Self::start_at(&url, more).await;
        stack.database = Some(database);
        stack.until_ready().await;
        stack
    }

    /// A service for a database that may not be there yet.
    pub async fn start_at(database_url: &str, more: &[(&str, &str)]) -> Self {
        Self::start_in(Pki::new(), database_url, more).await
    }

    /// A service with keys that are there already.
    pub async fn start_in(pki: Pki, database_url: &str, more: &[(&str, &str)]) -> Self {
        let issuer = DevIssuer::start(Options::default()).await.unwrap();
        let mut settings = pki.settings();
        settings.insert("API_DATABASE_URL".to_owned(), database_url.to_owned());
        settings.insert("API_TOKEN_ISSUERS".to_owned(), issuer.issuer().to_owned());
        for (name, value) in more {
            settings.insert((*name).to_owned(), (*value).to_owned());
        }
        let config =
            Config::read(Settings::from_map(PREFIX, settings)).unwrap_or_else(|e| panic!("{e}"));
        let service = Service::bind(config).await.unwrap();
        let service = service.with_settle(Duration::from_millis(20));
        let addresses = service.addresses();
        let shutdown = Shutdown::default();
        let ended = tokio::spawn(service.run(shutdown.clone()));
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .no_proxy()
            .build()
            .unwrap();
        Self {
            pki,
            issuer,
            database: None,
            http,
            addresses,
            shutdown,
            ended,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addresses.api)
    }

    /// Stops the service and gives back what outlives it.
    pub async fn stop(self) -> (Pki, Option<MigratedDatabase>) {
        self.shutdown.soft.cancel();
        self.ended
            .await
            .unwrap()
            .unwrap_or_else(|e| panic!("{e:?}"));
        (self.pki, self.database)
    }

    /// What `/readyz` says.
    pub async fn readiness(&self) -> (StatusCode, String) {
        let answer = self
            .http
            .get(format!("http://{}/readyz", self.addresses.ops));
        let answer = answer.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    pub async fn until_ready(&self) {
        eventually("the service is ready", async || {
            self.readiness().await.0.is_success()
        })
        .await;
    }

    pub async fn metrics(&self) -> String {
        let answer = self
            .http
            .get(format!("http://{}/metrics", self.addresses.ops));
        answer.send().await.unwrap().text().await.unwrap()
    }

    /// A request with a token of some roles.
    pub fn request(&self, method: Method, path: &str, roles: &[&str]) -> RequestBuilder {
        let token = self.issuer.mint("somebody", roles);
        self.http.request(method, self.url(path)).bearer_auth(token)
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path, &["admin"])).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path, &["admin"]).json(body)).await
    }

    /// A registration by a factory.
    pub async fn register(&self, body: &Value) -> Answer {
        let request = self.request(Method::POST, REGISTER, &["manufacturer"]);
        Answer::of(request.json(body)).await
    }

    /// A registered device.
    pub async fn registered(&self, id: &str) -> Value {
        let answer = self.register(&registration(id)).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        answer.body
    }

    /// A superuser's connection to the database.
    pub async fn sql(&self) -> tokio_postgres::Client {
        let url = self.database.as_ref().unwrap().url();
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        client
    }

    /// Lets the free plan hold everybody and everything; what a plan allows is tested elsewhere.
    pub async fn without_limits(&self) {
        let endless = "UPDATE plan SET devices_max = NULL, members_max = NULL WHERE plan = 'free'";
        self.sql().await.batch_execute(endless).await.unwrap();
    }

    /// One number from the database.
    pub async fn count(&self, sql: &str) -> i64 {
        self.sql().await.query_one(sql, &[]).await.unwrap().get(0)
    }
}

/// Where devices are registered.
pub const REGISTER: &str = "/api/v1/manufacturing/devices";

/// A good registration with a key of its own.
pub fn registration(id: &str) -> Value {
    json!({
        "deviceId": id, "model": "GrowTent-2", "firmwareVersion": "1.4.2",
        "csr": csr::Key::new().request(id),
    })
}

/// An answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    pub async fn of(request: RequestBuilder) -> Self {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await.unwrap();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Self {
            status,
            headers,
            body,
        }
    }

    /// Fails unless this is a whole problem document of a code.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) {
        assert_eq!(self.body["code"], code, "{:?}", self.body);
        assert_eq!(self.status, status);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["type"], format!("urn:iot-hub:problem:{code}"));
        assert_eq!(
            self.headers["x-request-id"],
            *self.body["requestId"].as_str().unwrap()
        );
        for text in ["title", "detail"] {
            assert!(!self.body[text].as_str().unwrap().is_empty());
        }
    }

    /// The fields that a problem calls wrong.
    pub fn wrong_fields(&self) -> Vec<String> {
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .map(|error| error["field"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// Waits until a condition holds.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "it never came true that {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The path of the program under test.
pub fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_api-service").into()
}

/// An address on which nobody listens.
pub async fn nobody() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}
