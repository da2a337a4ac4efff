//! Numbers under many writers at once: no gap, commit order, one each.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use schema::testing::MigratedDatabase;

use crate::support::{add_device, connect, database, items, newest, number};

const WRITERS: u64 = 24;
const TRANSACTIONS: u64 = 40;
const SEED: u64 = 20_260_722;

/// Commits transactions of one to three devices of its own, aborting one of five; says how many
/// it committed.
async fn write(database: &MigratedDatabase, writer: u64) -> i64 {
    let mut random = StdRng::seed_from_u64(SEED + writer);
    let mut client = connect(&database.api_url()).await;
    let mut committed = 0;
    for round in 0..TRANSACTIONS {
        let tx = client.transaction().await.unwrap();
        for part in 0..random.random_range(1..=3) {
            let id = format!("w{writer}-{round}-{part}");
            let insert =
                "INSERT INTO device (device_id, model, public_key) VALUES ($1, 'm', '\\x00')";
            tx.execute(insert, &[&id]).await.unwrap();
            if random.random_bool(0.3) {
                tokio::task::yield_now().await;
            }
        }
        if random.random_bool(0.2) {
            tx.rollback().await.unwrap();
        } else {
            tx.commit().await.unwrap();
            committed += 1;
        }
    }
    committed
}

/// Follows the log as hook-service does, until `last`: every look must show 1, 2, 3, .. without gap.
async fn follow(database: &MigratedDatabase, last: impl Fn() -> Option<i64>) -> i64 {
    let client = connect(&database.hook_url()).await;
    let mut applied = 0;
    loop {
        let stop_at = last();
        let new = client
            .query(
                "SELECT number FROM change WHERE number > $1 ORDER BY number",
                &[&applied],
            )
            .await
            .unwrap();
        for row in new {
            let number: i64 = row.get(0);
            assert_eq!(
                number,
                applied + 1,
                "a reader saw a gap, or a number behind one it had"
            );
            applied = number;
        }
        if stop_at == Some(applied) {
            return applied;
        }
        assert!(
            stop_at.is_none_or(|last| applied <= last),
            "more numbers than commits"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn numbers_have_no_gap_and_appear_in_commit_order_to_every_reader() {
    let (database, client) = database().await;
    let committed = tokio::sync::watch::channel(None);
    let writers = async {
        let all = (0..WRITERS).map(|writer| write(&database, writer));
        let total: i64 = futures::future::join_all(all).await.into_iter().sum();
        committed.0.send(Some(total)).unwrap();
        total
    };
    let reader = follow(&database, || *committed.1.borrow());
    let (total, seen) = tokio::join!(writers, reader);
    assert_eq!(seen, total);
    assert!(
        total < i64::try_from(WRITERS * TRANSACTIONS).unwrap(),
        "some were aborted"
    );

    // Every committed device is listed exactly once, under the number of its own transaction.
    let mismatches = "SELECT count(*) FROM device
                        FULL JOIN change_item ON id = device_id
                       WHERE device_id IS NULL OR id IS NULL";
    assert_eq!(number(&client, mismatches).await, 0);
    assert_eq!(
        number(&client, "SELECT max(number) - count(*) FROM change").await,
        0
    );
    let sums = "SELECT sum(items) - (SELECT count(*) FROM change_item) FROM change";
    assert_eq!(number(&client, sums).await, 0);
    assert_eq!(
        number(&client, "SELECT count(*) FROM change_marker").await,
        0
    );
}

#[tokio::test]
async fn the_first_to_commit_is_numbered_first_however_early_the_other_began() {
    let (database, _) = database().await;
    let early = connect(&database.url()).await;
    let late = connect(&database.url()).await;
    early.batch_execute("BEGIN").await.unwrap();
    add_device(&early, "began-first").await;
    late.batch_execute("BEGIN").await.unwrap();
    add_device(&late, "began-second").await;
    late.batch_execute("COMMIT").await.unwrap();
    assert_eq!(
        newest(&early).await,
        1,
        "the second is visible to the first by now"
    );
    early.batch_execute("COMMIT").await.unwrap();

    assert_eq!(items(&late, 1).await, ["device:began-second"]);
    assert_eq!(items(&late, 2).await, ["device:began-first"]);
    let order = "SELECT count(*) FROM change AS a JOIN change AS b ON a.number = b.number - 1
                  WHERE a.txid > b.txid";
    assert_eq!(
        number(&late, order).await,
        1,
        "transaction ids stand the other way round"
    );
}

#[tokio::test]
async fn a_long_transaction_holds_nobody_up_before_it_commits() {
    let (database, client) = database().await;
    let long = connect(&database.url()).await;
    long.batch_execute(
        "BEGIN; INSERT INTO device (device_id, model, public_key)
                SELECT 'long' || i, 'm', '\\x00' FROM generate_series(1, 5000) AS i",
    )
    .await
    .unwrap();
    client
        .batch_execute("SET statement_timeout = '10s'")
        .await
        .unwrap();
    add_device(&client, "short").await;
    assert_eq!(items(&client, 1).await, ["device:short"]);
    long.batch_execute("COMMIT").await.unwrap();
    assert_eq!(
        number(&client, "SELECT items::bigint FROM change WHERE number = 2").await,
        5000
    );
}
