//! What we ship, all of it running: the doctor has nothing to say.

use std::path::PathBuf;
use std::process::Stdio;

use dev_postgres::{Cluster, Options as ClusterOptions};
use emqx_config::EMQX_5_8;
use serde_json::Value;
use tokio::process::{Child, Command};

use super::broker::{SECRET, broker, reaches};
use super::{doctor, read, set};
use crate::support::{PATIENCE, Pki, eventually, program};

/// The program of hook-service, beside ours. The two share no code, so it is run and not linked;
/// built here, for one that lies there may be older than the schema.
async fn hook_program() -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--package", "hook-service"])
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

#[tokio::test(flavor = "multi_thread")]
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
        cluster.url("postgres", "test_api"),
        cluster.url("postgres", "test_hook"),
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
