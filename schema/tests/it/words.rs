//! The words of this crate are the database's.

use schema::{Action, BindingState, CertificateState, ChangeKind, DeviceId, Lifecycle, words};
use tokio_postgres::Client;

use crate::support::{add_device, connect, database, number};

#[tokio::test]
async fn every_named_relation_role_and_index_exists() {
    let (_database, client) = database().await;
    for relation in words::RELATIONS {
        let row = client
            .query_one("SELECT to_regclass($1) IS NOT NULL", &[&relation])
            .await
            .unwrap();
        assert!(row.get::<_, bool>(0), "{relation}");
    }
    for role in [words::HOOK_ROLE, words::API_ROLE] {
        let sql =
            "SELECT count(*) FROM pg_roles WHERE rolname = $1 AND NOT rolcanlogin AND NOT rolsuper";
        let row = client.query_one(sql, &[&role]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), 1, "{role}");
    }
}

/// The words inside the checks of a column, straight from the catalog.
async fn checked_words(client: &Client, table: &str, column: &str) -> Vec<String> {
    let sql = "SELECT (regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_]+)''', 'g'))[1]
                 FROM pg_constraint AS c JOIN pg_attribute AS a
                   ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]
                WHERE c.contype = 'c' AND c.conrelid = $1::text::regclass AND a.attname = $2::text";
    client
        .query(sql, &[&table, &column])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect()
}

#[tokio::test]
async fn enums_have_exactly_the_words_of_the_checks() {
    let (_database, client) = database().await;
    let lifecycle: Vec<_> = Lifecycle::ALL.iter().map(ToString::to_string).collect();
    let state: Vec<_> = CertificateState::ALL
        .iter()
        .map(ToString::to_string)
        .collect();
    let action: Vec<_> = Action::ALL.iter().map(ToString::to_string).collect();
    let kind: Vec<_> = ChangeKind::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(
        checked_words(&client, "device", "lifecycle").await,
        lifecycle
    );
    assert_eq!(checked_words(&client, "certificate", "state").await, state);
    assert_eq!(
        checked_words(&client, "service_client_certificate", "state").await,
        state
    );
    assert_eq!(
        checked_words(&client, "service_client_right", "action").await,
        action
    );
    assert_eq!(checked_words(&client, "change_entry", "kind").await, kind);
    let binding: Vec<_> = BindingState::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(checked_words(&client, "binding", "state").await, binding);
    let outbox = [
        words::OUTBOX_PENDING,
        words::OUTBOX_DONE,
        words::OUTBOX_DEAD,
    ];
    assert_eq!(checked_words(&client, "outbox", "state").await, outbox);
    let states = checked_words(&client, "bulk_operation", "state").await;
    assert_eq!(states, outbox);
    let phases = [
        words::PHASE_COMMITTED,
        words::PHASE_FENCED,
        words::PHASE_CLOSED,
        words::PHASE_COMPLETE,
        words::PHASE_SUPERSEDED,
    ];
    assert_eq!(checked_words(&client, "outbox", "phase").await, phases);
}

#[tokio::test]
async fn newtypes_go_in_and_out_of_sql_as_their_text() {
    let (database, client) = database().await;
    add_device(&client, "grow-1").await;
    let id = DeviceId::parse("grow-1").unwrap();
    let sql =
        "UPDATE device SET lifecycle = $2 WHERE device_id = $1 RETURNING device_id, lifecycle";
    let row = client
        .query_one(sql, &[&id, &Lifecycle::Bound])
        .await
        .unwrap();
    assert_eq!(row.get::<_, DeviceId>(0), id);
    assert_eq!(row.get::<_, Lifecycle>(1), Lifecycle::Bound);

    let bad = client
        .query_one("SELECT 'no.id', 'stolen'", &[])
        .await
        .unwrap();
    let refused = bad.try_get::<_, DeviceId>(0).unwrap_err();
    assert!(
        std::error::Error::source(&refused)
            .unwrap()
            .to_string()
            .contains("'.'")
    );
    assert!(bad.try_get::<_, Lifecycle>(1).is_err());
    drop(connect(&database.url()).await);
}

/// The statements that hook-service and the outbox worker run all the time must not scan.
#[tokio::test]
async fn the_frequent_look_ups_use_an_index() {
    let (_database, client) = database().await;
    client
        .batch_execute(
            "INSERT INTO device (device_id, model, public_key)
             SELECT 'd' || i, 'm', '\\x00' FROM generate_series(1, 2000) AS i;
             INSERT INTO certificate (fingerprint, device_id, serial, not_before, not_after, der)
             SELECT sha256(device_id::bytea), device_id, device_id::bytea, now(), 'infinity', '\\x30'
               FROM device;
             INSERT INTO outbox (kind, subject, state, change_number)
             SELECT 'k', device_id, 'done', 1 FROM device;
             INSERT INTO change (number, items, txid)
             SELECT i, 1, (1000000000 + i)::text::xid8 FROM generate_series(100, 3000) AS i;
             INSERT INTO change_entry (txid, kind, id)
             SELECT (1000000000 + i)::text::xid8, 'device', 'd' || i FROM generate_series(100, 3000) AS i;
             -- A log so small that reading all of it is cheaper would prove nothing.
             INSERT INTO change_entry (txid, kind, id)
             SELECT '1000000100', 'device', 'b' || i FROM generate_series(1, 50000) AS i;
             ANALYZE",
        )
        .await
        .unwrap();
    for statement in [
        "SELECT number FROM change ORDER BY number DESC LIMIT 1",
        "SELECT number, kind, id FROM change_item WHERE number > 2990 AND number <= 3000",
        "SELECT fingerprint, state, not_after FROM certificate WHERE device_id = 'd7'",
        "SELECT id FROM outbox WHERE state = 'pending' AND next_attempt_at <= now() LIMIT 10",
        "UPDATE outbox SET change_number = 1 WHERE txid = '5' AND change_number IS NULL AND state = 'pending'",
        "SELECT * FROM outbox WHERE subject = 'd7' ORDER BY id DESC LIMIT 1",
    ] {
        let plan = client
            .query(&format!("EXPLAIN {statement}"), &[])
            .await
            .unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        assert!(
            !plan.iter().any(|line| line.contains("Seq Scan")),
            "{statement}\n{plan:#?}"
        );
    }
    assert_eq!(
        number(&client, "SELECT count(*) FROM change_marker").await,
        0
    );
}

/// What a catch-up reads must not grow with the log because its first transaction was a large one.
#[tokio::test]
async fn after_a_bulk_load_the_log_is_still_read_by_its_index() {
    let (_database, client) = database().await;
    client
        .batch_execute(
            "INSERT INTO change (number, items, txid) VALUES (1, 50000, '1000000001');
             INSERT INTO change_entry (txid, kind, id)
             SELECT '1000000001', 'device', 'd' || i FROM generate_series(1, 50000) AS i;
             ANALYZE;
             INSERT INTO change (number, items, txid)
             SELECT i, 1, (1000000000 + i)::text::xid8 FROM generate_series(2, 300) AS i;
             INSERT INTO change_entry (txid, kind, id)
             SELECT (1000000000 + i)::text::xid8, 'device', 'd' || i FROM generate_series(2, 300) AS i",
        )
        .await
        .unwrap();
    let plan = client
        .query(
            "EXPLAIN SELECT number, kind, id FROM change_item WHERE number > 290 AND number <= 300",
            &[],
        )
        .await
        .unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    let scans = |line: &String| line.contains("Seq Scan on change_entry");
    assert!(!plan.iter().any(scans), "{plan:#?}");
}
