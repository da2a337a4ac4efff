//! `POST /api/v1/revocations` and how far one is.

use std::collections::BTreeMap;
use std::process::Stdio;

use reqwest::Method;
use schema::testing::MigratedDatabase;
use serde_json::{Value, json};

use crate::support::{Answer, Pki, Stack, eventually, program};

const MANY: &str = "/api/v1/revocations";

/// Devices `dev-00001` and on, without certificates.
async fn fleet(client: &tokio_postgres::Client, count: i64) {
    let sql = "INSERT INTO device (device_id, model, firmware_version, public_key)
               SELECT 'dev-' || lpad(n::text, 5, '0'),
                      CASE n % 2 WHEN 0 THEN 'even' ELSE 'odd' END, '1.' || n % 3, '\\x00'
                 FROM generate_series(1, $1::bigint) AS n";
    client.execute(sql, &[&count]).await.unwrap();
}

async fn until(stack: &Stack, revocation: &Value, holds: impl Fn(&Value) -> bool) -> Value {
    let path = format!("{MANY}/{revocation}");
    let mut last = Value::Null;
    eventually("the bulk revocation is as expected", async || {
        last = stack.get(&path).await.body;
        holds(&last)
    })
    .await;
    last
}

async fn revoked_ids(stack: &Stack) -> Vec<String> {
    let sql = "SELECT device_id FROM device WHERE lifecycle = 'revoked' ORDER BY device_id";
    let rows = stack.sql().await.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn listed_devices_are_revoked_and_the_unknown_counted() {
    let stack = Stack::start().await;
    fleet(&stack.sql().await, 9).await;
    let body =
        json!({"ids": ["dev-00002", "dev-00001", "dev-00002", "nobody"], "reason": "superseded"});
    let answer = stack.post(MANY, &body).await;
    assert_eq!(answer.status, 202, "{:?}", answer.body);
    assert_eq!(answer.body["state"], "running");
    assert_eq!(answer.body["selected"], 2);
    assert_eq!(answer.body["unknown"], 1);
    assert_eq!(answer.body["selector"], json!({"ids": 3}));
    let seen = until(&stack, &answer.body["revocation"], |view| {
        view["state"] == "committed"
    })
    .await;
    assert_eq!(seen["revoked"], 2);
    // Without a broker an entry comes as far as the fence.
    let at = |phase: &str| seen["phases"][phase].as_i64().unwrap();
    assert_eq!(at("committed") + at("fenced"), 2, "{seen}");
    assert_eq!(seen["slowest"].as_array().unwrap().len(), 2);
    assert!(seen["committedAt"].is_string());
    assert_eq!(revoked_ids(&stack).await, ["dev-00001", "dev-00002"]);
    // One change for the chunk; the fleet and the account that asked came before.
    assert_eq!(stack.count("SELECT max(number) FROM change").await, 3);
    let sql =
        "SELECT count(*) FROM outbox WHERE change_number = 3 AND kind = 'end_device_sessions'";
    assert_eq!(stack.count(sql).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_a_firmware_or_an_issuer_chooses_its_devices() {
    let stack = Stack::start().await;
    fleet(&stack.sql().await, 12).await;
    for id in ["tent-1", "tent-2"] {
        stack.registered(id).await;
    }
    let authority = stack.get("/api/v1/certificates/ca").await.body;
    let issuer = authority["issuer"]["keyIdentifier"].clone();
    for (body, expected) in [
        (json!({"firmwareVersion": "1.0"}), 4),
        (json!({"model": "even"}), 4),
        (json!({"issuer": issuer, "reason": "keyCompromise"}), 2),
        (json!({"model": "none"}), 0),
    ] {
        let answer = stack.post(MANY, &body).await;
        assert_eq!(answer.status, 202, "{:?}", answer.body);
        assert_eq!(answer.body["selected"], expected, "{body}");
        let seen = until(&stack, &answer.body["revocation"], |view| {
            view["state"] != "running"
        })
        .await;
        assert_eq!(seen["revoked"], expected, "{body}");
        let state = if expected == 0 {
            "complete"
        } else {
            "committed"
        };
        assert_eq!(seen["state"], state, "{body}");
    }
    // 1.0 and even overlap in two; those were revoked once.
    assert_eq!(revoked_ids(&stack).await.len(), 10);
    let certificates = "SELECT count(*) FROM certificate WHERE revocation_reason = 'keyCompromise'";
    assert_eq!(stack.count(certificates).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_happen_and_changes_nothing() {
    let stack = Stack::start().await;
    fleet(&stack.sql().await, 50).await;
    let answer = stack
        .post(MANY, &json!({"model": "odd", "dryRun": true}))
        .await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!(answer.body["dryRun"], true);
    assert_eq!(answer.body["selected"], 25);
    let sample = answer.body["sample"].as_array().unwrap();
    assert_eq!(sample.len(), 20);
    assert_eq!(
        (&sample[0], &sample[1]),
        (&json!("dev-00001"), &json!("dev-00003"))
    );
    let body = json!({"ids": ["x", "dev-00001"], "dryRun": true});
    let answer = stack.post(MANY, &body).await;
    assert_eq!(answer.body["unknown"], 1);
    assert_eq!(answer.body["unknownSample"], json!(["x"]));
    assert_eq!(answer.body["sample"], json!(["dev-00001"]));
    assert_eq!(stack.count("SELECT count(*) FROM bulk_operation").await, 0);
    assert!(revoked_ids(&stack).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_selector_and_at_most_ten_thousand_ids() {
    let stack = Stack::start().await;
    for (body, wrong) in [
        (
            json!({}),
            &["ids", "model", "firmwareVersion", "issuer"][..],
        ),
        (
            json!({"model": "m", "issuer": "00".repeat(20)}),
            &["model", "issuer"],
        ),
        (json!({"ids": []}), &["ids"]),
        (json!({"ids": "dev-1"}), &["ids"]),
        (json!({"ids": ["a", "b/c", 7]}), &["ids[1]", "ids[2]"]),
        (json!({"model": "x".repeat(65)}), &["model"]),
        (
            json!({"issuer": "xyz", "reason": "stolen", "all": 1}),
            &["issuer", "reason", "all"],
        ),
    ] {
        let answer = stack.post(MANY, &body).await;
        answer.is_problem(422, "invalid_request");
        assert_eq!(answer.wrong_fields(), wrong, "{body}");
    }
    let ids = |count: usize| (0..count).map(|n| format!("{n:064}")).collect::<Vec<_>>();
    let most = stack
        .post(MANY, &json!({"ids": ids(10_000), "dryRun": true}))
        .await;
    assert_eq!(most.status, 200, "{:?}", most.body);
    assert_eq!(most.body["unknown"], 10_000);
    let answer = stack.post(MANY, &json!({"ids": ids(10_001)})).await;
    answer.is_problem(422, "invalid_request");
    let answer = stack.post(MANY, &json!({"ids": ids(20_000)})).await;
    answer.is_problem(413, "body_too_large");
    stack
        .get("/api/v1/revocations/4711")
        .await
        .is_problem(404, "revocation_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_begins_one_revocation() {
    let stack = Stack::start().await;
    fleet(&stack.sql().await, 4).await;
    let send = async |key: &str, body: Value| {
        let request = stack.request(Method::POST, MANY, &["admin"]);
        Answer::of(request.header("idempotency-key", key).json(&body)).await
    };
    let first = send("k1", json!({"ids": ["dev-00001", "dev-00002"]})).await;
    let again = send("k1", json!({"ids": ["dev-00002", "dev-00001"]})).await;
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!(first.body, again.body);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    send("k1", json!({"ids": ["dev-00003"]}))
        .await
        .is_problem(422, "idempotency_key_reused");
    assert_eq!(stack.count("SELECT count(*) FROM bulk_operation").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_that_somebody_else_revokes_meanwhile_do_not_end_it_early() {
    let stack = Stack::start().await;
    let mut sql = stack.sql().await;
    fleet(&sql, 1_500).await;
    // Held while the first chunk waits for it, and revoked by the holder.
    let holder = sql.transaction().await.unwrap();
    let take = "UPDATE device SET lifecycle = 'revoked' WHERE device_id = 'dev-00700'";
    holder.execute(take, &[]).await.unwrap();
    let answer = stack.post(MANY, &json!({"ids": ids_of(1_500)})).await;
    until_blocked(&stack).await;
    holder.commit().await.unwrap();
    let seen = until(&stack, &answer.body["revocation"], |view| {
        view["state"] == "committed"
    })
    .await;
    assert_eq!(seen["revoked"], 1_499);
    assert_eq!(revoked_ids(&stack).await.len(), 1_500);
}

fn ids_of(count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("dev-{n:05}")).collect()
}

/// Until a transaction of the service waits for somebody's row.
async fn until_blocked(stack: &Stack) {
    let sql = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("the chunk waits", async || stack.count(sql).await > 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_service_leaves_a_revocation_that_another_one_ends() {
    let database = MigratedDatabase::create().await.unwrap();
    let (mut sql, connection) = tokio_postgres::connect(&database.url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    fleet(&sql, 2_500).await;
    let holder = sql.transaction().await.unwrap();
    let take = "SELECT 1 FROM device WHERE device_id = 'dev-01500' FOR UPDATE";
    holder.execute(take, &[]).await.unwrap();

    // The call is taken by a service of ours, and the chunks by a process that can be killed.
    let insert = "INSERT INTO bulk_operation (kind, params, account, total)
                  VALUES ('revoke_devices', $1, 'somebody', 2500)";
    let params = json!({
        "selector": "ids", "value": null, "ids": ids_of(2_500), "reason": "superseded", "unknown": 0,
    });
    let (observer, connection) = tokio_postgres::connect(&database.url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    observer.execute(insert, &[&params]).await.unwrap();
    let pki = Pki::new();
    let mut settings: BTreeMap<String, String> = pki.settings();
    settings.insert("API_DATABASE_URL".to_owned(), database.api_url());
    settings.insert(
        "API_TOKEN_ISSUERS".to_owned(),
        "http://127.0.0.1:1".to_owned(),
    );
    let mut child = tokio::process::Command::new(program())
        .env_clear()
        .envs(&settings)
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let number = async |sql: &str| -> i64 { observer.query_one(sql, &[]).await.unwrap().get(0) };
    eventually("the second chunk waits for the held device", async || {
        let first = number("SELECT acted FROM bulk_operation").await == 1_000;
        let waits = "SELECT count(*) FROM pg_stat_activity
                      WHERE datname = current_database() AND wait_event_type = 'Lock'";
        first && number(waits).await > 0
    })
    .await;
    child.kill().await.unwrap();
    holder.rollback().await.unwrap();

    let mut stack = Stack::start_at(&database.api_url(), &[]).await;
    stack.database = Some(database);
    stack.until_ready().await;
    let seen = until(&stack, &json!(1), |view| view["state"] == "committed").await;
    assert_eq!(
        (&seen["revoked"], &seen["selected"]),
        (&json!(2_500), &json!(2_500))
    );
    assert_eq!(revoked_ids(&stack).await.len(), 2_500);
    let entries = "SELECT count(*) FROM outbox";
    let subjects = "SELECT count(DISTINCT subject) FROM outbox";
    assert_eq!(
        stack.count(entries).await,
        2_500,
        "each device has one entry"
    );
    assert_eq!(stack.count(subjects).await, 2_500);
    let numbers = "SELECT count(DISTINCT change_number) FROM outbox";
    assert_eq!(stack.count(numbers).await, 3, "one change for each chunk");
    let mass = "SELECT count(*) FROM outbox WHERE mass AND bulk_id = 1";
    assert_eq!(stack.count(mass).await, 2_500);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_selector_reads_its_index_in_the_order_of_ids() {
    let stack = Stack::start().await;
    let sql = stack.sql().await;
    fleet(&sql, 2_000).await;
    // Of what half the fleet has, the ids themselves are the shorter way.
    let rare = "UPDATE device SET model = 'rare', firmware_version = 'rare'
                 WHERE device_id > 'dev-01980'";
    sql.execute(rare, &[]).await.unwrap();
    sql.batch_execute(
        "ANALYZE device; ANALYZE certificate; SET enable_seqscan = off;
         SET enable_bitmapscan = off; SET enable_sort = off",
    )
    .await
    .unwrap();
    for (name, first, index) in [
        (
            "next_by_ids",
            "ARRAY['dev-00001', 'dev-00002']",
            "device_pkey",
        ),
        ("next_by_model", "'rare'", "device_model"),
        ("next_by_firmware", "'rare'", "device_firmware"),
        ("next_by_issuer", "'\\x00'::bytea", "certificate_authority"),
    ] {
        let mut statements = api_service::STATEMENTS.iter().copied().flatten();
        let statement = statements
            .find(|statement| statement.contains(&format!("{name}\n")))
            .unwrap();
        let statement = statement.replace("$1", first).replace("$2", "''");
        let explain = format!("EXPLAIN {}", statement.replace("$3", "1000"));
        let plan = sql.query(&explain, &[]).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(plan.contains(&format!("using {index}")), "{name}: {plan}");
        assert!(!plan.contains("Sort"), "{name}: {plan}");
    }
}
