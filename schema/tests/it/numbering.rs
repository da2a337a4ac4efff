//! Which transactions get a number, what they list, and who is refused.

use futures::future::BoxFuture;
use tokio_postgres::{Client, IsolationLevel};

use crate::support::{
    add_certificate, add_device, connect, database, items, newest, number, refusal,
};

#[tokio::test]
async fn a_new_device_gets_the_first_number() {
    let (_database, client) = database().await;
    assert_eq!(newest(&client).await, 0);
    add_device(&client, "grow-1").await;
    assert_eq!(newest(&client).await, 1);
    assert_eq!(items(&client, 1).await, ["device:grow-1"]);
}

/// Runs one statement after a fixed set of rows and says which items its change lists, if any.
async fn items_after(client: &Client, statement: &str) -> Vec<String> {
    let before = newest(client).await;
    client.batch_execute(statement).await.unwrap();
    match newest(client).await - before {
        0 => Vec::new(),
        1 => items(client, before + 1).await,
        more => panic!("one statement, {more} numbers: {statement}"),
    }
}

#[tokio::test]
async fn each_hook_column_gives_a_number_and_no_other_column_does() {
    let (_database, client) = database().await;
    for id in ["a", "b"] {
        add_device(&client, id).await;
        add_certificate(&client, id).await;
    }
    let fingerprint = "decode(repeat('07', 32), 'hex')";
    let cases: &[(String, &[&str])] = &[
        ("UPDATE device SET model = 'grow-2', updated_at = now(), firmware_version = '1'".into(), &[]),
        ("UPDATE device SET public_key = '\\x01'".into(), &[]),
        ("UPDATE device SET suspended = suspended, lifecycle = lifecycle".into(), &[]),
        ("UPDATE device SET suspended = true WHERE device_id = 'none'".into(), &[]),
        ("UPDATE device SET suspended = true WHERE device_id = 'a'".into(), &["device:a"]),
        ("UPDATE device SET suspended = true".into(), &["device:b"]),
        ("UPDATE device SET lifecycle = 'bound'".into(), &["device:a", "device:b"]),
        ("UPDATE certificate SET revocation_reason = 'lost', ended_at = now()".into(), &[]),
        ("UPDATE certificate SET not_before = not_before - interval '1 h'".into(), &[]),
        (
            "UPDATE certificate SET not_after = not_after + interval '1 h' WHERE device_id = 'a'".into(),
            &["device:a"],
        ),
        ("UPDATE certificate SET state = 'retired' WHERE device_id = 'b'".into(), &["device:b"]),
        (
            "UPDATE certificate SET device_id = 'b' WHERE device_id = 'a'".into(),
            &["device:a", "device:b"],
        ),
        ("DELETE FROM certificate".into(), &["device:b"]),
        ("INSERT INTO device SELECT * FROM device WHERE false".into(), &[]),
        ("UPDATE device SET device_id = 'c' WHERE device_id = 'a'".into(), &["device:a", "device:c"]),
        ("DELETE FROM device WHERE device_id = 'c'".into(), &["device:c"]),
        ("INSERT INTO service_client (name) VALUES ('gw')".into(), &["service_client:gw"]),
        ("UPDATE service_client SET created_at = now()".into(), &[]),
        ("UPDATE service_client SET disabled = true".into(), &["service_client:gw"]),
        (
            format!("INSERT INTO service_client_certificate (fingerprint, name, not_after) VALUES ({fingerprint}, 'gw', now())"),
            &["service_client:gw"],
        ),
        ("UPDATE service_client_certificate SET issued_at = now()".into(), &[]),
        ("UPDATE service_client_certificate SET state = 'retired'".into(), &["service_client:gw"]),
        ("UPDATE service_client_certificate SET not_after = now()".into(), &["service_client:gw"]),
        (
            "INSERT INTO service_client_right VALUES ('gw', 'subscribe', '+/telemetry'), ('gw', 'publish', '+/rpc/request')".into(),
            &["service_client:gw"],
        ),
        ("UPDATE service_client_right SET action = action".into(), &[]),
        (
            "UPDATE service_client_right SET topic_filter = '+/status' WHERE action = 'subscribe'".into(),
            &["service_client:gw"],
        ),
        ("DELETE FROM service_client_right WHERE action = 'publish'".into(), &["service_client:gw"]),
        // Its certificate and its last right go with it, in the same change.
        ("DELETE FROM service_client".into(), &["service_client:gw"]),
    ];
    for (statement, expected) in cases {
        assert_eq!(
            items_after(&client, statement).await,
            *expected,
            "{statement}"
        );
    }
    assert_eq!(
        number(&client, "SELECT count(*) FROM change_marker").await,
        0
    );
}

#[tokio::test]
async fn upserts_and_copies_are_seen_too() {
    let (_database, client) = database().await;
    add_device(&client, "a").await;
    let upsert = "INSERT INTO device (device_id, model, public_key)
                  VALUES ('a', 'm', '\\x00'), ('b', 'm', '\\x00')
                  ON CONFLICT (device_id) DO UPDATE SET suspended = true";
    assert_eq!(items_after(&client, upsert).await, ["device:a", "device:b"]);
    let merge = "MERGE INTO device USING (VALUES ('a'), ('c')) AS wanted (id) ON device_id = id
                 WHEN MATCHED THEN DELETE
                 WHEN NOT MATCHED THEN INSERT (device_id, model, public_key) VALUES (id, 'm', '\\x00')";
    assert_eq!(items_after(&client, merge).await, ["device:a", "device:c"]);

    let before = newest(&client).await;
    let copy = client
        .copy_in("COPY device (device_id, model, public_key) FROM STDIN")
        .await
        .unwrap();
    let mut copy = std::pin::pin!(copy);
    let rows =
        tokio_postgres::types::private::BytesMut::from("d\tm\t\\\\x00\ne\tm\t\\\\x00\n").freeze();
    futures::SinkExt::send(&mut copy, rows).await.unwrap();
    copy.finish().await.unwrap();
    assert_eq!(items(&client, before + 1).await, ["device:d", "device:e"]);
}

#[tokio::test]
async fn ten_thousand_rows_in_one_transaction_take_one_number() {
    let (_database, mut client) = database().await;
    let tx = client.transaction().await.unwrap();
    tx.batch_execute(
        "INSERT INTO device (device_id, model, public_key)
         SELECT 'd' || i, 'm', '\\x00' FROM generate_series(1, 10000) AS i;
         UPDATE device SET suspended = true;
         UPDATE device SET lifecycle = 'pending' WHERE device_id < 'd5'",
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(newest(&client).await, 1);
    assert_eq!(
        number(&client, "SELECT items::bigint FROM change").await,
        10_000
    );
    assert_eq!(
        number(&client, "SELECT count(*) FROM change_item").await,
        10_000
    );
}

#[tokio::test]
async fn rolled_back_savepoints_and_transactions_leave_nothing() {
    let (_database, client) = database().await;
    for id in ["a", "b", "c"] {
        add_device(&client, id).await;
    }
    client
        .batch_execute(
            "BEGIN; UPDATE device SET suspended = true; ROLLBACK;
             BEGIN;
               SAVEPOINT one; UPDATE device SET suspended = true; ROLLBACK TO one;
             COMMIT;
             BEGIN;
               SAVEPOINT one; UPDATE device SET suspended = true WHERE device_id = 'a'; ROLLBACK TO one;
               UPDATE device SET suspended = true WHERE device_id = 'b';
               SAVEPOINT two; UPDATE device SET suspended = true WHERE device_id = 'c'; ROLLBACK TO two;
             COMMIT",
        )
        .await
        .unwrap();
    assert_eq!(newest(&client).await, 4);
    assert_eq!(items(&client, 4).await, ["device:b"]);
    assert_eq!(
        number(&client, "SELECT count(*) FROM change_marker").await,
        0
    );
}

#[tokio::test]
async fn outbox_rows_carry_the_number_of_their_own_transaction() {
    let (_database, mut client) = database().await;
    let put = "INSERT INTO outbox (kind, subject) VALUES ('end_device_sessions', $1)";
    client.execute(put, &[&"without a change"]).await.unwrap();
    for id in ["a", "b"] {
        let tx = client.transaction().await.unwrap();
        tx.execute(put, &[&format!("{id} before")]).await.unwrap();
        tx.execute(
            "INSERT INTO device (device_id, model, public_key) VALUES ($1, 'm', '\\x00')",
            &[&id],
        )
        .await
        .unwrap();
        tx.execute(put, &[&format!("{id} after")]).await.unwrap();
        tx.commit().await.unwrap();
    }
    let rows = client
        .query("SELECT subject, change_number FROM outbox ORDER BY id", &[])
        .await
        .unwrap();
    let found: Vec<(String, Option<i64>)> =
        rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let expected = [
        ("without a change", None),
        ("a before", Some(1)),
        ("a after", Some(1)),
        ("b before", Some(2)),
        ("b after", Some(2)),
    ];
    assert_eq!(
        found,
        expected.map(|(subject, number)| (subject.to_owned(), number))
    );
}

#[tokio::test]
async fn writers_of_stronger_isolation_are_refused_at_commit() {
    let (_database, mut client) = database().await;
    add_device(&client, "a").await;
    for (level, name) in [
        (IsolationLevel::RepeatableRead, "REPEATABLE READ"),
        (IsolationLevel::Serializable, "SERIALIZABLE"),
    ] {
        let tx = client
            .build_transaction()
            .isolation_level(level)
            .start()
            .await
            .unwrap();
        tx.batch_execute("UPDATE device SET suspended = true")
            .await
            .unwrap();
        let (code, message) = refusal(tx.commit().await);
        assert_eq!(code, schema::words::SQLSTATE_CANNOT_BE_NUMBERED);
        assert!(
            message.contains("READ COMMITTED") && message.contains(name),
            "{message}"
        );

        // Reading, and changing what hooks do not read, stays allowed.
        let tx = client
            .build_transaction()
            .isolation_level(level)
            .start()
            .await
            .unwrap();
        tx.batch_execute("UPDATE device SET model = 'm2'")
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(newest(&client).await, 1);
    assert_eq!(
        number(&client, "SELECT count(*) FROM device WHERE suspended").await,
        0
    );
}

#[tokio::test]
async fn a_second_number_for_one_transaction_is_refused() {
    let (_database, client) = database().await;
    for id in ["a", "b"] {
        add_device(&client, id).await;
    }
    let (code, message) = refusal(
        client
            .batch_execute(
                "BEGIN; SET CONSTRAINTS ALL IMMEDIATE;
                 UPDATE device SET suspended = true WHERE device_id = 'a';
                 UPDATE device SET suspended = true WHERE device_id = 'b'; COMMIT",
            )
            .await,
    );
    assert_eq!(code, schema::words::SQLSTATE_CANNOT_BE_NUMBERED);
    assert!(message.contains("has a change number already"), "{message}");
    client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(newest(&client).await, 2);
}

#[tokio::test]
async fn replica_sessions_are_numbered_and_truncate_is_refused() {
    let (_database, client) = database().await;
    add_device(&client, "a").await;
    client
        .batch_execute("SET session_replication_role = replica; UPDATE device SET suspended = true")
        .await
        .unwrap();
    assert_eq!(newest(&client).await, 2);
    for table in [
        "device CASCADE",
        "service_client_right",
        "change",
        "change_entry",
        "feed_state",
    ] {
        let (_, message) = refusal(client.batch_execute(&format!("TRUNCATE {table}")).await);
        assert!(message.contains("would bypass the change log"), "{message}");
    }
}

#[tokio::test]
async fn one_notification_per_transaction_carries_its_number() {
    let (database, client) = database().await;
    let (listener, mut connection) =
        tokio_postgres::connect(&database.hook_url(), tokio_postgres::NoTls)
            .await
            .unwrap();
    let (seen_tx, mut seen) = tokio::sync::mpsc::channel(16);
    tokio::spawn(async move {
        let mut messages =
            futures::stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = futures::StreamExt::next(&mut messages).await {
            if let tokio_postgres::AsyncMessage::Notification(note) = message {
                seen_tx
                    .send((note.channel().to_owned(), note.payload().to_owned()))
                    .await
                    .unwrap();
            }
        }
    });
    listener
        .batch_execute(&format!("LISTEN {}", schema::words::CHANGE_CHANNEL))
        .await
        .unwrap();
    let write: BoxFuture<'_, ()> = Box::pin(async {
        add_device(&client, "a").await;
        client
            .batch_execute(
                "BEGIN; UPDATE device SET suspended = true; UPDATE device SET lifecycle = 'bound'; COMMIT;
                 UPDATE device SET model = 'silent'; UPDATE device SET suspended = false",
            )
            .await
            .unwrap();
    });
    write.await;
    for expected in ["1", "2", "3"] {
        let (channel, payload) = seen.recv().await.unwrap();
        assert_eq!(
            (channel.as_str(), payload.as_str()),
            ("iot_hub_change", expected)
        );
        payload.parse::<schema::ChangeNumber>().unwrap();
    }
    drop(connect(&database.url()).await);
}

#[tokio::test]
async fn a_revoked_thing_stays_revoked() {
    let (_database, client) = database().await;
    add_device(&client, "a").await;
    add_certificate(&client, "a").await;
    client
        .batch_execute(
            "UPDATE device SET lifecycle = 'revoked'; UPDATE certificate SET state = 'revoked'",
        )
        .await
        .unwrap();
    for back in [
        "UPDATE device SET lifecycle = 'unbound'",
        "UPDATE certificate SET state = 'active'",
    ] {
        let (code, message) = refusal(client.batch_execute(back).await);
        assert_eq!(code, "23514");
        assert!(message.contains("stays revoked"), "{message}");
    }
    client
        .batch_execute("UPDATE device SET lifecycle = 'revoked', suspended = true")
        .await
        .unwrap();
}
