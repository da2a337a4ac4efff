//! The issuer over HTTP, and its program.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: what they unwrap fails the test"
)]

use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dev_issuer::{DevIssuer, Kind, Options};
use serde_json::Value;

fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap()
}

async fn ask(issuer: &DevIssuer, form: &str) -> (u16, Value) {
    let answer = http()
        .post(issuer.token_endpoint())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.to_owned())
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_client_gets_a_token_for_its_secret_and_nothing_without() {
    let issuer = DevIssuer::start(Options::default()).await.unwrap();
    let secret = issuer.accounts().secret(Kind::Client, "factory").unwrap();
    let form = |secret: &str| {
        format!("grant_type=client_credentials&client_id=factory&client_secret={secret}")
    };
    let (status, answer) = ask(&issuer, &form(secret)).await;
    assert_eq!(status, 200);
    assert_eq!(
        answer["access_token"].as_str().unwrap().split('.').count(),
        3
    );
    let (status, answer) = ask(&issuer, &form("wrong")).await;
    assert_eq!(
        (status, answer["error"].as_str()),
        (401, Some("invalid_client"))
    );
    let (status, _) = ask(&issuer, "grant_type=authorization_code").await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn discovery_names_the_issuer_and_its_keys() {
    let issuer = DevIssuer::start(Options::default()).await.unwrap();
    let address = format!("{}/.well-known/openid-configuration", issuer.issuer());
    let document: Value = http()
        .get(address)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(document["issuer"], issuer.issuer());
    let keys: Value = http()
        .get(document["jwks_uri"].as_str().unwrap())
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(keys["keys"][0]["kid"], issuer.header()["kid"]);
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_program_tells_where_it_is_and_keeps_its_secrets_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let child = Command::new(env!("CARGO_BIN_EXE_dev-issuer"))
        .arg("--address-file")
        .arg(path("address.json"))
        .arg("--secrets-file")
        .arg(path("secrets.json"))
        .arg("--client")
        .arg(format!("bot:{}:admin", path("bot.secret").display()))
        .arg("--user")
        .arg("alice::admin")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _running = Running(child);
    let deadline = Instant::now() + Duration::from_secs(20);
    let address: Value = loop {
        if let Ok(text) = std::fs::read_to_string(path("address.json")) {
            break serde_json::from_str(&text).unwrap();
        }
        assert!(Instant::now() < deadline, "no address file came");
        std::thread::yield_now();
    };
    assert!(
        address["issuer"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:")
    );
    let text = std::fs::read_to_string(address["secrets_file"].as_str().unwrap()).unwrap();
    let secrets: Value = serde_json::from_str(&text).unwrap();
    let bot = std::fs::read_to_string(path("bot.secret")).unwrap();
    assert_eq!(secrets["clients"]["bot"], bot.as_str());
    for account in ["factory", "admin"] {
        assert!(secrets["clients"][account].as_str().unwrap().len() >= 32);
    }
    assert!(secrets["users"]["alice"].is_string());
    for name in ["secrets.json", "bot.secret"] {
        let mode = std::fs::metadata(path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_wrong_flag_is_bad_usage() {
    let status = Command::new(env!("CARGO_BIN_EXE_dev-issuer"))
        .args(["--client", "nonsense"])
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(64));
}
