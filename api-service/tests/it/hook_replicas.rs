//! `GET /api/v1/hook-replicas` and declaring one dead.

use serde_json::{Value, json};

use crate::support::{Stack, eventually};

const LIST: &str = "/api/v1/hook-replicas";

/// A lease of so many milliseconds.
async fn lease(stack: &Stack, name: &str, length_ms: i32) -> String {
    let sql = "INSERT INTO hook_lease (process_uuid, replica_name, applied, renewals, length_ms)
               VALUES (gen_random_uuid(), $1, 1, 7, $2) RETURNING process_uuid::text";
    let row = stack.sql().await.query_one(sql, &[&name, &length_ms]).await;
    row.unwrap().get(0)
}

async fn seen(stack: &Stack, process: &str) -> Value {
    let page = stack.get(LIST).await.body;
    let replicas = page["replicas"].as_array().unwrap();
    let one = replicas.iter().find(|each| each["processUuid"] == process);
    one.cloned().unwrap_or(Value::Null)
}

fn dead(process: &str) -> String {
    format!("{LIST}/{process}/declare-dead")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_lease_is_shown_with_what_its_counter_tells() {
    let stack = Stack::start().await;
    stack.registered("tent-1").await;
    stack.registered("tent-2").await;
    let long = lease(&stack, "hook-0", 300_000).await;
    let short = lease(&stack, "hook-1", 10).await;
    let live = seen(&stack, &long).await;
    assert_eq!(live["name"], "hook-0");
    assert_eq!(live["state"], "live");
    assert_eq!(live["leaseMs"], 300_000);
    assert_eq!((&live["applied"], &live["behind"]), (&json!(1), &json!(2)));
    assert_eq!(live["renewals"], 7);
    eventually("the counter that stands is seen to", async || {
        seen(&stack, &short).await["state"] == "lapsed"
    })
    .await;
    eventually("both are counted", async || {
        let metrics = stack.metrics().await;
        metrics.contains(r#"api_hook_replicas{state="live"} 1"#)
            && metrics.contains(r#"api_hook_replicas{state="lapsed"} 1"#)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_whose_counter_stands_is_declared_dead_once() {
    let stack = Stack::start().await;
    let process = lease(&stack, "hook-0", 10).await;
    eventually("it has lapsed", async || {
        seen(&stack, &process).await["state"] == "lapsed"
    })
    .await;
    let answer = stack.post(&dead(&process), &json!({})).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!(answer.body["processUuid"], process.as_str());
    assert_eq!(answer.body["state"], "lapsed");
    assert_eq!(stack.count("SELECT count(*) FROM hook_lease").await, 0);
    stack
        .post(&dead(&process), &json!({}))
        .await
        .is_problem(404, "replica_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_lives_is_declared_dead_only_by_force() {
    let stack = Stack::start().await;
    let process = lease(&stack, "hook-0", 30_000).await;
    stack
        .post(&dead(&process), &json!({}))
        .await
        .is_problem(409, "replica_alive");
    assert_eq!(stack.count("SELECT count(*) FROM hook_lease").await, 1);
    let answer = stack.post(&dead(&process), &json!({"force": true})).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!(answer.body["state"], "live");
    assert_eq!(stack.count("SELECT count(*) FROM hook_lease").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_serves_what_it_knows_is_not_taken_for_lapsed() {
    let stack = Stack::start().await;
    // The length that stands for "never runs out".
    let process = lease(&stack, "hook-0", 1).await;
    let shown = seen(&stack, &process).await;
    assert_eq!(
        (&shown["state"], &shown["leaseMs"]),
        (&json!("live"), &json!(null))
    );
    stack
        .post(&dead(&process), &json!({}))
        .await
        .is_problem(409, "replica_alive");
    assert_eq!(stack.count("SELECT count(*) FROM hook_lease").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_uuid_and_what_is_no_flag_is_told() {
    let stack = Stack::start().await;
    let answer = stack.post(&dead("hook-0"), &json!({})).await;
    answer.is_problem(422, "invalid_request");
    assert_eq!(answer.wrong_fields(), ["uuid"]);
    let process = "00000000-0000-0000-0000-000000000001";
    let answer = stack.post(&dead(process), &json!({"force": "yes"})).await;
    answer.is_problem(422, "invalid_request");
    assert_eq!(answer.wrong_fields(), ["force"]);
    stack
        .post(&dead(process), &json!({"force": true}))
        .await
        .is_problem(404, "replica_not_found");
}
