//! What is old is forgotten, and the audit's chain says where it begins then.

use std::process::Output;

use serde_json::Value;
use tokio::process::Command;

use crate::support::{Stack, eventually, program};

/// All but the newest seal were made long ago.
const OLD: &str = "
    SET session_replication_role = replica;
    UPDATE audit_seal SET at = at - interval '40 days'
     WHERE number < (SELECT max(number) FROM audit_seal);
    RESET ALL";

async fn verify(stack: &Stack) -> Output {
    let url = stack.database.as_ref().unwrap().api_url();
    Command::new(program())
        .args(["audit", "verify"])
        .env_clear()
        .env("API_DATABASE_URL", url)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap()
}

async fn until_sealed(stack: &Stack) {
    eventually("everything is sealed", async || {
        stack.count("SELECT count(*) FROM audit_unsealed").await == 0
    })
    .await;
}

async fn restarted(stack: Stack, settings: &[(&str, &str)]) -> Stack {
    let (pki, database) = stack.stop().await;
    let database = database.unwrap();
    let mut stack = Stack::start_in(pki, &database.api_url(), settings).await;
    stack.database = Some(database);
    stack.until_ready().await;
    stack
}

/// An entry in a seal of its own.
async fn sealed(stack: &Stack, id: &str) {
    let entry = format!(
        "INSERT INTO audit_entry (actor_kind, action, subject_kind, subject_id, outcome)
         VALUES ('system', 'probe', 'device', '{id}', 'done')"
    );
    stack.sql().await.batch_execute(&entry).await.unwrap();
    until_sealed(stack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_seals_go_and_what_is_left_is_a_chain_that_nobody_can_shorten() {
    let stack = Stack::start().await;
    for id in ["dev-1", "dev-2", "dev-3"] {
        sealed(&stack, id).await;
    }
    let sql = stack.sql().await;
    let seals = stack.count("SELECT max(number) FROM audit_seal").await;
    assert!(seals >= 3);
    sql.batch_execute(OLD).await.unwrap();
    // What the setting does not ask for stays.
    let stack = restarted(stack, &[]).await;
    let kept = "SELECT count(*) FROM audit_entry WHERE action = 'probe'";
    assert_eq!(stack.count(kept).await, 3);

    let stack = restarted(stack, &[("API_AUDIT_DAYS", "30")]).await;
    eventually("all old seals went", async || {
        let first = "SELECT coalesce(min(number), 0) FROM audit_seal";
        stack.count(first).await == seals
    })
    .await;
    assert_eq!(stack.count(kept).await, 1);
    for left in ["audit_sealed", "audit_seal"] {
        let column = if left == "audit_seal" {
            "number"
        } else {
            "seal"
        };
        let below = format!("SELECT count(*) FROM {left} WHERE {column} < {seals}");
        assert_eq!(stack.count(&below).await, 0, "{left}");
    }
    until_sealed(&stack).await;
    let checked = verify(&stack).await;
    assert!(checked.status.success(), "{checked:?}");
    let report: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(report["firstSeal"], seals);

    // Somebody takes one more from the beginning, as if retention had.
    sealed(&stack, "dev-4").await;
    let shorten = format!(
        "DELETE FROM audit_entry USING audit_sealed WHERE audit_sealed.entry_id = audit_entry.entry_id
            AND seal = {seals};
         DELETE FROM audit_sealed WHERE seal = {seals};
         DELETE FROM audit_seal WHERE number = {seals}"
    );
    let sql = stack.sql().await;
    sql.batch_execute(&shorten).await.unwrap();
    let checked = verify(&stack).await;
    assert_eq!(checked.status.code(), Some(1));
    let said = String::from_utf8(checked.stderr).unwrap();
    assert!(said.contains("begins with seal"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_and_erasures_are_forgotten_in_batches() {
    let stack = Stack::start().await;
    let ann = stack.account("ann").await;
    let old = format!(
        "INSERT INTO notification (account_id, kind, created_at)
         SELECT '{ann}', 'probe', now() - make_interval(days => n % 2 * 8)
           FROM generate_series(1, 4200) AS n;
         INSERT INTO account_erasure (identity_hash, erased_at)
         SELECT sha256(int4send(n)), now() - make_interval(days => n % 2 * 31)
           FROM generate_series(1, 20) AS n"
    );
    stack.sql().await.batch_execute(&old).await.unwrap();
    let stack = restarted(stack, &[("API_NOTIFICATION_DAYS", "7")]).await;
    eventually("the old half is gone", async || {
        let notifications = stack.count("SELECT count(*) FROM notification").await;
        let erasures = stack.count("SELECT count(*) FROM account_erasure").await;
        (notifications, erasures) == (2100, 10)
    })
    .await;
}

/// Two replicas begin at once: what one forgets the other leaves alone.
#[tokio::test(flavor = "multi_thread")]
async fn one_replica_at_a_time_forgets() {
    let stack = Stack::start().await;
    sealed(&stack, "dev-1").await;
    sealed(&stack, "dev-2").await;
    stack.sql().await.batch_execute(OLD).await.unwrap();
    let (pki, database) = stack.stop().await;
    let database = database.unwrap();
    let url = database.api_url();
    let settings = [("API_AUDIT_DAYS", "30")];
    let (mut first, second) = tokio::join!(
        Stack::start_in(pki, &url, &settings),
        Stack::start_at(&url, &settings),
    );
    first.database = Some(database);
    let kept = "SELECT count(*) FROM audit_entry WHERE action = 'probe'";
    eventually("the old one went", async || first.count(kept).await == 1).await;
    until_sealed(&first).await;
    let purges = "SELECT count(*) FROM audit_entry WHERE action = 'audit.purge'";
    assert_eq!(first.count(purges).await, 1);
    second.stop().await;
}
