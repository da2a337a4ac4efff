//! Devices, one and many.

use serde_json::Value;

use crate::support::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_shown_with_its_certificates_and_without_their_bytes() {
    let stack = Stack::start().await;
    let made = stack.registered("tent-1").await;
    let answer = stack.get("/api/v1/devices/tent-1").await;
    assert_eq!(answer.status, 200);
    let device = &answer.body;
    assert_eq!(device["deviceId"], "tent-1");
    assert_eq!(device["lifecycle"], "unbound");
    assert_eq!(device["suspended"], false);
    assert_eq!(device["firmwareVersion"], "1.4.2");
    assert_eq!(device["revokedAt"], Value::Null);
    let certificate = &device["certificates"][0];
    for name in ["fingerprint", "serial", "notBefore", "notAfter"] {
        assert_eq!(certificate[name], made[name], "{name}");
    }
    assert!(!answer.body.to_string().contains("BEGIN"));
    stack
        .get("/api/v1/devices/tent-2")
        .await
        .is_problem(404, "device_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_every_device_once_and_in_order() {
    let stack = Stack::start().await;
    for n in [3, 1, 5, 2, 4] {
        stack.registered(&format!("tent-{n}")).await;
    }
    let mut seen = Vec::new();
    let mut path = "/api/v1/devices?limit=2".to_owned();
    loop {
        let page = stack.get(&path).await.body;
        let devices = page["devices"].as_array().unwrap();
        assert!(devices.len() <= 2);
        seen.extend(
            devices
                .iter()
                .map(|device| device["deviceId"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["nextCursor"].as_str() else {
            break;
        };
        path = format!("/api/v1/devices?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ["tent-1", "tent-2", "tent-3", "tent-4", "tent-5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_and_unknown_parameters_of_a_list_are_all_told() {
    let stack = Stack::start().await;
    let answer = stack.get("/api/v1/devices?limit=0&cursor=x&offset=3").await;
    answer.is_problem(422, "invalid_request");
    assert_eq!(answer.wrong_fields(), ["limit", "cursor", "offset"]);
}
