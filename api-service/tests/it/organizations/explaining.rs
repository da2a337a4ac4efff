//! Why somebody may do something, told by the rule that decides it.

use serde_json::{Value, json};

use super::people::{admin, person};
use crate::support::Stack;

const EXPLAIN: &str = "/api/v1/access/explain";

#[tokio::test(flavor = "multi_thread")]
async fn the_fact_that_decides_is_named_and_others_beside_it() {
    let stack = Stack::start().await;
    let [ann, gus, eve] = ["ann", "gus", "eve"].map(|who| person(&stack, who));
    let acme = ann.founds("Acme").await;
    let hall = ann.groups(&acme, "Hall", None).await;
    let row = ann.groups(&acme, "Row", Some(&hall)).await;
    ann.lets_in(&acme, &gus, "viewer").await;
    let gus_id = gus.id().await;
    let path = format!("/api/v1/groups/{hall}/members/{gus_id}");
    assert_eq!(ann.put(&path, json!({"role": "member"})).await.status, 200);
    stack.registered("tent-1").await;
    let sql = format!(
        "UPDATE device SET organization_id = '{acme}', group_id = '{row}', lifecycle = 'bound', \
         bound_at = now()"
    );
    stack.sql().await.execute(&sql, &[]).await.unwrap();

    let told = gus
        .post(EXPLAIN, json!({"deviceId": "tent-1", "level": "control"}))
        .await
        .body;
    assert_eq!(told["allowed"], true);
    let because = json!({"kind": "group", "groupId": hall, "role": "member", "level": "control"});
    assert_eq!(told["because"], because);
    assert_eq!(told["facts"].as_array().unwrap().len(), 2);
    let told = gus
        .post(EXPLAIN, json!({"deviceId": "tent-1", "level": "manage"}))
        .await;
    assert_eq!(
        (&told.body["allowed"], &told.body["has"]),
        (&json!(false), &json!("control"))
    );

    // Others are explained to those who manage the device alone.
    let of_gus = json!({"deviceId": "tent-1", "accountId": gus_id});
    assert_eq!(
        ann.post(EXPLAIN, of_gus.clone()).await.body["allowed"],
        true
    );
    let of_ann = json!({"deviceId": "tent-1", "accountId": ann.id().await});
    gus.post(EXPLAIN, of_ann).await.is_problem(403, "forbidden");
    eve.post(EXPLAIN, of_gus)
        .await
        .is_problem(404, "device_not_found");

    let topic = |topic: &str, action: &str| json!({"topic": topic, "action": action});
    for (body, allowed, rule) in [
        (topic("tent-1/telemetry", "subscribe"), true, false),
        (topic("tent-1/telemetry", "publish"), false, true),
        (topic("tent-1/#", "subscribe"), false, true),
        (topic("tent-1/rpc/request", "subscribe"), false, true),
    ] {
        let told = gus.post(EXPLAIN, body.clone()).await.body;
        assert_eq!(told["allowed"], allowed, "{body}");
        assert_eq!(told["rule"] != Value::Null, rule, "{body}");
    }

    // A stranger gets the same answer for a device that is there and for one that is not.
    let there = eve.post(EXPLAIN, json!({"deviceId": "tent-1"})).await;
    let nowhere = eve.post(EXPLAIN, json!({"deviceId": "tent-2"})).await;
    assert_eq!((there.status, there.body), (nowhere.status, nowhere.body));
    let admin = admin(&stack);
    let told = admin.post(EXPLAIN, json!({"deviceId": "tent-1", "level": "own"}));
    assert_eq!(told.await.body["because"]["kind"], "platformAdmin");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_thing_is_asked_at_a_time() {
    let stack = Stack::start().await;
    let ann = person(&stack, "ann");
    for (body, fields) in [
        (json!({}), &["deviceId"][..]),
        (
            json!({"deviceId": "a-1", "topic": "a-1/status"}),
            &["topic"],
        ),
        (json!({"deviceId": "a-1", "action": "publish"}), &["action"]),
        (json!({"topic": "a-1/status", "level": "see"}), &["level"]),
        (
            json!({"deviceId": "a/1", "level": "all"}),
            &["deviceId", "level"],
        ),
    ] {
        let answer = ann.post(EXPLAIN, body.clone()).await;
        answer.is_problem(422, "invalid_request");
        assert_eq!(answer.wrong_fields(), fields, "{body}");
    }
}
