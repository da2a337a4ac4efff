//! Commands all the way to the broker, which is played by a stub.

use serde_json::{Value, json};

use crate::operations::with_broker;
use crate::support::broker::StubBroker;
use crate::support::{Stack, eventually, registration};

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_device_is_gone_and_a_resumed_one_is_not_banned() {
    let broker = StubBroker::start().await;
    broker.play(|played| played.sessions.insert("tent-1".to_owned()));
    let stack = with_broker(&broker).await;
    stack.registered("tent-1").await;
    let answer = stack
        .post("/api/v1/devices/tent-1/suspend?wait=closed", &json!({}))
        .await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert!(answer.body["timeline"]["closed"]["afterMs"].is_number());
    assert!(broker.play(|played| played.sessions.is_empty()));
    assert!(broker.play(|played| played.banned.contains_key("tent-1")));

    let answer = stack
        .post("/api/v1/devices/tent-1/resume", &json!({}))
        .await;
    assert_eq!(answer.status, 202, "{:?}", answer.body);
    eventually("the ban is lifted", async || {
        broker.play(|played| played.banned.is_empty())
    })
    .await;
    let answer = stack
        .post("/api/v1/devices/tent-1/suspend?wait=now", &json!({}))
        .await;
    answer.is_problem(422, "invalid_request");
    assert_eq!(answer.wrong_fields(), ["wait"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_session_of_an_ended_certificate_is_kicked() {
    let broker = StubBroker::start().await;
    let stack = with_broker(&broker).await;
    let mut body = registration("tent-1");
    let older = stack.register(&body).await.body["fingerprint"].clone();
    body["renew"] = json!(true);
    let newer = stack.register(&body).await.body["fingerprint"].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    broker.play(|played| {
        played.sessions.insert("tent-1".to_owned());
        played
            .fingerprints
            .insert("tent-1".to_owned(), text(&newer));
    });
    let path = |which: &Value, verb: &str| {
        format!("/api/v1/certificates/{}/{verb}?wait=complete", text(which))
    };
    let answer = stack.post(&path(&older, "retire"), &json!({})).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!(
        broker.count("kick tent-1"),
        0,
        "it is connected with the newer one"
    );
    let answer = stack.post(&path(&newer, "revoke"), &json!({})).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert!(broker.play(|played| played.sessions.is_empty()));
    assert!(
        broker.play(|played| played.banned.is_empty()),
        "the device itself stays"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_revocation_is_complete_when_every_session_is() {
    let broker = StubBroker::start().await;
    let ids = ["tent-1", "tent-2", "tent-3"];
    broker.play(|played| played.sessions.extend(ids.map(str::to_owned)));
    let stack = with_broker(&broker).await;
    for id in ids {
        stack.registered(id).await;
    }
    let answer = stack
        .post("/api/v1/revocations", &json!({"model": "GrowTent-2"}))
        .await;
    assert_eq!(answer.status, 202, "{:?}", answer.body);
    let path = format!("/api/v1/revocations/{}", answer.body["revocation"]);
    let mut seen = Value::Null;
    eventually("every session is ended", async || {
        seen = stack.get(&path).await.body;
        seen["state"] == "complete"
    })
    .await;
    let phases = json!({"committed": 0, "fenced": 0, "closed": 0, "complete": 3, "failed": 0});
    assert_eq!(seen["phases"], phases);
    assert_eq!(seen["slowest"], json!([]));
    assert!(broker.play(|played| played.sessions.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_revocation_tells_what_was_given_up() {
    let stack = Stack::start().await;
    for id in ["tent-1", "tent-2"] {
        stack.registered(id).await;
    }
    let answer = stack
        .post("/api/v1/revocations", &json!({"ids": ["tent-1", "tent-2"]}))
        .await;
    let path = format!("/api/v1/revocations/{}", answer.body["revocation"]);
    eventually("both are revoked", async || {
        stack.get(&path).await.body["state"] == "committed"
    })
    .await;
    let operations = stack.get("/api/v1/operations?deviceId=tent-2").await.body;
    let id = operations["operations"][0]["id"].clone();
    let abandon = format!("/api/v1/operations/{id}/abandon");
    assert_eq!(stack.post(&abandon, &json!({})).await.status, 200);
    let seen = stack.get(&path).await.body;
    assert_eq!(seen["phases"]["failed"], 1);
    assert_eq!(
        seen["slowest"][0]["operation"], id,
        "what failed comes first"
    );
    assert_eq!(seen["slowest"][0]["phase"], "failed");
    let done = "UPDATE outbox SET state = 'done', phase = 'complete', done_at = now()
                 WHERE subject = 'tent-1'";
    stack.sql().await.execute(done, &[]).await.unwrap();
    assert_eq!(stack.get(&path).await.body["state"], "failed");
}
