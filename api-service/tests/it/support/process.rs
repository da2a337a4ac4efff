//! The program itself as a process that can be killed.

use std::collections::BTreeMap;
use std::process::Stdio;

use dev_issuer::{DevIssuer, Options};
use reqwest::Method;
use schema::testing::MigratedDatabase;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::broker::StubBroker;
use super::{Answer, Pki, eventually, program, registration};

/// What processes of one service share.
pub struct Surroundings {
    _pki: Pki,
    pub issuer: DevIssuer,
    pub database: MigratedDatabase,
    settings: BTreeMap<String, String>,
    http: reqwest::Client,
    folder: tempfile::TempDir,
}

/// A process. Dropping it kills it.
pub struct Process {
    child: Child,
    address: String,
}

impl Surroundings {
    pub async fn with(broker: &StubBroker) -> Self {
        let pki = Pki::new();
        let issuer = DevIssuer::start(Options::default()).await.unwrap();
        let database = MigratedDatabase::create().await.unwrap();
        let mut settings = pki.settings();
        settings.insert("API_DATABASE_URL".to_owned(), database.api_url());
        settings.insert("API_TOKEN_ISSUERS".to_owned(), issuer.issuer().to_owned());
        for (name, value) in broker.settings() {
            settings.insert(name.to_owned(), value);
        }
        Self {
            _pki: pki,
            issuer,
            database,
            settings,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub async fn process(&self, name: &str) -> Process {
        let file = self.folder.path().join(name);
        let child = Command::new(program())
            .env_clear()
            .envs(&self.settings)
            .env("API_ADDRESS_FILE", &file)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut addresses = Value::Null;
        eventually("the process tells its addresses", async || {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            addresses = serde_json::from_str(&text).unwrap_or_default();
            addresses["ops"].is_string()
        })
        .await;
        let ready = format!("http://{}/readyz", addresses["ops"].as_str().unwrap());
        eventually("the process is ready", async || {
            let answer = self.http.get(&ready).send().await;
            answer.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
        Process {
            child,
            address: addresses["api"].as_str().unwrap().to_owned(),
        }
    }

    /// A request with an administrator's token.
    pub async fn ask(&self, process: &Process, method: Method, path: &str, body: &Value) -> Answer {
        let token = self.issuer.mint("somebody", &["admin", "manufacturer"]);
        let url = format!("http://{}{path}", process.address);
        let request = self.http.request(method, url).bearer_auth(token);
        Answer::of(request.json(body)).await
    }

    /// Registers and revokes a device; gives the path of the operation.
    pub async fn revoked(&self, process: &Process, id: &str) -> String {
        let made = self
            .ask(process, Method::POST, super::REGISTER, &registration(id))
            .await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        let path = format!("/api/v1/devices/{id}/revoke");
        let answer = self.ask(process, Method::POST, &path, &json!({})).await;
        assert_eq!(answer.status, 202, "{:?}", answer.body);
        format!("/api/v1/operations/{}", answer.body["operation"])
    }

    /// A superuser's connection.
    pub async fn sql(&self) -> tokio_postgres::Client {
        let (client, connection) =
            tokio_postgres::connect(&self.database.url(), tokio_postgres::NoTls)
                .await
                .unwrap();
        tokio::spawn(connection);
        client
    }
}

impl Process {
    /// SIGKILL: nothing of it gets to clean up.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}
