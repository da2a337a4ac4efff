//! `GET /api/v1/operations` and what a person may do about one that does not end by itself.

use serde_json::{Value, json};

use crate::support::Stack;

const LIST: &str = "/api/v1/operations";

/// Devices `tent-1` and on, each revoked: an operation each, which nobody carries out.
async fn revoked(stack: &Stack, count: usize) -> Vec<Value> {
    let mut operations = Vec::new();
    for n in 1..=count {
        stack.registered(&format!("tent-{n}")).await;
        let path = format!("/api/v1/devices/tent-{n}/revoke");
        operations.push(stack.post(&path, &json!({})).await.body["operation"].clone());
    }
    operations
}

fn path(operation: &Value, verb: &str) -> String {
    format!("{LIST}/{operation}/{verb}")
}

async fn listed(stack: &Stack, query: &str) -> Vec<Value> {
    let page = stack.get(&format!("{LIST}{query}")).await.body;
    let operations = page["operations"].as_array().unwrap().iter();
    operations.map(|each| each["id"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_every_operation_once_newest_first() {
    let stack = Stack::start().await;
    let made = revoked(&stack, 5).await;
    let mut seen = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = stack.get(&format!("{LIST}{query}")).await.body;
        let operations = page["operations"].as_array().unwrap();
        assert!(operations.len() <= 2);
        seen.extend(operations.iter().map(|each| each["id"].clone()));
        let Some(cursor) = page["nextCursor"].as_str() else {
            break;
        };
        query = format!("?limit=2&cursor={cursor}");
    }
    seen.reverse();
    assert_eq!(seen, made);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_keeps_what_it_names() {
    let stack = Stack::start().await;
    let made = revoked(&stack, 3).await;
    stack.post(&path(&made[1], "abandon"), &json!({})).await;
    let done = "UPDATE outbox SET state = 'done', done_at = now() WHERE subject = 'tent-3'";
    stack.sql().await.execute(done, &[]).await.unwrap();
    assert_eq!(listed(&stack, "?state=dead").await, made[1..2]);
    assert_eq!(listed(&stack, "?state=done").await, made[2..3]);
    assert_eq!(listed(&stack, "?state=pending").await, made[0..1]);
    assert_eq!(listed(&stack, "?deviceId=tent-2").await, made[1..2]);
    assert_eq!(
        listed(&stack, "?deviceId=tent-2&state=dead").await,
        made[1..2]
    );
    assert!(
        listed(&stack, "?deviceId=tent-2&state=done")
            .await
            .is_empty()
    );
    assert!(listed(&stack, "?deviceId=nobody").await.is_empty());
    let answer = stack
        .get(&format!(
            "{LIST}?state=lost&deviceId=a.b&limit=201&cursor=x&kind=y"
        ))
        .await;
    answer.is_problem(422, "invalid_request");
    let wrong = ["state", "deviceId", "limit", "cursor", "kind"];
    assert_eq!(answer.wrong_fields(), wrong);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_up_operation_is_dead_until_it_is_retried() {
    let stack = Stack::start().await;
    let made = revoked(&stack, 1).await;
    let answer = stack
        .post(
            &path(&made[0], "abandon"),
            &json!({"reason": "that broker is gone"}),
        )
        .await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!(answer.body["state"], "dead");
    let last = answer.body["lastError"].as_str().unwrap();
    assert_eq!(last, "given up by an operator: that broker is gone");
    let again = stack.post(&path(&made[0], "abandon"), &json!({})).await;
    assert_eq!(again.body, answer.body, "a repetition changes nothing");

    let retried = stack.post(&path(&made[0], "retry"), &json!({})).await;
    assert_eq!(retried.status, 202, "{:?}", retried.body);
    assert_eq!(retried.body["state"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn moves_that_cannot_be_are_refused_by_name() {
    let stack = Stack::start().await;
    let made = revoked(&stack, 1).await;
    let none = json!({});
    stack
        .post(&path(&made[0], "retry"), &none)
        .await
        .is_problem(409, "operation_not_dead");
    let done = "UPDATE outbox SET state = 'done', done_at = now()";
    stack.sql().await.execute(done, &[]).await.unwrap();
    stack
        .post(&path(&made[0], "abandon"), &none)
        .await
        .is_problem(409, "operation_done");
    stack
        .post(&path(&made[0], "retry"), &none)
        .await
        .is_problem(409, "operation_not_dead");
    for verb in ["retry", "abandon"] {
        stack
            .post(&path(&json!(4711), verb), &none)
            .await
            .is_problem(404, "operation_not_found");
        stack
            .post(&path(&json!(0), verb), &none)
            .await
            .is_problem(422, "invalid_request");
        let odd = stack.post(&path(&made[0], verb), &json!({"x": 1})).await;
        odd.is_problem(422, "invalid_request");
    }
    let long = json!({"reason": "x".repeat(65)});
    let answer = stack.post(&path(&made[0], "abandon"), &long).await;
    assert_eq!(answer.wrong_fields(), ["reason"]);
}
