//! A revoke on several clusters of the broker: each has its own progress, and all count.

use serde_json::{Value, json};

use crate::operations::{revoked, until};
use crate::support::Stack;
use crate::support::broker::{KEY, StubBroker};

async fn with_two(one: &StubBroker, two: &StubBroker) -> Stack {
    let clusters = format!("eu=http://{},us=http://{}", one.address, two.address);
    let settings = [
        ("API_BROKERS", clusters.as_str()),
        ("API_BROKER_EU_KEY", KEY),
        ("API_BROKER_US_KEY", KEY),
    ];
    Stack::start_with(&settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn with_one_of_two_down_a_revoke_is_neither_closed_nor_complete_until_it_is_back() {
    let (eu, us) = (StubBroker::start().await, StubBroker::start().await);
    for broker in [&eu, &us] {
        broker.play(|played| played.sessions.insert("tent-1".to_owned()));
    }
    us.play(|played| played.refuse_all = Some(503));
    let stack = with_two(&eu, &us).await;
    let operation = revoked(&stack).await;
    let complete = |view: &Value| view["clusters"][0]["state"] == "complete";
    let waiting = until(&stack, &operation, complete).await;
    assert_eq!(waiting["state"], "pending");
    let timeline = &waiting["timeline"];
    assert!(
        timeline["fenced"].is_object() && timeline["closed"].is_null(),
        "{timeline}"
    );
    assert!(timeline["complete"].is_null(), "{timeline}");
    assert_eq!(waiting["clusters"][1]["name"], "us");
    assert_eq!(waiting["clusters"][1]["state"], "waiting");
    let error = waiting["clusters"][1]["error"].as_str().unwrap();
    assert!(error.contains("503"), "{error}");
    assert!(
        waiting["lastError"].as_str().unwrap().starts_with("us: "),
        "{waiting}"
    );

    us.play(|played| played.refuse_all = None);
    let done = until(&stack, &operation, |view| view["state"] == "done").await;
    let all = json!([{"name": "eu", "state": "complete"}, {"name": "us", "state": "complete"}]);
    assert_eq!(done["clusters"], all);
    assert!(us.play(|played| played.sessions.is_empty()));
    // The first was not troubled again: it had been complete.
    assert_eq!(eu.count("ban tent-1"), 1, "{:?}", eu.calls());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_hangs_keeps_no_kick_of_another_waiting() {
    let (eu, us) = (StubBroker::start().await, StubBroker::start().await);
    // The session that was being let in when the ban came: only a repeated kick finds it.
    eu.play(|played| played.late.insert("tent-1".to_owned()));
    us.play(|played| played.hold = Some("ban"));
    let stack = with_two(&eu, &us).await;
    let operation = revoked(&stack).await;
    let complete = |view: &Value| view["clusters"][0]["state"] == "complete";
    let waiting = until(&stack, &operation, complete).await;
    assert_eq!(waiting["clusters"][1]["state"], "waiting", "{waiting}");
    assert_eq!(waiting["clusters"][1]["error"], Value::Null, "{waiting}");
    assert!(waiting["timeline"]["closed"].is_null(), "{waiting}");
    assert!(eu.count("kick tent-1") >= 2, "{:?}", eu.calls());
    assert!(eu.play(|played| played.sessions.is_empty()));

    us.play(|played| played.hold = None);
    let done = until(&stack, &operation, |view| view["state"] == "done").await;
    assert!(done["timeline"]["closed"].is_object(), "{done}");
    assert_eq!(eu.count("ban tent-1"), 1, "{:?}", eu.calls());
}
