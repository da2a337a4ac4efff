//! Trimming, and a new epoch after a restore.

use schema::change_log;

use crate::support::{add_device, database, items, newest, number, refusal};

#[tokio::test]
async fn trimming_keeps_the_newest_and_numbers_go_on_from_it() {
    let (_database, client) = database().await;
    for id in 0..10 {
        add_device(&client, &format!("d{id}")).await;
    }
    assert_eq!(change_log::trim(&client, 4).await.unwrap(), 6);
    assert_eq!(number(&client, "SELECT min(number) FROM change").await, 7);
    assert_eq!(
        number(&client, "SELECT count(*) FROM change_entry").await,
        4
    );
    assert_eq!(items(&client, 7).await, ["device:d6"]);

    assert_eq!(change_log::trim(&client, 1).await.unwrap(), 3);
    assert_eq!(change_log::trim(&client, 1).await.unwrap(), 0);
    add_device(&client, "next").await;
    assert_eq!(newest(&client).await, 11);

    for keep in [0, -1, i64::MIN] {
        let (code, message) = refusal(change_log::trim(&client, keep).await);
        assert_eq!(code, "22023");
        assert!(message.contains("keep >= 1"), "{message}");
    }
    assert_eq!(newest(&client).await, 11);
}

#[tokio::test]
async fn trimming_an_empty_log_does_nothing() {
    let (_database, client) = database().await;
    assert_eq!(change_log::trim(&client, i64::MAX).await.unwrap(), 0);
}

#[tokio::test]
async fn a_new_epoch_is_another_one_and_keeps_the_numbers() {
    let (_database, client) = database().await;
    add_device(&client, "a").await;
    let first = change_log::bump_epoch(&client).await.unwrap();
    let second = change_log::bump_epoch(&client).await.unwrap();
    assert_ne!(first, second);
    let stored: uuid::Uuid = client
        .query_one("SELECT epoch FROM feed_state", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(stored, second);
    add_device(&client, "b").await;
    assert_eq!(newest(&client).await, 2);
    assert_eq!(items(&client, 2).await, ["device:b"]);
}

/// A dump restored into another cluster brings transaction ids that will come again there.
#[tokio::test]
async fn a_transaction_id_of_another_cluster_is_refused_until_the_epoch_is_new() {
    let (_database, client) = database().await;
    add_device(&client, "a").await;
    // As if the log had been restored and this transaction were given an id that it holds already.
    let restored = "BEGIN;
        UPDATE change SET txid = pg_current_xact_id();
        UPDATE change_entry SET txid = pg_current_xact_id();";
    let change = "UPDATE device SET suspended = true; COMMIT";

    let (code, message) = refusal(client.batch_execute(&format!("{restored} {change}")).await);
    assert_eq!(
        code,
        schema::words::SQLSTATE_CANNOT_BE_NUMBERED,
        "{message}"
    );
    assert_eq!(newest(&client).await, 1);

    client
        .batch_execute(&format!("{restored} SELECT bump_epoch(); {change}"))
        .await
        .unwrap();
    assert_eq!(items(&client, 2).await, ["device:a"]);
}
