//! The tables' checks refuse what the newtypes refuse, and the other way round.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use schema::{DeviceId, ServiceClientName, TopicFilter};
use tokio_postgres::Client;

use crate::support::{add_device, database, refusal};

const TEXTS: usize = 3000;

/// Asks the database about many texts at once and compares with the newtype's opinion.
async fn compare(client: &Client, function: &str, texts: Vec<String>, ours: impl Fn(&str) -> bool) {
    let sql = format!("SELECT text, {function}(text) FROM unnest($1::text[]) AS text");
    let rows = client.query(&sql, &[&texts]).await.unwrap();
    assert_eq!(rows.len(), texts.len());
    let mut accepted = 0;
    for row in rows {
        let (text, theirs): (String, bool) = (row.get(0), row.get(1));
        assert_eq!(
            ours(&text),
            theirs,
            "{function} and its newtype differ on {text:?}"
        );
        accepted += usize::from(theirs);
    }
    assert!(
        accepted > 100,
        "the strategy makes some good ones: {accepted}"
    );
    assert!(
        accepted < texts.len() - 100,
        "the strategy makes some bad ones: {accepted}"
    );
}

fn draw(strategy: impl Strategy<Value = String>) -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    (0..TEXTS)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect()
}

#[tokio::test]
async fn device_ids_are_judged_alike() {
    let (_database, client) = database().await;
    let texts = draw(prop_oneof![
        "[A-Za-z0-9_-]{0,66}",
        "[ -~]{0,6}",
        "[A-Za-z0-9_ä\\n.+#/-]{1,4}"
    ]);
    compare(&client, "is_device_id", texts, |text| {
        DeviceId::parse(text).is_ok()
    })
    .await;
}

#[tokio::test]
async fn service_client_names_are_judged_alike() {
    let (_database, client) = database().await;
    let texts = draw(prop_oneof!["[a-z0-9-]{0,34}", "[a-zA-Z0-9_.\\n-]{0,4}"]);
    compare(&client, "is_service_client_name", texts, |text| {
        ServiceClientName::parse(text).is_ok()
    })
    .await;
}

#[tokio::test]
async fn topic_filters_are_judged_alike() {
    let (_database, client) = database().await;
    let level = "([+]|#|a|bc|[+]a|#b||\\$SYS|\\$\\{x\\}|eq a|ä|\u{85}|\u{1f}|\u{a0}|\n)";
    let filter = format!("{level}(/{level}){{0,4}}");
    let texts = draw(prop_oneof![
        4 => proptest::string::string_regex(&filter).unwrap(),
        2 => "(a|b|[+])(/(a|b|[+])){0,5}(/#)?",
        1 => "[ä-ö]{120,135}",
    ]);
    compare(&client, "is_topic_filter", texts, |text| {
        TopicFilter::parse(text).is_ok()
    })
    .await;
}

#[tokio::test]
async fn rows_outside_the_bounds_are_refused() {
    let (_database, client) = database().await;
    add_device(&client, "a").await;
    client
        .batch_execute("INSERT INTO service_client (name) VALUES ('gw')")
        .await
        .unwrap();
    let certificate = |fingerprint: &str, serial: &str, end: &str, der: &str| {
        format!(
            "INSERT INTO certificate (fingerprint, device_id, serial, not_before, not_after, der)
             VALUES ({fingerprint}, 'a', {serial}, now(), now() + interval '{end}', {der})"
        )
    };
    let bytes = |count: usize| format!("decode(repeat('01', {count}), 'hex')");
    let statements = [
        "INSERT INTO device (device_id, model, public_key) VALUES ('a.b', 'm', '\\x00')".to_owned(),
        "INSERT INTO device (device_id, model, public_key) VALUES ('b', '', '\\x00')".to_owned(),
        format!(
            "INSERT INTO device (device_id, model, public_key) VALUES ('b', '{}', '\\x00')",
            "m".repeat(65)
        ),
        format!(
            "INSERT INTO device (device_id, model, public_key) VALUES ('b', 'm', {})",
            bytes(513)
        ),
        "UPDATE device SET lifecycle = 'stolen'".to_owned(),
        certificate(&bytes(31), &bytes(1), "1 d", &bytes(1)),
        certificate(&bytes(33), &bytes(1), "1 d", &bytes(1)),
        certificate(&bytes(32), &bytes(21), "1 d", &bytes(1)),
        certificate(&bytes(32), &bytes(1), "0 d", &bytes(1)),
        certificate(&bytes(32), &bytes(1), "1 d", &bytes(16_385)),
        "INSERT INTO service_client (name) VALUES ('GW')".to_owned(),
        "INSERT INTO service_client_right VALUES ('gw', 'publish', '+/a/+')".to_owned(),
        "INSERT INTO service_client_right VALUES ('gw', 'all', 'a')".to_owned(),
        "INSERT INTO hook_lease VALUES (gen_random_uuid(), 'r', 0, 0, 300001)".to_owned(),
        "INSERT INTO hook_lease VALUES (gen_random_uuid(), '', 0, 0, 1)".to_owned(),
        "INSERT INTO outbox (kind, subject) VALUES ('', 's')".to_owned(),
        "INSERT INTO feed_state VALUES (false, gen_random_uuid())".to_owned(),
        format!(
            "INSERT INTO idempotency_key (account, key, request_hash) VALUES ('a', '{}', {})",
            "k".repeat(256),
            bytes(32)
        ),
    ];
    for statement in statements {
        let (code, message) = refusal(client.batch_execute(&statement).await);
        assert_eq!(code, "23514", "{statement}: {message}");
    }
}
