//! The program: its exit codes, its commands, its address file.

use std::collections::BTreeMap;
use std::process::{Output, Stdio};
use std::time::Duration;

use certs::{ServiceSpec, folder::LeafOptions};
use reqwest::StatusCode;
use schema::testing::MigratedDatabase;
use serde_json::Value;
use tokio::process::Command;

use crate::support::{Pki, eventually, program};

async fn run(settings: &BTreeMap<String, String>, arguments: &[&str]) -> Output {
    let output = Command::new(program())
        .args(arguments)
        .env_clear()
        .envs(settings)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    tokio::time::timeout(crate::support::PATIENCE, output)
        .await
        .unwrap()
        .unwrap()
}

fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn settings(pki: &Pki, database_url: &str) -> BTreeMap<String, String> {
    let mut settings = pki.settings();
    settings.insert("API_DATABASE_URL".to_owned(), database_url.to_owned());
    settings.insert(
        "API_TOKEN_ISSUERS".to_owned(),
        "http://127.0.0.1:1".to_owned(),
    );
    settings
}

#[tokio::test]
async fn a_wrong_command_line_is_64_and_wrong_settings_are_78() {
    let none = BTreeMap::new();
    assert_eq!(run(&none, &["nonsense"]).await.status.code(), Some(64));
    let output = run(&none, &[]).await;
    assert_eq!(output.status.code(), Some(78));
    for name in [
        "API_DATABASE_URL",
        "API_TOKEN_ISSUERS",
        "API_DEVICE_CA_KEY_FILE",
    ] {
        assert!(complaint(&output).contains(name), "{}", complaint(&output));
    }
}

#[tokio::test]
async fn a_wrong_key_file_is_named_and_is_78() {
    let pki = Pki::new();
    let good = settings(&pki, "postgres://api@127.0.0.1:1/x");
    let other_key = pki.folder.path("service-ca.key").display().to_string();
    for (name, value, expected) in [
        ("API_DEVICE_CA_KEY_FILE", "/nowhere.key", "/nowhere.key"),
        (
            "API_DEVICE_CA_KEY_FILE",
            other_key.as_str(),
            "does not belong",
        ),
        (
            "API_SERVER_CA_CERT_FILE",
            other_key.as_str(),
            "API_SERVER_CA_CERT_FILE",
        ),
        (
            "API_ROOT_CA_CERT_FILE",
            good["API_SERVER_CA_CERT_FILE"].as_str(),
            "API_ROOT_CA_CERT_FILE",
        ),
        ("API_LISTEN", "192.0.2.1:80", "API_LISTEN"),
        ("API_LOG", "not a=filter=", "API_LOG"),
    ] {
        let mut settings = good.clone();
        settings.insert(name.to_owned(), value.to_owned());
        let output = run(&settings, &[]).await;
        assert_eq!(
            output.status.code(),
            Some(78),
            "{name}: {}",
            complaint(&output)
        );
        assert!(
            complaint(&output).contains(expected),
            "{}",
            complaint(&output)
        );
    }
}

#[tokio::test]
async fn a_key_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let pki = Pki::new();
    let key = pki.folder.path("device-ca.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = run(&settings(&pki, "postgres://api@127.0.0.1:1/x"), &["serve"]).await;
    assert_eq!(output.status.code(), Some(78));
    assert!(
        complaint(&output).contains("device-ca.key"),
        "{}",
        complaint(&output)
    );
}

#[tokio::test]
async fn it_tells_its_addresses_and_its_health_and_stops_when_asked() {
    let pki = Pki::new();
    let issuer = dev_issuer::DevIssuer::start(dev_issuer::Options::default())
        .await
        .unwrap();
    let database = MigratedDatabase::create().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("addresses.json");
    let mut settings = settings(&pki, &database.api_url());
    settings.insert("API_TOKEN_ISSUERS".to_owned(), issuer.issuer().to_owned());
    settings.insert("API_ADDRESS_FILE".to_owned(), file.display().to_string());
    settings.insert("API_LOG_FORMAT".to_owned(), "json".to_owned());
    assert_eq!(
        run(&settings, &["healthcheck"]).await.status.code(),
        Some(1)
    );

    let mut child = Command::new(program())
        .env_clear()
        .envs(&settings)
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    eventually("it is healthy", async || {
        file.exists() && run(&settings, &["healthcheck"]).await.status.success()
    })
    .await;
    let text = std::fs::read_to_string(&file).unwrap();
    let addresses: Value = serde_json::from_str(&text).unwrap();
    let url = format!("http://{}/livez", addresses["ops"].as_str().unwrap());
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap();
    assert_eq!(http.get(url).send().await.unwrap().status(), StatusCode::OK);

    let pid = child.id().unwrap().to_string();
    // The shell's own `kill`: a small machine has no program of that name.
    let told = std::process::Command::new("sh")
        .args(["-c", "kill -TERM \"$0\"", &pid])
        .status()
        .unwrap();
    assert!(told.success());
    let ended = tokio::time::timeout(crate::support::PATIENCE, child.wait())
        .await
        .unwrap();
    assert_eq!(ended.unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_service_client_is_added_listed_and_disabled_through_the_change_log() {
    let pki = Pki::new();
    let database = MigratedDatabase::create().await.unwrap();
    let settings: BTreeMap<_, _> = [("API_DATABASE_URL".to_owned(), database.api_url())]
        .into_iter()
        .collect();
    let spec = ServiceSpec {
        name: "gateway",
        days: 30,
        crl_url: None,
    };
    let options = LeafOptions {
        stem: "svc-gateway",
        renew: false,
    };
    let now = time::OffsetDateTime::now_utc();
    let leaf = pki
        .folder
        .service_leaf(options, &spec, now, &mut rand::rng())
        .unwrap();
    let file = leaf.certificate_file.display().to_string();
    let add = |name: &'static str| {
        let arguments = [
            "service-client",
            "add",
            "--name",
            name,
            "--certificate",
            &file,
            "--allow",
            "subscribe=+/telemetry",
            "--allow",
            "publish=+/rpc/request",
        ];
        arguments.map(str::to_owned)
    };
    let text = |arguments: &[String]| {
        arguments
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    };

    let arguments = add("gateway");
    let output = run(&settings, &text(&arguments).split(' ').collect::<Vec<_>>()).await;
    assert!(output.status.success(), "{}", complaint(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["created"], true);
    assert_eq!(
        report["fingerprint"],
        leaf.certificate.fingerprint().to_string()
    );
    assert_eq!(report["rightsAdded"].as_array().unwrap().len(), 2);

    // Repeating it changes nothing, so the hooks hear of nothing.
    let (client, connection) = tokio_postgres::connect(&database.url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let changes = async || {
        let row = client
            .query_one("SELECT max(number), count(*) FROM change", &[])
            .await
            .unwrap();
        (row.get::<_, Option<i64>>(0), row.get::<_, i64>(1))
    };
    assert_eq!(changes().await, (Some(1), 1));
    let output = run(&settings, &text(&arguments).split(' ').collect::<Vec<_>>()).await;
    assert!(output.status.success());
    assert_eq!(changes().await, (Some(1), 1));

    // A certificate of another name is refused.
    let output = run(
        &settings,
        &text(&add("other")).split(' ').collect::<Vec<_>>(),
    )
    .await;
    assert_eq!(output.status.code(), Some(64));
    assert!(
        complaint(&output).contains("svc.other"),
        "{}",
        complaint(&output)
    );

    let output = run(
        &settings,
        &["service-client", "disable", "--name", "gateway"],
    )
    .await;
    assert!(output.status.success(), "{}", complaint(&output));
    assert_eq!(changes().await, (Some(2), 2));
    let output = run(&settings, &["service-client", "list"]).await;
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list[0]["name"], "gateway");
    assert_eq!(list[0]["disabled"], true);
    assert_eq!(list[0]["rights"][0], "publish=+/rpc/request");
    assert_eq!(list[0]["certificates"][0]["state"], "active");

    for (arguments, code) in [
        (["service-client", "disable", "--name", "nobody"], 64),
        (["service-client", "disable", "--name", "No.body"], 64),
    ] {
        assert_eq!(run(&settings, &arguments).await.status.code(), Some(code));
    }
    let output = run(&settings, &text(&arguments).split(' ').collect::<Vec<_>>()).await;
    assert!(
        complaint(&output).contains("disabled"),
        "{}",
        complaint(&output)
    );
}
