//! Databases of tests in the shared cluster.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use dev_postgres::{BoxError, TestDatabase};

use crate::support::{connect, number, until};

async fn fill(url: String, times: Arc<AtomicU32>) -> Result<(), BoxError> {
    times.fetch_add(1, Ordering::SeqCst);
    let client = connect(&url).await?;
    client
        .batch_execute("CREATE TABLE t (n bigint); INSERT INTO t VALUES (1)")
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tests_at_once_share_one_template_and_no_data() {
    let times = Arc::new(AtomicU32::new(0));
    let key = format!(
        "share_{}",
        uuid::Uuid::new_v4().simple().to_string().split_at(12).0
    );
    let tests: Vec<_> = (0..16)
        .map(|_| {
            let (times, key) = (Arc::clone(&times), key.clone());
            tokio::spawn(async move {
                let database = TestDatabase::create(&key, |url| fill(url, times))
                    .await
                    .unwrap();
                let client = connect(&database.url("postgres")).await.unwrap();
                client
                    .batch_execute("INSERT INTO t VALUES (2)")
                    .await
                    .unwrap();
                number(&client, "SELECT count(*) FROM t").await
            })
        })
        .collect();
    for test in tests {
        assert_eq!(test.await.unwrap(), 2);
    }
    assert_eq!(
        times.load(Ordering::SeqCst),
        1,
        "the template was prepared once"
    );
}

#[tokio::test]
async fn a_dropped_test_database_is_gone() {
    let kept = TestDatabase::empty().await.unwrap();
    let dropped = TestDatabase::empty().await.unwrap();
    let name = dropped.name().to_owned();
    let still_open = connect(&dropped.url("postgres")).await.unwrap();
    drop(dropped);
    let client = connect(&kept.url("postgres")).await.unwrap();
    let sql = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
    assert_eq!(number(&client, &sql).await, 0);
    until("its last client is cut off", || still_open.is_closed()).await;
}

#[tokio::test]
async fn a_failed_preparation_leaves_no_template_and_can_be_repeated() {
    let key = format!(
        "fail_{}",
        uuid::Uuid::new_v4().simple().to_string().split_at(12).0
    );
    let failed = TestDatabase::create(&key, |_| async { Err("not today".into()) }).await;
    assert!(failed.unwrap_err().to_string().contains("not today"));
    let times = Arc::new(AtomicU32::new(0));
    let database = TestDatabase::create(&key, |url| fill(url, times))
        .await
        .unwrap();
    let client = connect(&database.url("postgres")).await.unwrap();
    assert_eq!(number(&client, "SELECT count(*) FROM t").await, 1);
}
