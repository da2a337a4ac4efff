//! What is under way when the service is told to stop.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::net::TcpStream;

use crate::support::{PATIENCE, Stack, eventually};

const ORGANIZATIONS: &str = "/api/v1/organizations";

#[tokio::test(flavor = "multi_thread")]
async fn told_twice_it_waits_for_nobody() {
    let stack = Stack::start().await;
    stack.account("somebody").await;
    let sql = stack.sql().await;
    sql.batch_execute("BEGIN; LOCK TABLE organization IN SHARE MODE")
        .await
        .unwrap();
    let request = stack.request(Method::POST, ORGANIZATIONS, &["admin"]);
    let request = request
        .timeout(Duration::from_secs(300))
        .json(&json!({"name": "o"}));
    let running = tokio::spawn(request.send());
    eventually("the request waits in the database", async || {
        let waiting = "SELECT count(*) FROM pg_stat_activity
                        WHERE wait_event_type = 'Lock' AND datname = current_database()";
        stack.count(waiting).await > 0
    })
    .await;
    stack.shutdown.soft.cancel();
    stack.shutdown.hard.cancel();
    let ended = tokio::time::timeout(PATIENCE, stack.ended).await.unwrap();
    assert!(ended.unwrap().is_ok());
    running.abort();
}
