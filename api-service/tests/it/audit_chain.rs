//! The audit's chain: sealed each second, and every later change of it is found.

use crate::support::{Stack, eventually, program};
use serde_json::Value;
use std::process::Output;
use tokio::process::Command;
use tokio_postgres::Client;

/// Three entries in seals, one of them with personal fields whose hash does not hold yet.
const ENTRIES: &str = "
    INSERT INTO audit_entry (actor_kind, action, subject_kind, subject_id, outcome, before, after)
    VALUES ('system', 'device.revoke', 'device', 'dev-1', 'done', NULL, '{\"b\": 1, \"a\": 2}'),
           ('system', 'device.suspend', 'device', 'dev-2', 'done', '{}', '{}'),
           ('stranger', 'device.bind', 'device', 'dev-3', 'done', NULL, NULL)";

async fn verify(stack: &Stack, more: &[&str]) -> Output {
    let url = stack.database.as_ref().unwrap().api_url();
    Command::new(program())
        .args(["audit", "verify"])
        .args(more)
        .env_clear()
        .env("API_DATABASE_URL", url)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap()
}

async fn whole(stack: &Stack, more: &[&str]) -> Value {
    let output = verify(stack, more).await;
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn broken(stack: &Stack, more: &[&str]) -> String {
    let output = verify(stack, more).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

async fn until_sealed(stack: &Stack) {
    eventually("everything is sealed", async || {
        stack.count("SELECT count(*) FROM audit_unsealed").await == 0
    })
    .await;
}

/// As somebody does who owns the database: past the triggers.
async fn tamper(sql: &Client, statement: &str) {
    let past = format!("SET session_replication_role = replica; {statement}; RESET ALL");
    sql.batch_execute(&past).await.unwrap();
}

#[tokio::test]
async fn what_was_committed_is_sealed_and_the_chain_holds() {
    let stack = Stack::start().await;
    let sql = stack.sql().await;
    let before = whole(&stack, &[]).await["entries"].as_u64().unwrap();
    sql.batch_execute(ENTRIES).await.unwrap();
    until_sealed(&stack).await;
    let first = whole(&stack, &[]).await;
    assert_eq!(first["entries"], before + 3);
    assert_eq!(first["unsealed"], 0);

    // A second batch hangs on the first, and a seal that was written down is found again.
    sql.batch_execute(ENTRIES).await.unwrap();
    until_sealed(&stack).await;
    let head = &first["head"];
    let seal = format!("{}:{}", head["number"], head["hash"].as_str().unwrap());
    let second = whole(&stack, &["--expect", &seal]).await;
    assert_eq!(second["entries"], before + 6);

    let other = format!("{}:{}", head["number"], "0".repeat(64));
    assert!(
        broken(&stack, &["--expect", &other])
            .await
            .contains("another hash")
    );
    let later = format!("999:{}", "0".repeat(64));
    assert!(
        broken(&stack, &["--expect", &later])
            .await
            .contains("seal 999")
    );
    assert_eq!(
        verify(&stack, &["--expect", "17"]).await.status.code(),
        Some(64)
    );
}

#[tokio::test]
async fn a_change_of_any_column_names_its_entry() {
    let stack = Stack::start().await;
    let sql = stack.sql().await;
    sql.batch_execute(ENTRIES).await.unwrap();
    until_sealed(&stack).await;
    let id = stack
        .count("SELECT max(entry_id) FROM audit_entry WHERE action = 'device.suspend'")
        .await;
    for (column, value) in [
        ("at", "at + interval '1 microsecond'"),
        ("actor_kind", "'stranger'"),
        ("action", "'device.resume'"),
        ("subject_kind", "'group'"),
        ("subject_id", "'dev-9'"),
        ("code", "''"),
        ("request_id", "'request-1'"),
        ("before", "NULL"),
        ("after", "'{\"a\": 1}'"),
        ("personal_hash", "sha256('x')"),
    ] {
        sql.batch_execute("BEGIN").await.unwrap();
        sql.batch_execute("CREATE TEMP TABLE kept AS SELECT * FROM audit_entry")
            .await
            .unwrap();
        sql.batch_execute("COMMIT").await.unwrap();
        let checks = "ALTER TABLE audit_entry DROP CONSTRAINT IF EXISTS audit_entry_check1,
                      DROP CONSTRAINT IF EXISTS audit_entry_code_check";
        sql.batch_execute(checks).await.unwrap();
        let change = format!("UPDATE audit_entry SET {column} = {value} WHERE entry_id = {id}");
        tamper(&sql, &change).await;
        let found = broken(&stack, &[]).await;
        assert!(found.contains(&format!("entry {id} ")), "{column}: {found}");
        assert!(found.contains("changed"), "{column}: {found}");
        let back = format!(
            "UPDATE audit_entry SET {column} = kept.{column} FROM kept
              WHERE kept.entry_id = audit_entry.entry_id AND audit_entry.entry_id = {id}"
        );
        tamper(&sql, &back).await;
        sql.batch_execute("DROP TABLE kept").await.unwrap();
        whole(&stack, &[]).await;
    }
}

#[tokio::test]
async fn a_lost_a_moved_and_a_smuggled_entry_are_found() {
    let stack = Stack::start().await;
    let sql = stack.sql().await;
    sql.batch_execute(ENTRIES).await.unwrap();
    until_sealed(&stack).await;
    let id = stack
        .count("SELECT max(entry_id) FROM audit_entry WHERE action = 'device.suspend'")
        .await;

    let smuggled = ENTRIES.replace("VALUES", "OVERRIDING SYSTEM VALUE VALUES");
    sql.batch_execute("ALTER TABLE audit_entry DISABLE TRIGGER await_seal")
        .await
        .unwrap();
    sql.batch_execute(&smuggled).await.unwrap();
    assert!(broken(&stack, &[]).await.contains("written past the chain"));
    let newest =
        "DELETE FROM audit_entry WHERE entry_id NOT IN (SELECT entry_id FROM audit_sealed)";
    sql.batch_execute(newest).await.unwrap();
    whole(&stack, &[]).await;

    tamper(
        &sql,
        &format!("DELETE FROM audit_entry WHERE entry_id = {id}"),
    )
    .await;
    let found = broken(&stack, &[]).await;
    assert!(found.contains(&format!("entry {id}, ")), "{found}");
    assert!(found.contains("is gone"), "{found}");

    // Whoever also takes the place away is found by the seal.
    tamper(
        &sql,
        &format!("DELETE FROM audit_sealed WHERE entry_id = {id}"),
    )
    .await;
    let found = broken(&stack, &[]).await;
    assert!(found.contains("lost or gained an entry"), "{found}");
}

#[tokio::test]
async fn erased_personal_fields_leave_the_chain_whole_and_changed_ones_do_not() {
    let stack = Stack::start().await;
    let sql = stack.sql().await;
    let entry = "
        WITH entry AS (
            INSERT INTO audit_entry (actor_kind, action, subject_kind, subject_id, outcome,
                                     personal_hash)
            VALUES ('system', 'probe', 'device', 'dev-1', 'done',
                    sha256(decode('00112233445566778899aabbccddeeff', 'hex')
                           || int8send(7) || 'address' || int8send(8) || '10.0.0.1'))
            RETURNING entry_id
        )
        INSERT INTO audit_personal (entry_id, salt, fields)
        SELECT entry_id, decode('00112233445566778899aabbccddeeff', 'hex'),
               '{\"address\": \"10.0.0.1\"}'
          FROM entry";
    sql.batch_execute(entry).await.unwrap();
    until_sealed(&stack).await;
    whole(&stack, &[]).await;

    let change = "UPDATE audit_personal SET fields = '{\"address\": \"10.0.0.2\"}'
                   WHERE fields ->> 'address' = '10.0.0.1'";
    sql.batch_execute(change).await.unwrap();
    assert!(broken(&stack, &[]).await.contains("personal fields"));
    sql.batch_execute("DELETE FROM audit_personal")
        .await
        .unwrap();
    whole(&stack, &[]).await;
}

#[tokio::test]
async fn the_services_own_role_can_not_change_what_is_written() {
    let stack = Stack::start().await;
    stack.sql().await.batch_execute(ENTRIES).await.unwrap();
    let url = stack.database.as_ref().unwrap().api_url();
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    for statement in [
        "UPDATE audit_entry SET subject_id = 'other'",
        "UPDATE audit_seal SET entries = 1",
        "UPDATE audit_sealed SET position = 0",
        "UPDATE ledger_entry SET note = 'x'",
        "DELETE FROM ledger_entry",
    ] {
        assert!(
            client.batch_execute(statement).await.is_err(),
            "{statement}"
        );
    }
}

#[tokio::test]
async fn admins_read_the_audit_page_by_page_and_export_it_whole() {
    let stack = Stack::start().await;
    let sql = stack.sql().await;
    sql.batch_execute(ENTRIES).await.unwrap();
    until_sealed(&stack).await;

    let page = stack
        .get("/api/v1/audit?subject=device:dev-1&action=device.revoke")
        .await;
    assert_eq!(page.status, 200, "{:?}", page.body);
    let entries = page.body["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["before"], Value::Null);
    assert_eq!(entries[0]["actor"], serde_json::json!({"kind": "system"}));
    assert!(entries[0]["seal"].is_i64());

    let first = stack.get("/api/v1/audit?limit=1&outcome=done").await;
    let cursor = first.body["nextCursor"].as_str().unwrap();
    let second = stack
        .get(&format!("/api/v1/audit?limit=1&cursor={cursor}"))
        .await;
    let id = |answer: &Value| answer["entries"][0]["entryId"].as_i64().unwrap();
    assert!(id(&second.body) < id(&first.body));

    let head = stack.get("/api/v1/audit/head").await.body;
    assert_eq!(head["unsealed"], 0);
    assert!(head["seal"]["number"].as_i64().unwrap() >= 1);

    let export = stack.get("/api/v1/audit/export").await;
    let lines = export.body.as_str().unwrap().lines();
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        i64::try_from(lines.len()).unwrap(),
        stack.count("SELECT count(*) FROM audit_entry").await
    );
    assert!(lines.is_sorted_by_key(|entry| entry["entryId"].as_i64().unwrap()));
    let none = stack
        .get("/api/v1/audit/export?to=2020-01-01T00:00:00Z")
        .await;
    assert_eq!((none.status, none.body), (200, "".into()));

    for path in [
        "/api/v1/audit",
        "/api/v1/audit/head",
        "/api/v1/audit/export",
    ] {
        let request = stack.request(reqwest::Method::GET, path, &["manufacturer"]);
        assert_eq!(
            crate::support::Answer::of(request).await.status,
            403,
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_something_is_entered_once_with_who_did_it() {
    let stack = Stack::start().await;
    let device = stack.registered("tent-1").await;
    stack.registered("tent-2").await;
    let print = device["fingerprint"].as_str().unwrap().replace(':', "");
    let none = serde_json::json!({});
    for (path, body, action) in [
        (
            format!("/api/v1/certificates/{print}/retire"),
            none.clone(),
            "certificate.retire",
        ),
        (
            format!("/api/v1/certificates/{print}/revoke"),
            none.clone(),
            "certificate.revoke",
        ),
        (
            "/api/v1/devices/tent-1/revoke".to_owned(),
            none,
            "device.revoke",
        ),
    ] {
        // A repetition changes nothing, so it enters nothing.
        for _ in 0..2 {
            assert_eq!(stack.post(&path, &body).await.status, 202, "{path}");
        }
        let told = stack
            .get(&format!("/api/v1/audit?action={action}"))
            .await
            .body;
        let entries = told["entries"].as_array().unwrap();
        assert_eq!(entries.len(), 1, "{action}");
        assert_eq!(entries[0]["actor"]["kind"], "account", "{action}");
        assert!(entries[0]["requestId"].is_string(), "{action}");
    }
    let many = serde_json::json!({"ids": ["tent-2"]});
    assert_eq!(stack.post("/api/v1/revocations", &many).await.status, 202);
    let told = stack
        .get("/api/v1/audit?action=revocation.begin")
        .await
        .body;
    assert_eq!(told["entries"][0]["after"]["selected"], 1);
}
