//! `POST /api/v1/devices/{id}/suspend` and `/resume`.

use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Stack, registration};

const SUSPEND: &str = "/api/v1/devices/tent-1/suspend";
const RESUME: &str = "/api/v1/devices/tent-1/resume";

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_device_keeps_its_certificates_and_comes_back() {
    let stack = Stack::start().await;
    stack.registered("tent-1").await;
    let answer = stack
        .post(SUSPEND, &json!({"reason": "subscription ended"}))
        .await;
    assert_eq!(answer.status, 202, "{:?}", answer.body);
    assert_eq!(answer.body["suspended"], true);
    assert_eq!(answer.body["lifecycle"], "unbound");
    assert_eq!(answer.body["changeNumber"], 3);
    let ending = format!("/api/v1/operations/{}", answer.body["operation"]);
    assert_eq!(stack.get(&ending).await.body["kind"], "end_device_sessions");
    let device = stack.get("/api/v1/devices/tent-1").await.body;
    assert_eq!(device["suspended"], true);
    assert_eq!(device["certificates"][0]["state"], "active");

    let answer = stack.post(RESUME, &json!({})).await;
    assert_eq!(answer.status, 202, "{:?}", answer.body);
    assert_eq!(answer.body["suspended"], false);
    assert_eq!(answer.body["changeNumber"], 4);
    let lifting = format!("/api/v1/operations/{}", answer.body["operation"]);
    assert_eq!(stack.get(&lifting).await.body["kind"], "lift_device_ban");
    let device = stack.get("/api/v1/devices/tent-1").await.body;
    assert_eq!(device["suspended"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeating_either_changes_nothing_and_answers_the_same() {
    let stack = Stack::start().await;
    stack.registered("tent-1").await;
    for path in [SUSPEND, RESUME] {
        let first = stack.post(path, &json!({})).await;
        let again = stack.post(path, &json!({"reason": "again"})).await;
        assert_eq!(again.status, 202, "{path}");
        for name in ["deviceId", "suspended", "changeNumber", "operation"] {
            assert_eq!(first.body[name], again.body[name], "{path} {name}");
        }
    }
    assert_eq!(stack.count("SELECT count(*) FROM outbox").await, 2);
    assert_eq!(stack.count("SELECT max(number) FROM change").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn moves_that_cannot_be_are_refused_by_name() {
    let stack = Stack::start().await;
    stack.registered("tent-1").await;
    let none = json!({});
    stack
        .post(RESUME, &none)
        .await
        .is_problem(409, "device_not_suspended");
    stack.post("/api/v1/devices/tent-1/revoke", &none).await;
    for path in [SUSPEND, RESUME] {
        stack
            .post(path, &none)
            .await
            .is_problem(409, "device_revoked");
    }
    for path in [
        "/api/v1/devices/nobody/suspend",
        "/api/v1/devices/nobody/resume",
    ] {
        stack
            .post(path, &none)
            .await
            .is_problem(404, "device_not_found");
    }
    // Only the revocation left an entry.
    assert_eq!(stack.count("SELECT count(*) FROM outbox").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_device_can_be_revoked_and_renewed() {
    let stack = Stack::start().await;
    let mut body = registration("tent-1");
    assert_eq!(stack.register(&body).await.status, 201);
    stack.post(SUSPEND, &json!({})).await;
    body["renew"] = json!(true);
    assert_eq!(stack.register(&body).await.status, 201);
    let device = stack.get("/api/v1/devices/tent-1").await.body;
    assert_eq!(device["suspended"], true, "a renewal lets nobody in");
    let answer = stack
        .post("/api/v1/devices/tent-1/revoke", &json!({}))
        .await;
    assert_eq!(answer.body["lifecycle"], "revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reason_is_limited_and_may_be_left_out_with_the_body() {
    let stack = Stack::start().await;
    stack.registered("tent-1").await;
    for reason in [json!(""), json!("x".repeat(65)), json!("a\nb"), json!(7)] {
        let answer = stack
            .post(SUSPEND, &json!({"reason": reason, "until": 1}))
            .await;
        answer.is_problem(422, "invalid_request");
        assert_eq!(answer.wrong_fields(), ["reason", "until"]);
    }
    let longest = json!({"reason": "x".repeat(64)});
    assert_eq!(stack.post(SUSPEND, &longest).await.status, 202);
    let answer = Answer::of(stack.request(Method::POST, RESUME, &["admin"])).await;
    assert_eq!(answer.status, 202, "{:?}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_suspensions_and_resumptions_at_once_each_change_has_one_entry() {
    let stack = Stack::start().await;
    stack.registered("tent-1").await;
    let none = json!({});
    let calls = (0..20).map(|n| stack.post(if n % 2 == 0 { SUSPEND } else { RESUME }, &none));
    for answer in futures::future::join_all(calls).await {
        assert!([202, 409].contains(&answer.status), "{:?}", answer.body);
    }
    // Before them came the account that asks and the device.
    let changes = stack.count("SELECT max(number) FROM change").await - 2;
    assert_eq!(stack.count("SELECT count(*) FROM outbox").await, changes);
    let numbers = "SELECT count(DISTINCT change_number) FROM outbox";
    assert_eq!(stack.count(numbers).await, changes);
}
