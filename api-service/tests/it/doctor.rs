//! `api-service doctor` against a broker, databases and replicas that really run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use certs::folder::LeafOptions;
use certs::{ServerName, ServerSpec};
use dev_broker::{ApiKey, DevBroker};
use dev_postgres::{Cluster, Options as ClusterOptions};
use emqx_config::{EMQX_5_8, EmqxConf};
use schema::testing::MigratedDatabase;
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio_postgres::NoTls;

use crate::support::{PATIENCE, Pki, eventually, nobody, program};

const SECRET: &str = "s3cret-of-the-key";

type Settings = BTreeMap<String, String>;

async fn doctor(settings: &Settings, arguments: &[&str]) -> Output {
    let output = Command::new(program())
        .arg("doctor")
        .args(arguments)
        .env_clear()
        .envs(settings)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    tokio::time::timeout(PATIENCE, output)
        .await
        .unwrap()
        .unwrap()
}

/// The report, and its codes that are more than notes.
fn read(output: &Output) -> (Value, Vec<String>) {
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let findings = report["findings"].as_array().unwrap().iter();
    let bad = findings.filter(|found| found["severity"] != "note");
    let codes = bad.map(|found| found["code"].as_str().unwrap().to_owned());
    let codes = codes.collect();
    (report, codes)
}

fn set(settings: &mut Settings, more: &[(&str, &str)]) {
    for (name, value) in more {
        settings.insert((*name).to_owned(), (*value).to_owned());
    }
}

/// A broker that obeys a file.
async fn broker(pki: &Pki, text: &str) -> DevBroker {
    let names: [ServerName; 2] = ["localhost", "127.0.0.1"].map(|name| name.parse().unwrap());
    let spec = ServerSpec {
        names: &names,
        days: 90,
    };
    let options = LeafOptions {
        stem: "broker",
        renew: false,
    };
    let now = time::OffsetDateTime::now_utc();
    pki.folder
        .server_leaf(options, &spec, now, &mut rand::rng())
        .unwrap();
    DevBroker::start(dev_broker::Options {
        conf: EmqxConf::parse(text).unwrap(),
        certs_dir: pki.folder.path("broker.pem").parent().unwrap().to_owned(),
        bind: BTreeMap::new(),
        hook_base_url: None,
        crl: None,
        api_bind: ([127, 0, 0, 1], 0).into(),
        api_key: ApiKey {
            key: "key".to_owned(),
            secret: SECRET.to_owned(),
        },
        hook_headers: BTreeMap::new(),
    })
    .await
    .unwrap()
}

fn reaches(settings: &mut Settings, broker: &DevBroker) {
    let url = format!("http://{}", broker.addresses["api"]);
    let key = format!("key:{SECRET}");
    set(
        settings,
        &[("API_BROKER_URL", &url), ("API_BROKER_KEY", &key)],
    );
}

/// The program of hook-service, beside ours. The two share no code, so it is run and not linked;
/// built here, for one that lies there may be older than the schema.
async fn hook_program() -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "hook-service"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .status();
    assert!(built.await.unwrap().success(), "hook-service is built");
    program().with_file_name("hook-service")
}

/// A replica of hook-service, ready, and its operators' address.
async fn replica(database_url: &str) -> (Child, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("addresses.json");
    let child = Command::new(hook_program().await)
        .env_clear()
        .env("HOOK_DATABASE_URL", database_url)
        .env("HOOK_LISTEN", "127.0.0.1:0")
        .env("HOOK_OPS_LISTEN", "127.0.0.1:0")
        .env("HOOK_STALENESS_MS", "5000")
        .env("HOOK_ADDRESS_FILE", &file)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    eventually("the replica tells its addresses", async || file.exists()).await;
    let text = std::fs::read_to_string(&file).unwrap();
    let addresses: Value = serde_json::from_str(&text).unwrap();
    let ops = addresses["ops"].as_str().unwrap().to_owned();
    // The first test to come installs it; this file may be the first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder()
        .timeout(PATIENCE)
        .build()
        .unwrap();
    eventually("the replica is ready", async || {
        let answer = http.get(format!("http://{ops}/readyz")).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    })
    .await;
    (child, ops)
}

async fn sql(url: &str, statements: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let driver = tokio::spawn(connection);
    client.batch_execute(statements).await.unwrap();
    drop(client);
    driver.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds and runs hook-service; not yet seen to pass within its time"]
async fn what_we_ship_is_clean_everywhere() {
    let options = ClusterOptions {
        durable: true,
        ..ClusterOptions::default()
    };
    let cluster = tokio::task::spawn_blocking(|| Cluster::start(options).unwrap());
    let cluster = cluster.await.unwrap();
    let admin = cluster.url("postgres", "postgres");
    schema::testing::prepare(admin).await.unwrap();
    let (api, hook) = (
        cluster.url("test_api", "postgres"),
        cluster.url("test_hook", "postgres"),
    );
    let pki = Pki::new();
    let broker = broker(&pki, EMQX_5_8).await;
    let (_replica, ops) = replica(&hook).await;
    let conf = pki.folder.path("emqx.conf");
    std::fs::write(&conf, EMQX_5_8).unwrap();
    let conf = conf.display().to_string();

    let mut settings = pki.settings();
    reaches(&mut settings, &broker);
    set(
        &mut settings,
        &[("API_DATABASE_URL", &api), ("HOOK_DATABASE_URL", &hook)],
    );
    let device = format!("localhost:{}", broker.addresses["devices"].port());
    let arguments = [
        "--json",
        "--emqx-conf",
        &conf,
        "--replica",
        &ops,
        "--listener",
        &device,
    ];
    let output = doctor(&settings, &arguments).await;
    let (report, codes) = read(&output);
    assert_eq!(codes, Vec::<String>::new(), "{report:#}");
    assert_eq!(output.status.code(), Some(0));
    let notes = report["findings"].as_array().unwrap().iter();
    let notes: Vec<_> = notes.map(|found| found["code"].as_str().unwrap()).collect();
    for gap in [
        "emqx_zones_unseen",
        "replica_not_asked",
        "listener_not_asked",
        "pg_hook_not_asked",
    ] {
        assert!(!notes.contains(&gap), "{gap} in {notes:?}");
    }
    let looked_at = report["lookedAt"].to_string();
    for what in [
        "EMQX 5.8.9",
        "API_DATABASE_URL",
        "HOOK_DATABASE_URL",
        &ops,
        &device,
        &conf,
    ] {
        assert!(looked_at.contains(what), "{what} in {looked_at}");
    }
    let text = doctor(&settings, &arguments[1..]).await;
    for bytes in [&output.stdout, &output.stderr, &text.stdout, &text.stderr] {
        assert!(!String::from_utf8_lossy(bytes).contains(SECRET));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_broker_with_a_seeded_mistake_is_found_out() {
    let pki = Pki::new();
    let text = EMQX_5_8
        .replace("no_match = deny", "no_match = allow")
        .replace("reuse_sessions = false", "reuse_sessions = true")
        .replace("request_timeout = 2s", "request_timeout = 5s")
        .replace(
            "# \"x-hook-secret\" = \"the value",
            "\"x-hook-secret\" = \"hunter2 the value",
        );
    let broker = broker(&pki, &text).await;
    let database = MigratedDatabase::create().await.unwrap();
    let mut settings = pki.settings();
    reaches(&mut settings, &broker);
    set(&mut settings, &[("API_DATABASE_URL", &database.api_url())]);
    let output = doctor(&settings, &["--json", "--watch", "0"]).await;
    let (report, codes) = read(&output);
    assert_eq!(output.status.code(), Some(2));
    for code in [
        "emqx_no_match_allow",
        "emqx_session_reuse",
        "emqx_request_timeout_long",
        "lease_missing",
    ] {
        assert!(
            codes.iter().any(|found| found == code),
            "{code} in {report:#}"
        );
    }
    // Without the file the zones were not seen, and that is said.
    assert!(report.to_string().contains("emqx_zones_unseen"));
    assert!(!report.to_string().contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_with_too_many_rights_are_found_out() {
    let database = MigratedDatabase::create().await.unwrap();
    sql(
        &database.url(),
        "GRANT TRUNCATE ON device TO iot_hub_api;
         GRANT UPDATE (state) ON certificate TO iot_hub_hook;
         GRANT CREATE ON SCHEMA public TO PUBLIC;
         GRANT EXECUTE ON FUNCTION bump_epoch() TO iot_hub_api;
         ALTER TABLE device DISABLE TRIGGER change_update;
         INSERT INTO outbox (kind, subject) VALUES ('end_device_sessions', 'x');
         UPDATE outbox SET state = 'dead'",
    )
    .await;
    let mut settings = Settings::new();
    let urls = [
        ("API_DATABASE_URL", database.api_url()),
        ("HOOK_DATABASE_URL", database.hook_url()),
    ];
    for (name, url) in &urls {
        set(&mut settings, &[(name, url)]);
    }
    let output = doctor(&settings, &["--json", "--watch", "0"]).await;
    let (report, _) = read(&output);
    let findings = report["findings"].as_array().unwrap();
    for (code, subject, seen) in [
        ("pg_rights_excess", "API_DATABASE_URL", "TRUNCATE on device"),
        (
            "pg_rights_excess",
            "API_DATABASE_URL",
            "EXECUTE on bump_epoch()",
        ),
        (
            "pg_rights_excess",
            "API_DATABASE_URL",
            "CREATE on schema public",
        ),
        (
            "pg_rights_excess",
            "HOOK_DATABASE_URL",
            "column UPDATE on certificate",
        ),
        ("pg_triggers", "HOOK_DATABASE_URL", "device.change_update"),
        ("pg_fsync_off", "API_DATABASE_URL", "fsync = off"),
        ("outbox_dead", "outbox", "1 rows"),
        ("lease_missing", "hook_lease", "0 renewed"),
    ] {
        let found = findings.iter().any(|found| {
            found["code"] == code
                && found["subject"].as_str().unwrap().starts_with(subject)
                && found["seen"].as_str().unwrap().contains(seen)
        });
        assert!(found, "{code} {subject} {seen} in {report:#}");
    }

    // A superuser's login is told once, not by every right that it has.
    set(&mut settings, &[("API_DATABASE_URL", &database.url())]);
    let (report, codes) = read(&doctor(&settings, &["--json", "--watch", "0"]).await);
    assert!(
        codes.iter().any(|code| code == "pg_role_powerful"),
        "{report:#}"
    );
    let of_api = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|found| {
            found["code"] == "pg_rights_excess"
                && found["subject"].as_str().unwrap().starts_with("API")
        });
    assert_eq!(of_api.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_is_a_finding_and_never_silence() {
    let gone = nobody().await.to_string();
    let broker = format!("http://{gone}");
    let database = format!("postgres://api:hunter2@{gone}/iot_hub");
    let mut settings = Settings::new();
    set(
        &mut settings,
        &[
            ("API_BROKER_URL", &broker),
            ("API_BROKER_KEY", "key:hunter2"),
            ("API_DATABASE_URL", &database),
            ("API_DOCTOR_REPLICAS", &gone),
            ("API_DOCTOR_LISTENERS", &gone),
            ("API_SERVER_CA_CERT_FILE", "/nowhere.pem"),
        ],
    );
    let output = doctor(&settings, &["--json"]).await;
    assert_eq!(output.status.code(), Some(2));
    let (report, codes) = read(&output);
    for code in [
        "emqx_unreadable",
        "pg_unreadable",
        "replica_unreachable",
        "listener_unreachable",
        "file_unreadable",
    ] {
        assert!(
            codes.iter().any(|found| found == code),
            "{code} in {report:#}"
        );
    }
    assert!(!report.to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_file_is_checked_offline_without_any_setting() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("emqx.conf");
    let path = file.display().to_string();
    let arguments = [
        "--json",
        "--offline",
        "--emqx-conf",
        &path,
        "--emqx-version",
        "5.8.9",
    ];
    let none = Settings::new();
    std::fs::write(&file, EMQX_5_8).unwrap();
    let output = doctor(&none, &arguments).await;
    assert_eq!(
        (output.status.code(), read(&output).1),
        (Some(0), Vec::new())
    );

    std::fs::write(&file, EMQX_5_8.replace("pool_size = 16", "pool_size = 8")).unwrap();
    assert_eq!(doctor(&none, &arguments).await.status.code(), Some(1));
    let text = doctor(&none, &arguments[1..]).await;
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.contains("pool_size = 8") && text.contains("[emqx_pool_small]"),
        "{text}"
    );

    for (content, code) in [("a = {", 2), ("listeners.ssl.x {}", 2)] {
        std::fs::write(&file, content).unwrap();
        assert_eq!(doctor(&none, &arguments).await.status.code(), Some(code));
    }
    std::fs::remove_file(&file).unwrap();
    assert_eq!(doctor(&none, &arguments).await.status.code(), Some(2));
}

#[tokio::test]
async fn wrong_settings_are_78_and_a_wrong_command_line_64() {
    let none = Settings::new();
    assert_eq!(doctor(&none, &[]).await.status.code(), Some(78));
    for arguments in [
        &["--offline"][..],
        &["--emqx-version", "5.8.9"],
        &["--replica", "http://x"],
        &["--listener", "x"],
        &["--watch", "601"],
    ] {
        let output = doctor(&none, arguments).await;
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
    }
    let mut settings = Settings::new();
    set(
        &mut settings,
        &[
            ("API_DATABASE_URL", "postgres://api@h/d"),
            ("API_DOCTOR_REPLICAS", "a/b:1"),
        ],
    );
    let output = doctor(&settings, &[]).await;
    assert_eq!(output.status.code(), Some(78));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("API_DOCTOR_REPLICAS")
    );
}
