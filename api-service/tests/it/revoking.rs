//! `POST /api/v1/devices/{id}/revoke`.

use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, REGISTER, Stack, registration};

const REVOKE: &str = "/api/v1/devices/tent-1/revoke";

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_and_its_certificates_are_out_for_good() {
    let stack = Stack::start().await;
    let mut body = registration("tent-1");
    assert_eq!(stack.register(&body).await.status, 201);
    let answer = stack
        .post(REVOKE, &json!({"reason": "keyCompromise"}))
        .await;
    assert_eq!(answer.status, 202, "{:?}", answer.body);
    assert_eq!(answer.body["lifecycle"], "revoked");
    assert_eq!(answer.body["changeNumber"], 3);
    assert_eq!(answer.body["operationState"], "pending");

    let device = stack.get("/api/v1/devices/tent-1").await.body;
    assert_eq!(device["lifecycle"], "revoked");
    assert!(device["revokedAt"].is_string());
    assert_eq!(device["certificates"][0]["state"], "revoked");
    assert_eq!(
        device["certificates"][0]["revocationReason"],
        "keyCompromise"
    );

    stack
        .post(REGISTER, &body)
        .await
        .is_problem(409, "device_revoked");
    body["renew"] = json!(true);
    stack
        .post(REGISTER, &body)
        .await
        .is_problem(409, "device_revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn repeating_a_revocation_changes_nothing_and_answers_the_same() {
    let stack = Stack::start().await;
    stack.registered("tent-1").await;
    let first = stack.post(REVOKE, &json!({})).await;
    let before = stack.count("SELECT max(number) FROM change").await;
    let again = stack.post(REVOKE, &json!({"reason": "superseded"})).await;
    for name in ["deviceId", "lifecycle", "changeNumber", "operation"] {
        assert_eq!(first.body[name], again.body[name], "{name}");
    }
    assert_eq!(again.status, 202);
    assert_eq!(stack.count("SELECT max(number) FROM change").await, before);
    assert_eq!(stack.count("SELECT count(*) FROM outbox").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_revocations_at_once_one_counts() {
    let stack = Stack::start().await;
    stack.registered("tent-1").await;
    let none = json!({});
    let answers = futures::future::join_all((0..20).map(|_| stack.post(REVOKE, &none))).await;
    for answer in &answers {
        assert_eq!(answer.status, 202);
        assert_eq!(answer.body["operation"], answers[0].body["operation"]);
    }
    assert_eq!(stack.count("SELECT count(*) FROM outbox").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_body_may_be_left_out_and_is_checked_when_it_is_there() {
    let stack = Stack::start().await;
    stack.registered("tent-1").await;
    let answer = stack
        .post(REVOKE, &json!({"reason": "stolen", "force": true}))
        .await;
    answer.is_problem(422, "invalid_request");
    assert_eq!(answer.wrong_fields(), ["reason", "force"]);
    let answer = Answer::of(stack.request(Method::POST, REVOKE, &["admin"])).await;
    assert_eq!(answer.status, 202, "{:?}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_device_cannot_be_revoked() {
    let stack = Stack::start().await;
    stack
        .post(REVOKE, &json!({}))
        .await
        .is_problem(404, "device_not_found");
    assert_eq!(stack.count("SELECT count(*) FROM outbox").await, 0);
}
