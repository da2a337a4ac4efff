//! The outbox: what reaches the broker, and when it does not.

use serde_json::{Value, json};

use crate::support::broker::StubBroker;
use crate::support::{Stack, eventually, nobody};

const REVOKE: &str = "/api/v1/devices/tent-1/revoke";

pub async fn with_broker(broker: &StubBroker) -> Stack {
    let settings = broker.settings();
    let settings: Vec<(&str, &str)> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    Stack::start_with(&settings).await
}

pub async fn revoked(stack: &Stack) -> String {
    stack.registered("tent-1").await;
    let answer = stack.post(REVOKE, &json!({})).await;
    assert_eq!(answer.status, 202, "{:?}", answer.body);
    format!("/api/v1/operations/{}", answer.body["operation"])
}

pub async fn until(stack: &Stack, operation: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    eventually("the operation stands as expected", async || {
        last = stack.get(operation).await.body;
        holds(&last)
    })
    .await;
    last
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_is_banned_then_kicked_until_it_is_gone() {
    let broker = StubBroker::start().await;
    broker.play(|played| {
        played.sessions.insert("tent-1".to_owned());
        played.deaf_kicks = 3;
    });
    let stack = with_broker(&broker).await;
    let operation = revoked(&stack).await;
    let done = until(&stack, &operation, |view| view["state"] == "done").await;
    assert_eq!(done["kind"], "end_device_sessions");
    assert_eq!(done["deviceId"], "tent-1");
    assert_eq!(done["attempts"], 1);
    assert_eq!(done["lastError"], Value::Null);

    let calls = broker.calls();
    assert_eq!(calls[..3], ["nodes", "ban tent-1", "look tent-1"]);
    let kicks = calls.iter().filter(|call| *call == "kick tent-1").count();
    assert!(kicks >= 4, "{calls:?}");
    assert_eq!(calls.last().unwrap(), "publish tent-1/status");
    let published = broker.play(|played| played.published.clone());
    assert_eq!(
        published,
        [json!({"topic": "tent-1/status", "payload": "", "qos": 1, "retain": true})]
    );
    let ban = broker.play(|played| played.bans[0].clone());
    assert_eq!(ban["as"], "clientid");
    let reason = ban["reason"].as_str().unwrap();
    assert!(
        reason.contains(&format!("change {}", done["changeNumber"])),
        "{reason}"
    );
    let minutes =
        (ban["until"].as_i64().unwrap() - time::OffsetDateTime::now_utc().unix_timestamp()) / 60;
    assert!((3..=5).contains(&minutes), "{minutes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_not_connected_is_as_good_as_gone() {
    let broker = StubBroker::start().await;
    let stack = with_broker(&broker).await;
    let operation = revoked(&stack).await;
    until(&stack, &operation, |view| view["state"] == "done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_that_stands_already_is_left_and_the_kick_follows() {
    let broker = StubBroker::start().await;
    broker.play(|played| {
        let ban = json!({"as": "clientid", "who": "tent-1", "by": "somebody"});
        played.banned.insert("tent-1".to_owned(), ban);
        played.sessions.insert("tent-1".to_owned());
    });
    let stack = with_broker(&broker).await;
    let operation = revoked(&stack).await;
    until(&stack, &operation, |view| view["state"] == "done").await;
    assert!(broker.play(|played| played.sessions.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_in_trouble_is_tried_again_until_it_answers() {
    let broker = StubBroker::start().await;
    broker.play(|played| played.refuse_all = Some(503));
    let stack = with_broker(&broker).await;
    let operation = revoked(&stack).await;
    let tried = until(&stack, &operation, |view| {
        view["attempts"].as_i64() >= Some(2) && view["lastError"].is_string()
    })
    .await;
    assert_eq!(tried["state"], "pending");
    assert!(
        tried["lastError"].as_str().unwrap().contains("503"),
        "{tried}"
    );
    let metrics = stack.metrics().await;
    assert!(metrics.contains("api_outbox_pending 1"), "{metrics}");
    broker.play(|played| played.refuse_all = None);
    until(&stack, &operation, |view| view["state"] == "done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_named_with_its_mend() {
    let broker = StubBroker::start().await;
    let url = format!("http://{}", broker.address);
    let settings = [
        ("API_BROKER_URL", url.as_str()),
        ("API_BROKER_KEY", "iot-hub:wrong"),
    ];
    let stack = Stack::start_with(&settings).await;
    let operation = revoked(&stack).await;
    let tried = until(&stack, &operation, |view| view["lastError"].is_string()).await;
    let reason = tried["lastError"].as_str().unwrap();
    assert!(
        reason.contains("API_BROKER_KEY") && !reason.contains("wrong"),
        "{reason}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_is_named() {
    let url = format!("http://{}", nobody().await);
    let settings = [
        ("API_BROKER_URL", url.as_str()),
        ("API_BROKER_KEY", "iot-hub:geheim"),
    ];
    let stack = Stack::start_with(&settings).await;
    let operation = revoked(&stack).await;
    let tried = until(&stack, &operation, |view| view["lastError"].is_string()).await;
    let reason = tried["lastError"].as_str().unwrap();
    assert!(
        reason.contains("does not answer") && !reason.contains("geheim"),
        "{reason}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_the_entry_says_so_and_waits() {
    let stack = Stack::start().await;
    let operation = revoked(&stack).await;
    let waiting = until(&stack, &operation, |view| view["lastError"].is_string()).await;
    assert_eq!(waiting["state"], "pending");
    assert_eq!(waiting["clusters"], json!([]));
    let timeline = &waiting["timeline"];
    assert!(
        timeline["fenced"].is_object() && timeline["closed"].is_null(),
        "{timeline}"
    );
    let reason = waiting["lastError"].as_str().unwrap();
    assert!(reason.contains("no session was ended") && reason.contains("API_BROKER_URL"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_left_is_carried_out_after_its_claim_ran_out() {
    let broker = StubBroker::start().await;
    broker.play(|played| played.refuse_all = Some(503));
    let stack = with_broker(&broker).await;
    let operation = revoked(&stack).await;
    until(&stack, &operation, |view| {
        view["attempts"].as_i64() >= Some(1)
    })
    .await;
    // As if a worker had died just after claiming: due in the past, attempts counted.
    let sql = "UPDATE outbox SET claimed_by = gen_random_uuid(),
                      next_attempt_at = now() - interval '1 second'";
    broker.play(|played| played.refuse_all = None);
    stack.sql().await.execute(sql, &[]).await.unwrap();
    until(&stack, &operation, |view| view["state"] == "done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_for_a_device_in_another_state_does_nothing() {
    let broker = StubBroker::start().await;
    let stack = with_broker(&broker).await;
    stack.registered("tent-1").await;
    let sql =
        "INSERT INTO outbox (kind, subject) VALUES ('end_device_sessions', 'tent-1') RETURNING id";
    let id: i64 = stack.sql().await.query_one(sql, &[]).await.unwrap().get(0);
    let operation = format!("/api/v1/operations/{id}");
    until(&stack, &operation, |view| view["state"] == "superseded").await;
    assert!(broker.calls().is_empty(), "{:?}", broker.calls());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_of_a_newer_version_is_left_to_it() {
    let broker = StubBroker::start().await;
    let stack = with_broker(&broker).await;
    let sql =
        "INSERT INTO outbox (kind, subject) VALUES ('something_newer', 'tent-9') RETURNING id";
    let id: i64 = stack.sql().await.query_one(sql, &[]).await.unwrap().get(0);
    let operation = revoked(&stack).await;
    until(&stack, &operation, |view| view["state"] == "done").await;
    let newer = stack.get(&format!("/api/v1/operations/{id}")).await.body;
    assert_eq!(
        (&newer["state"], &newer["attempts"]),
        (&json!("pending"), &json!(0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_can_never_be_carried_out_is_given_up_and_stays_visible() {
    let broker = StubBroker::start().await;
    let stack = with_broker(&broker).await;
    let sql =
        "INSERT INTO outbox (kind, subject) VALUES ('end_device_sessions', 'no.id') RETURNING id";
    let id: i64 = stack.sql().await.query_one(sql, &[]).await.unwrap().get(0);
    let operation = format!("/api/v1/operations/{id}");
    let dead = until(&stack, &operation, |view| view["state"] == "dead").await;
    assert!(
        dead["lastError"].as_str().unwrap().contains("device's id"),
        "{dead}"
    );
    eventually("it is counted", async || {
        stack.metrics().await.contains("api_outbox_dead 1")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn later_entries_of_a_device_wait_for_the_earlier_ones() {
    let broker = StubBroker::start().await;
    let stack = with_broker(&broker).await;
    let sql = stack.sql().await;
    // The earlier one is not due for an hour.
    let insert = "INSERT INTO outbox (kind, subject, next_attempt_at)
                  VALUES ('end_device_sessions', 'tent-1', now() + $1::float8 * interval '1 hour')
                  RETURNING id";
    let ids = [1.0_f64, 0.0].map(|hours| (hours, insert));
    let mut made = Vec::new();
    for (hours, insert) in ids {
        let id: i64 = sql.query_one(insert, &[&hours]).await.unwrap().get(0);
        made.push(format!("/api/v1/operations/{id}"));
    }
    // Another device is carried out meanwhile, so the worker did look.
    stack.registered("tent-2").await;
    let other = stack
        .post("/api/v1/devices/tent-2/revoke", &json!({}))
        .await;
    let other = format!("/api/v1/operations/{}", other.body["operation"]);
    until(&stack, &other, |view| view["state"] == "done").await;
    assert_eq!(stack.get(&made[1]).await.body["attempts"], 0);
    sql.execute("UPDATE outbox SET next_attempt_at = now()", &[])
        .await
        .unwrap();
    until(&stack, &made[1], |view| view["state"] == "superseded").await;
    assert_eq!(stack.get(&made[0]).await.body["state"], "superseded");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_operation_is_told() {
    let stack = Stack::start().await;
    stack
        .get("/api/v1/operations/4711")
        .await
        .is_problem(404, "operation_not_found");
}
