//! The outbox's `end_account_sessions`: every session of an account that lost something ends.

use serde_json::json;

use crate::operations::{until, with_broker};
use crate::support::Stack;
use crate::support::broker::StubBroker;

const ANN: &str = "0190a111-0000-7000-8000-000000000001";
const BEN: &str = "0190a111-0000-7000-8000-000000000002";

/// Writes what a command that takes something from an account writes. Gives the operation's path.
async fn lost_something(stack: &Stack, subject: &str) -> String {
    let sql = "INSERT INTO outbox (kind, subject) VALUES ('end_account_sessions', $1) RETURNING id";
    let row = stack.sql().await.query_one(sql, &[&subject]).await.unwrap();
    format!("/api/v1/operations/{}", row.get::<_, i64>(0))
}

fn session(account: &str, tag: &str) -> String {
    format!("usr.{account}.{tag}")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_session_of_the_account_ends_connected_or_kept_and_nobody_elses() {
    let broker = StubBroker::start().await;
    let others = [
        session(BEN, "live"),
        // EMQX looks for the text anywhere.
        format!("x.{}", session(ANN, "live")),
        ANN.to_owned(),
        format!("usr.{ANN}x.live"),
    ];
    broker.play(|played| {
        let own = ["live", "kept", "other-tab-live"].map(|tag| session(ANN, tag));
        played.sessions.extend(own);
        played.sessions.extend(others.clone());
    });
    let stack = with_broker(&broker).await;
    let operation = lost_something(&stack, ANN).await;
    let done = until(&stack, &operation, |view| view["state"] == "done").await;
    assert_eq!(done["kind"], "end_account_sessions");
    assert_eq!(done["accountId"], ANN);
    assert!(done["deviceId"].is_null());
    assert_eq!(
        done["clusters"],
        json!([{"name": "default", "state": "complete"}])
    );
    for step in ["kicked", "closed", "complete"] {
        assert!(done["timeline"][step].is_object(), "{step}");
    }
    let left = broker.play(|played| played.sessions.clone());
    assert_eq!(left, others.into());
    assert!(
        !broker.was_called("ban"),
        "who still has rights may come back"
    );
    assert!(
        !broker.was_called("publish"),
        "no status of a device is cleared"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_registers_after_the_look_is_ended_too() {
    let broker = StubBroker::start().await;
    broker.play(|played| played.late.insert(session(ANN, "late")));
    let stack = with_broker(&broker).await;
    let operation = lost_something(&stack, ANN).await;
    until(&stack, &operation, |view| view["state"] == "done").await;
    let bulk = format!("bulk {}", session(ANN, "late"));
    assert_eq!(broker.count(&bulk), 1, "{:?}", broker.calls());
    assert!(broker.play(|played| played.sessions.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kicked_before_every_replica_has_applied_what_was_lost() {
    let broker = StubBroker::start().await;
    broker.play(|played| played.sessions.insert(session(ANN, "live")));
    let stack = with_broker(&broker).await;
    let sql = stack.sql().await;
    let lose = format!(
        "INSERT INTO hook_lease (process_uuid, replica_name, applied, length_ms)
         VALUES (gen_random_uuid(), 'slow', 0, 300000);
         INSERT INTO account (account_id, issuer, subject) VALUES ('{ANN}', 'https://i', 'ann');
         INSERT INTO outbox (kind, subject) VALUES ('end_account_sessions', '{ANN}')"
    );
    sql.batch_execute(&lose).await.unwrap();
    let row = sql.query_one("SELECT id, change_number FROM outbox", &[]);
    let row = row.await.unwrap();
    let operation = format!("/api/v1/operations/{}", row.get::<_, i64>("id"));
    until(&stack, &operation, |view| view["attempts"] == 1).await;
    assert!(!broker.was_called("list"), "{:?}", broker.calls());
    let number: i64 = row.get("change_number");
    sql.execute(
        "UPDATE hook_lease SET applied = $1, renewals = renewals + 1",
        &[&number],
    )
    .await
    .unwrap();
    let done = until(&stack, &operation, |view| view["state"] == "done").await;
    let replicas = &done["timeline"]["fenced"]["replicas"];
    assert_eq!(replicas[0]["how"], "applied");
    assert!(broker.play(|played| played.sessions.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_and_a_device_that_is_called_like_it_do_not_stand_for_each_other() {
    let broker = StubBroker::start().await;
    broker.play(|played| {
        let both = [session(ANN, "live"), ANN.to_owned()];
        played.sessions.extend(both);
    });
    let stack = with_broker(&broker).await;
    stack.registered(ANN).await;
    let account = lost_something(&stack, ANN).await;
    let revoke = format!("/api/v1/devices/{ANN}/revoke");
    let revoked = stack.post(&revoke, &json!({})).await;
    let device = format!("/api/v1/operations/{}", revoked.body["operation"]);
    for operation in [account, device] {
        until(&stack, &operation, |view| view["state"] == "done").await;
    }
    assert!(broker.play(|played| played.sessions.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_losses_the_newer_entry_counts_and_a_subject_that_is_no_account_is_dead() {
    let broker = StubBroker::start().await;
    broker.play(|played| played.hold = Some("list"));
    let stack = with_broker(&broker).await;
    let older = lost_something(&stack, ANN).await;
    until(&stack, &older, |view| view["attempts"] == 1).await;
    let newer = lost_something(&stack, ANN).await;
    broker.play(|played| played.hold = None);
    let older = until(&stack, &older, |view| view["state"] == "superseded").await;
    let done = until(&stack, &newer, |view| view["state"] == "done").await;
    assert_eq!(older["supersededBy"], done["id"]);
    for wrong in ["ann", "0190A111-0000-7000-8000-000000000001", "."] {
        let operation = lost_something(&stack, wrong).await;
        let dead = until(&stack, &operation, |view| view["state"] == "dead").await;
        assert_eq!(dead["lastError"], "the subject is not an account's id");
    }
}
