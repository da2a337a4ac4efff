//! What ends a session and in which order: fence, ban, look, repeated kick, complete.

use reqwest::Method;
use serde_json::{Value, json};

use crate::operations::{revoked, until, with_broker};
use crate::support::broker::StubBroker;
use crate::support::{Answer, Stack, eventually};

const REVOKE: &str = "/api/v1/devices/tent-1/revoke";

/// A replica of the hooks that has applied nothing, alive for five minutes.
const LAGGING: &str = "INSERT INTO hook_lease (process_uuid, replica_name, applied, length_ms)
                       VALUES (gen_random_uuid(), 'slow', 0, 300000)";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_reaches_the_broker_before_every_replica_has_applied_the_change() {
    let broker = StubBroker::start().await;
    let stack = with_broker(&broker).await;
    stack.registered("tent-1").await;
    let sql = stack.sql().await;
    sql.batch_execute(LAGGING).await.unwrap();

    // The longest wait of a request passes, and the lagging replica holds everything back.
    let answer = stack
        .post(&format!("{REVOKE}?wait=closed"), &json!({}))
        .await;
    assert_eq!(answer.status, 202, "{:?}", answer.body);
    assert_eq!(answer.body["operationState"], "pending");
    let timeline = &answer.body["timeline"];
    assert!(timeline["committedAt"].is_string());
    assert!(timeline["fenced"].is_null() && timeline["closed"].is_null());

    broker.play(|played| played.calls.push("the replica follows".to_owned()));
    sql.execute(
        "UPDATE hook_lease SET applied = $1, renewals = renewals + 1",
        &[&answer.body["changeNumber"].as_i64().unwrap()],
    )
    .await
    .unwrap();
    let operation = format!("/api/v1/operations/{}", answer.body["operation"]);
    let done = until(&stack, &operation, |view| view["state"] == "done").await;
    assert_eq!(broker.calls()[0], "the replica follows");
    let replicas = &done["timeline"]["fenced"]["replicas"];
    assert_eq!(replicas[0]["name"], "slow");
    assert_eq!(replicas[0]["how"], "applied");
}

/// Waits until the fence has looked at the leases for somebody who waits. It looks every second
/// without, and far oftener with one: so until two looks begin soon after each other.
async fn the_fence_has_looked(stack: &Stack) {
    let newest = "SELECT coalesce(max(extract(epoch FROM query_start)), 0)::float8
                    FROM pg_stat_activity
                   WHERE datname = current_database()
                     AND query LIKE '%-- store::lease::look%'
                     AND pid <> pg_backend_pid()";
    let sql = stack.sql().await;
    let mut before = 0.0;
    eventually("the fence looks for somebody", async || {
        let begun: f64 = sql.query_one(newest, &[]).await.unwrap().get(0);
        let is_soon = begun > before && begun - before < 0.5;
        before = begun;
        is_soon
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_declared_dead_is_not_waited_for() {
    let broker = StubBroker::start().await;
    let stack = with_broker(&broker).await;
    stack.sql().await.batch_execute(LAGGING).await.unwrap();
    let operation = revoked(&stack).await;
    the_fence_has_looked(&stack).await;
    stack
        .sql()
        .await
        .batch_execute("DELETE FROM hook_lease")
        .await
        .unwrap();
    let done = until(&stack, &operation, |view| view["state"] == "done").await;
    assert_eq!(done["timeline"]["fenced"]["replicas"][0]["how"], "gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoke_can_be_waited_for_and_tells_its_times() {
    let broker = StubBroker::start().await;
    broker.play(|played| played.sessions.insert("tent-1".to_owned()));
    let stack = with_broker(&broker).await;
    stack.registered("tent-1").await;
    let closed = stack
        .post(&format!("{REVOKE}?wait=closed"), &json!({}))
        .await;
    assert_eq!(closed.status, 200, "{:?}", closed.body);
    assert!(broker.play(|played| played.sessions.is_empty()));
    let complete = stack
        .post(&format!("{REVOKE}?wait=complete"), &json!({}))
        .await;
    assert_eq!(complete.status, 200, "{:?}", complete.body);
    assert_eq!(complete.body["operation"], closed.body["operation"]);
    assert_eq!(complete.body["durability"], "local");
    let timeline = &complete.body["timeline"];
    let after = |step: &str| timeline[step]["afterMs"].as_u64().unwrap();
    assert!(after("fenced") <= after("kicked"), "{timeline}");
    assert!(after("kicked") <= after("closed"), "{timeline}");
    assert!(after("closed") <= after("complete"), "{timeline}");
    assert_eq!(
        complete.body["clusters"],
        json!([{"name": "default", "state": "complete"}])
    );
    let wrong = stack.post(&format!("{REVOKE}?wait=soon"), &json!({})).await;
    wrong.is_problem(422, "invalid_request");
    assert_eq!(wrong.wrong_fields(), ["wait"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_registers_after_the_look_is_ended_by_the_repeated_kick() {
    let broker = StubBroker::start().await;
    broker.play(|played| played.late.insert("tent-1".to_owned()));
    let stack = with_broker(&broker).await;
    let operation = revoked(&stack).await;
    let done = until(&stack, &operation, |view| view["state"] == "done").await;
    assert!(broker.play(|played| played.sessions.is_empty()));
    assert!(broker.count("kick tent-1") >= 2, "{:?}", broker.calls());
    assert!(done["timeline"]["complete"].is_object());
    let metrics = stack.metrics().await;
    assert!(metrics.contains("api_late_sessions_total 1"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_remembers_of_the_hooks_is_forgotten_first() {
    let broker = StubBroker::start().await;
    broker.play(|played| played.version = "6.2.0");
    let stack = with_broker(&broker).await;
    let operation = revoked(&stack).await;
    until(&stack, &operation, |view| view["state"] == "done").await;
    let calls = broker.calls();
    assert_eq!(calls[..4], ["nodes", "reset", "reset", "ban tent-1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_answer_its_cluster_keeps_a_revoke_from_being_complete() {
    let broker = StubBroker::start().await;
    broker.play(|played| played.is_node_down = true);
    let stack = with_broker(&broker).await;
    let operation = revoked(&stack).await;
    let waiting = until(&stack, &operation, |view| view["lastError"].is_string()).await;
    assert_eq!(waiting["state"], "pending");
    assert!(waiting["timeline"]["closed"].is_object());
    assert!(waiting["timeline"]["complete"].is_null());
    let reason = waiting["lastError"].as_str().unwrap();
    assert!(
        reason.contains("b@1") && reason.contains("force-leave"),
        "{reason}"
    );
    broker.play(|played| played.is_node_down = false);
    until(&stack, &operation, |view| view["state"] == "done").await;
}

async fn suspend(stack: &Stack, suspended: bool, kind: &str) -> String {
    let mut sql = stack.sql().await;
    let tx = sql.transaction().await.unwrap();
    tx.execute("UPDATE device SET suspended = $1", &[&suspended])
        .await
        .unwrap();
    let insert = "INSERT INTO outbox (kind, subject) VALUES ($1, 'tent-1') RETURNING id";
    let id: i64 = tx.query_one(insert, &[&kind]).await.unwrap().get(0);
    tx.commit().await.unwrap();
    format!("/api/v1/operations/{id}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_that_comes_late_does_not_outlive_a_resume() {
    let broker = StubBroker::start().await;
    broker.play(|played| played.hold = Some("ban"));
    let stack = with_broker(&broker).await;
    stack.registered("tent-1").await;
    let suspended = suspend(&stack, true, "end_device_sessions").await;
    eventually("the ban is on its way", async || broker.was_called("ban")).await;

    let resumed = suspend(&stack, false, "lift_device_ban").await;
    broker.play(|played| played.hold = None);
    let done = until(&stack, &resumed, |view| view["state"] == "done").await;
    assert!(broker.play(|played| played.banned.is_empty()));
    assert!(broker.was_called("lift"));
    let old = stack.get(&suspended).await.body;
    assert_eq!(old["state"], "superseded");
    assert_eq!(old["supersededBy"], done["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_of_somebody_else_is_not_lifted() {
    let broker = StubBroker::start().await;
    let theirs = json!({"as": "clientid", "who": "tent-1", "by": "somebody"});
    broker.play(|played| played.banned.insert("tent-1".to_owned(), theirs));
    let stack = with_broker(&broker).await;
    stack.registered("tent-1").await;
    let resumed = suspend(&stack, false, "lift_device_ban").await;
    until(&stack, &resumed, |view| view["state"] == "done").await;
    assert_eq!(broker.play(|played| played.banned.len()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_without_a_filter_for_bans_is_asked_for_all() {
    let broker = StubBroker::start().await;
    broker.play(|played| {
        played.version = "5.3.2";
        let ours = json!({"as": "clientid", "who": "tent-1", "by": "iot-hub"});
        played.banned.insert("tent-1".to_owned(), ours);
    });
    let stack = with_broker(&broker).await;
    stack.registered("tent-1").await;
    let resumed = suspend(&stack, false, "lift_device_ban").await;
    until(&stack, &resumed, |view| view["state"] == "done").await;
    assert!(broker.play(|played| played.banned.is_empty()));
    assert!(
        broker.calls().contains(&"bans".to_owned()),
        "{:?}",
        broker.calls()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_mass_every_session_is_kicked_in_bulk_twice_and_nobody_is_banned() {
    let broker = StubBroker::start().await;
    let stack = with_broker(&broker).await;
    for id in ["tent-1", "tent-2", "tent-3"] {
        stack.registered(id).await;
        broker.play(|played| played.sessions.insert(id.to_owned()));
    }
    stack
        .sql()
        .await
        .batch_execute(
            "BEGIN;
             UPDATE device SET lifecycle = 'revoked', revoked_at = now();
             INSERT INTO outbox (kind, subject, mass)
             SELECT 'end_device_sessions', device_id, true FROM device;
             COMMIT",
        )
        .await
        .unwrap();
    eventually("all are done", async || {
        stack
            .count("SELECT count(*) FROM outbox WHERE state = 'done' AND phase = 'complete'")
            .await
            == 3
    })
    .await;
    assert!(broker.play(|played| played.sessions.is_empty() && played.bans.is_empty()));
    for id in ["tent-1", "tent-2", "tent-3"] {
        let bulk = broker
            .calls()
            .iter()
            .filter(|c| c.starts_with("bulk") && c.contains(id))
            .count();
        assert_eq!(bulk, 2, "{:?}", broker.calls());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_certificate_ends_only_the_session_that_it_opened() {
    let broker = StubBroker::start().await;
    let stack = with_broker(&broker).await;
    let mut fingerprints = Vec::new();
    for id in ["tent-1", "tent-2"] {
        let made = stack.registered(id).await;
        let device = stack.get(&format!("/api/v1/devices/{id}")).await.body;
        assert_eq!(made["deviceId"], id);
        let shown = device["certificates"][0]["fingerprint"]
            .as_str()
            .unwrap()
            .to_owned();
        fingerprints.push(shown.replace(':', "").to_ascii_lowercase());
        broker.play(|played| {
            played.sessions.insert(id.to_owned());
            // The second device has been renewed: its session is another certificate's.
            let used = if id == "tent-1" {
                shown.clone()
            } else {
                "AB:CD".to_owned()
            };
            played.fingerprints.insert(id.to_owned(), used);
        });
    }
    let mut sql = stack.sql().await;
    let tx = sql.transaction().await.unwrap();
    tx.execute(
        "UPDATE certificate SET state = 'revoked', ended_at = now()",
        &[],
    )
    .await
    .unwrap();
    let mut operations = Vec::new();
    for (id, fingerprint) in ["tent-1", "tent-2"].iter().zip(&fingerprints) {
        let insert = "INSERT INTO outbox (kind, subject, payload)
                      VALUES ('end_certificate_session', $1, $2) RETURNING id";
        let payload: Value = json!({ "fingerprint": fingerprint });
        let id: i64 = tx.query_one(insert, &[id, &payload]).await.unwrap().get(0);
        operations.push(format!("/api/v1/operations/{id}"));
    }
    tx.commit().await.unwrap();
    for operation in &operations {
        until(&stack, operation, |view| view["state"] == "done").await;
    }
    let left = broker.play(|played| played.sessions.iter().cloned().collect::<Vec<_>>());
    assert_eq!(left, ["tent-2"]);
    assert!(!broker.was_called("ban") && !broker.was_called("publish"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_services_share_the_work_and_never_do_an_entry_twice() {
    let broker = StubBroker::start().await;
    let settings = broker.settings();
    let settings: Vec<(&str, &str)> = settings.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let one = Stack::start_with(&settings).await;
    let url = one.database.as_ref().unwrap().api_url();
    let two = Stack::start_at(&url, &settings).await;
    two.until_ready().await;
    let ids: Vec<String> = (0..40).map(|n| format!("tent-{n}")).collect();
    for id in &ids {
        one.registered(id).await;
    }
    let none = json!({});
    let revokes = ids.iter().enumerate().map(|(n, id)| {
        let stack = if n % 2 == 0 { &one } else { &two };
        let path = format!("/api/v1/devices/{id}/revoke?wait=complete");
        let request = stack.request(Method::POST, &path, &["admin"]).json(&none);
        async move { Answer::of(request).await.status }
    });
    let answers = futures::future::join_all(revokes).await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    for id in &ids {
        assert_eq!(broker.count(&format!("ban {id}")), 1, "{id}");
    }
    let twice = "SELECT count(*) FROM outbox WHERE attempts <> 1";
    assert_eq!(one.count(twice).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_stops_hands_its_entries_to_another_at_once() {
    let broker = StubBroker::start().await;
    broker.play(|played| played.hold = Some("ban"));
    let settings = broker.settings();
    let settings: Vec<(&str, &str)> = settings.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let one = Stack::start_with(&settings).await;
    let operation = revoked(&one).await;
    eventually("the ban is on its way", async || broker.was_called("ban")).await;
    one.shutdown.soft.cancel();
    let held = "SELECT count(*) FROM outbox WHERE claimed_by IS NOT NULL";
    eventually("the claim is given back", async || {
        one.count(held).await == 0
    })
    .await;
    broker.play(|played| played.hold = None);
    let url = one.database.as_ref().unwrap().api_url();
    let two = Stack::start_at(&url, &settings).await;
    until(&two, &operation, |view| view["state"] == "done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_are_forgotten_thirty_days_after_their_end() {
    let database = schema::testing::MigratedDatabase::create().await.unwrap();
    let (admin, connection) = tokio_postgres::connect(&database.url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let insert = "INSERT INTO outbox (kind, subject, state, done_at)
                  SELECT 'end_device_sessions', 'a', 'done', now() - make_interval(days => days)
                    FROM unnest(ARRAY[29, 31]) AS days";
    admin.batch_execute(insert).await.unwrap();
    let _stack = Stack::start_at(&database.api_url(), &[]).await;
    eventually("the old one is gone", async || {
        let count = "SELECT count(*) FROM outbox";
        admin.query_one(count, &[]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await;
}
