//! What is under way when the service is told to stop.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::net::TcpStream;

use crate::support::{Answer, PATIENCE, Stack, eventually};

const ORGANIZATIONS: &str = "/api/v1/organizations";

#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_way_is_answered_and_nobody_else_is_let_in() {
    let stack = Stack::start().await;
    stack.account("somebody").await;
    let sql = stack.sql().await;
    sql.batch_execute("BEGIN; LOCK TABLE organization IN SHARE MODE")
        .await
        .unwrap();
    let request = stack.request(Method::POST, ORGANIZATIONS, &["admin"]);
    let running = tokio::spawn(Answer::of(request.json(&json!({"name": "o"}))));
    eventually("the request waits in the database", async || {
        let waiting = "SELECT count(*) FROM pg_stat_activity
                        WHERE wait_event_type = 'Lock' AND datname = current_database()";
        stack.count(waiting).await > 0
    })
    .await;
    stack.shutdown.soft.cancel();
    eventually("nobody is let in any more", async || {
        TcpStream::connect(stack.addresses.api).await.is_err()
    })
    .await;
    assert!(!running.is_finished() && !stack.ended.is_finished());
    sql.batch_execute("COMMIT").await.unwrap();
    let answer = running.await.unwrap();
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    // Nothing keeps its connection open after that.
    assert_eq!(answer.headers["connection"], "close");
    let ended = tokio::time::timeout(PATIENCE, stack.ended).await.unwrap();
    assert!(ended.unwrap().is_ok());
    let made = "SELECT count(*) FROM organization WHERE name = 'o'";
    let made = sql.query_one(made, &[]).await.unwrap();
    assert_eq!(made.get::<_, i64>(0), 1);
}

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
