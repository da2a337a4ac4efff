//! Thousands of devices in one call.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::csr::Key;
use crate::support::{Stack, registration};

const BULK: &str = "/api/v1/manufacturing/devices/bulk";

/// Sends lines and reads those of the answer.
async fn send(stack: &Stack, media_type: &str, body: String) -> Vec<Value> {
    let request = stack.request(Method::POST, BULK, &["manufacturer"]);
    let answer = request.header("content-type", media_type).body(body);
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
    let text = answer.text().await.unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_is_answered_by_itself_and_in_order() {
    let stack = Stack::start().await;
    stack.registered("taken").await;
    let mut lines: Vec<String> = (0..150)
        .map(|n| registration(&format!("d-{n}")).to_string())
        .collect();
    lines[3] = registration("taken").to_string();
    lines[5] = registration("d-4").to_string();
    lines[7] = "{".to_owned();
    lines[9] = json!({"deviceId": "d-9", "model": "m", "colour": 1}).to_string();
    lines[11] = format!("{{\"deviceId\":\"{}\"}}", "x".repeat(17_000));
    let mut renewal = registration("d-13");
    renewal["renew"] = json!(true);
    lines[13] = renewal.to_string();
    let answers = send(&stack, "application/x-ndjson", lines.join("\n")).await;
    assert_eq!(answers.len(), 151);
    for (place, code) in [
        (3, "device_exists"),
        (5, "device_exists"),
        (7, "json_malformed"),
        (9, "invalid_request"),
        (11, "body_too_large"),
        (13, "invalid_request"),
    ] {
        assert_eq!(
            answers[place]["problem"]["code"], code,
            "{}",
            answers[place]
        );
        assert_eq!(answers[place]["line"], place + 1);
    }
    let fields = answers[9]["problem"]["errors"].as_array().unwrap();
    assert_eq!(fields.len(), 2, "{fields:?}");
    assert_eq!(
        answers[150]["done"],
        json!({"lines": 150, "registered": 144, "failed": 6})
    );
    assert_eq!(stack.count("SELECT count(*) FROM device").await, 145);
    assert_eq!(stack.count("SELECT count(*) FROM certificate").await, 145);
    let audited = "SELECT count(*) FROM audit_entry WHERE action = 'device.manufacture'";
    assert_eq!(stack.count(audited).await, 145);
    // The label of a line binds its device.
    let label = &answers[0]["device"]["qr"]["payload"];
    assert_eq!(stack.bind("ann", label).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_is_read_with_its_columns_in_any_order() {
    let stack = Stack::start().await;
    let quoted = |id: &str| format!("\"{}\"", Key::new().request(id));
    let body = format!(
        "csr,deviceId,model,qrType\r\n{},d-1,GrowTent,minimal\r\n{},d-2,\"Grow, Tent\",token\r\nx,d-3,m\r\n",
        quoted("d-1"),
        quoted("d-2"),
    );
    let answers = send(&stack, "text/csv", body).await;
    assert_eq!(answers.len(), 4, "{answers:?}");
    assert!(answers[0]["device"]["qr"]["payload"]["fingerprint"].is_string());
    assert!(answers[1]["device"]["qr"]["payload"]["bindingToken"].is_string());
    assert_eq!(answers[2]["problem"]["code"], "invalid_request");
    let answers = send(&stack, "text/csv", "deviceId,colour\nd-1,red\n".to_owned()).await;
    assert_eq!(answers.len(), 2, "{answers:?}");
    assert_eq!(answers[0]["problem"]["code"], "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_share_devices_register_each_once() {
    let stack = Stack::start().await;
    let lines: Vec<String> = (0..100)
        .map(|n| registration(&format!("d-{n}")).to_string())
        .collect();
    let reversed: Vec<String> = lines.iter().rev().cloned().collect();
    let (one, two) = tokio::join!(
        send(&stack, "application/x-ndjson", lines.join("\n")),
        send(&stack, "application/x-ndjson", reversed.join("\n")),
    );
    let registered = |answers: &[Value]| {
        answers.last().unwrap()["done"]["registered"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(registered(&one) + registered(&two), 100);
    assert_eq!(stack.count("SELECT count(*) FROM certificate").await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_ten_thousand_lines_are_not_read() {
    let stack = Stack::start().await;
    let answers = send(&stack, "application/x-ndjson", "{}\n".repeat(10_001)).await;
    assert_eq!(answers.len(), 10_002);
    assert_eq!(answers[10_000]["problem"]["code"], "body_too_large");
    assert_eq!(answers[10_001]["done"]["failed"], 10_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_or_sends_something_else_is_refused_at_once() {
    let stack = Stack::start().await;
    let request = stack.request(Method::POST, BULK, &[]);
    let request = request.header("content-type", "text/csv").body("x");
    crate::support::Answer::of(request)
        .await
        .is_problem(403, "forbidden");
    let request = stack
        .request(Method::POST, BULK, &["manufacturer"])
        .json(&json!({}));
    crate::support::Answer::of(request)
        .await
        .is_problem(415, "media_type_unsupported");
}
