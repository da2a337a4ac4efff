//! A device whose certificate ran out enrols once more.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::csr::Key;
use crate::support::{Answer, Stack};

const APPROVE: &str = "/api/v1/devices/tent-1/recovery";

async fn enrol(stack: &Stack, id: &str, key: &Key) -> Answer {
    let path = format!("/api/v1/devices/{id}/recovery/enrol");
    let body = json!({"csr": key.request(id)});
    Answer::of(stack.http.post(stack.url(&path)).json(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_device_with_its_own_key_enrols_once() {
    let stack = Stack::start().await;
    let key = Key::new();
    let body = json!({"deviceId": "tent-1", "model": "m", "csr": key.request("tent-1")});
    assert_eq!(stack.register(&body).await.status, 201);
    enrol(&stack, "tent-1", &key)
        .await
        .is_problem(404, "recovery_not_found");
    let stranger = stack.ask("eve", Method::POST, APPROVE, &Value::Null).await;
    stranger.is_problem(404, "device_not_found");
    let request = stack.request(Method::POST, APPROVE, &["manufacturer"]);
    assert_eq!(Answer::of(request).await.status, 201);
    for (id, key) in [("tent-1", &Key::new()), ("tent-2", &key)] {
        enrol(&stack, id, key)
            .await
            .is_problem(404, "recovery_not_found");
    }
    let made = enrol(&stack, "tent-1", &key).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    enrol(&stack, "tent-1", &key)
        .await
        .is_problem(404, "recovery_not_found");
    let device = stack.get("/api/v1/devices/tent-1").await;
    assert_eq!(
        device.body["certificates"][0]["fingerprint"],
        made.body["fingerprint"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_approval_and_a_revoked_device_enrol_nothing() {
    let stack = Stack::start().await;
    let key = Key::new();
    let body = json!({"deviceId": "tent-1", "model": "m", "csr": key.request("tent-1")});
    stack.register(&body).await;
    assert_eq!(stack.post(APPROVE, &json!({"hours": 1})).await.status, 201);
    let withdraw = stack.request(Method::DELETE, APPROVE, &["admin"]);
    assert_eq!(Answer::of(withdraw).await.status, 204);
    enrol(&stack, "tent-1", &key)
        .await
        .is_problem(404, "recovery_not_found");
    assert_eq!(stack.post(APPROVE, &json!({})).await.status, 201);
    stack
        .post("/api/v1/devices/tent-1/revoke", &json!({}))
        .await;
    enrol(&stack, "tent-1", &key)
        .await
        .is_problem(404, "recovery_not_found");
    stack
        .post(APPROVE, &json!({}))
        .await
        .is_problem(409, "device_revoked");
    stack
        .post(APPROVE, &json!({"hours": 169}))
        .await
        .is_problem(422, "invalid_request");
}
