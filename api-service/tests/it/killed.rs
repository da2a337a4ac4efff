//! The program, killed with SIGKILL at every step of a revoke: another process ends what it began.

use reqwest::Method;
use serde_json::Value;

use crate::support::broker::StubBroker;
use crate::support::eventually;
use crate::support::process::Surroundings;

/// Where the first process dies.
#[derive(Debug, Clone, Copy)]
enum Death {
    /// While it waits for a replica of the hooks.
    InTheFence,
    /// With a call on its way that was not carried out.
    Before(&'static str),
    /// After a call was carried out, before its answer.
    After(&'static str),
}

async fn ends_although_killed(death: Death) {
    let broker = StubBroker::start().await;
    broker.play(|played| {
        played.version = "5.9.0";
        played.sessions.insert("tent-1".to_owned());
        match death {
            Death::InTheFence => {}
            Death::Before(call) => played.hold = Some(call),
            Death::After(call) => played.mute = Some(call),
        }
    });
    let around = Surroundings::with(&broker).await;
    let sql = around.sql().await;
    if matches!(death, Death::InTheFence) {
        sql.batch_execute(
            "INSERT INTO hook_lease (process_uuid, replica_name, applied, length_ms)
             VALUES (gen_random_uuid(), 'slow', 0, 300000)",
        )
        .await
        .unwrap();
    }
    let first = around.process("first").await;
    let operation = around.revoked(&first, "tent-1").await;
    eventually(&format!("it is at {death:?}"), async || match death {
        Death::InTheFence => {
            let claimed = "SELECT count(*) FROM outbox WHERE claimed_by IS NOT NULL";
            sql.query_one(claimed, &[]).await.unwrap().get::<_, i64>(0) == 1
        }
        Death::Before(call) | Death::After(call) => broker.was_called(call),
    })
    .await;
    first.kill().await;

    let calls = broker.calls();
    broker.play(|played| {
        (played.hold, played.mute) = (None, None);
        if !matches!(death, Death::Before("publish")) {
            // Somebody was let in before the fence and only now registers.
            played.sessions.insert("tent-1".to_owned());
        }
    });
    // The replica follows, and the claim of the dead runs out.
    sql.batch_execute(
        "DELETE FROM hook_lease;
         UPDATE outbox SET next_attempt_at = now() WHERE state = 'pending'",
    )
    .await
    .unwrap();
    let second = around.process("second").await;
    let mut last = Value::Null;
    eventually(&format!("all ends after {death:?}"), async || {
        let answer = around
            .ask(&second, Method::GET, &operation, &Value::Null)
            .await;
        last = answer.body;
        last["state"] == "done"
    })
    .await;
    assert!(
        broker.play(|played| played.sessions.is_empty()),
        "{death:?}"
    );
    let timeline = &last["timeline"];
    for step in ["fenced", "kicked", "closed", "complete"] {
        assert!(timeline[step].is_object(), "{death:?}: {timeline}");
    }
    assert_eq!(last["attempts"], 2, "{death:?}");
    let published = broker.play(|played| played.published.len());
    assert!(published >= 1, "{death:?}");
    if matches!(death, Death::InTheFence) {
        assert!(calls.is_empty(), "{calls:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoke_ends_wherever_its_process_is_killed() {
    let deaths = [
        Death::InTheFence,
        Death::Before("nodes"),
        Death::Before("reset"),
        Death::Before("ban"),
        Death::After("ban"),
        Death::Before("look"),
        Death::Before("kick"),
        Death::After("kick"),
        Death::Before("publish"),
    ];
    futures::future::join_all(deaths.map(ends_although_killed)).await;
}
