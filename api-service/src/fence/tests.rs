use std::time::{Duration, Instant};

use dev_postgres::{Cluster, Options};
use schema::testing::MigratedDatabase;
use tokio_postgres::{Client, NoTls};

use super::*;
use crate::store::StoreConfig;

/// Conditions are waited for this long before a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn fence_at(url: &str) -> Fence {
    let config = StoreConfig {
        postgres: url.parse().unwrap(),
        ca_file: None,
        pool_size_max: 4,
    };
    Fence::new(Store::new(config).unwrap(), Metrics::new())
}

/// A database with one change, its superuser, and a fence with the rights of api-service.
async fn fixture() -> (MigratedDatabase, Client, Fence) {
    let database = MigratedDatabase::create().await.unwrap();
    let client = connect(&database.url()).await;
    execute(&client, CHANGE).await;
    let fence = fence_at(&database.api_url());
    (database, client, fence)
}

const CHANGE: &str = "INSERT INTO device (device_id, model, public_key)
                      VALUES ('dev-' || (SELECT count(*) FROM device), 'test', '\\x00')";

async fn execute(client: &Client, sql: &str) {
    client.batch_execute(sql).await.unwrap();
}

/// A lease that somebody holds.
async fn lease(client: &Client, name: &str, applied: i64, length_ms: i32) {
    let sql = format!(
        "INSERT INTO hook_lease (process_uuid, replica_name, applied, length_ms)
         VALUES (gen_random_uuid(), '{name}', {applied}, {length_ms})"
    );
    execute(client, &sql).await;
}

/// Waits until the wait of `waiting` was looked at, by seeing that the watcher reads the leases.
async fn looked_at(client: &Client) {
    let reads = "SELECT seq_scan + coalesce(idx_scan, 0) FROM pg_stat_user_tables
                  WHERE relname = 'hook_lease'";
    let count = async || -> i64 { client.query_one(reads, &[]).await.unwrap().get(0) };
    let (start, before) = (Instant::now(), count().await);
    while count().await <= before + 1 {
        assert!(start.elapsed() < PATIENCE, "nobody looks at the leases");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn ends(waiting: impl Future<Output = Fenced>) -> Fenced {
    tokio::time::timeout(PATIENCE, waiting).await.unwrap()
}

fn told(fenced: &Fenced) -> Vec<(&str, How)> {
    let replicas = fenced.replicas.iter();
    replicas
        .map(|replica| (replica.name.as_str(), replica.how))
        .collect()
}

#[tokio::test]
async fn with_no_replica_there_is_nobody_to_wait_for() {
    let (_database, _client, fence) = fixture().await;
    let fenced = ends(fence.wait(1)).await;
    assert_eq!(
        (fenced.replicas.len(), fenced.durability),
        (0, Durability::Local)
    );
}

#[tokio::test]
async fn it_ends_when_the_last_replica_has_applied_the_change() {
    let (_database, client, fence) = fixture().await;
    lease(&client, "one", 1, 300_000).await;
    lease(&client, "two", 0, 300_000).await;
    let waiting = tokio::spawn(async move { fence.wait(1).await });
    looked_at(&client).await;
    assert!(!waiting.is_finished());
    execute(
        &client,
        "UPDATE hook_lease SET applied = 1, renewals = renewals + 1",
    )
    .await;
    let fenced = ends(async { waiting.await.unwrap() }).await;
    assert_eq!(
        told(&fenced),
        [("one", How::Applied), ("two", How::Applied)]
    );
    assert!(
        fenced
            .replicas
            .iter()
            .all(|replica| replica.after <= fenced.after)
    );
}

#[tokio::test]
async fn a_replica_that_falls_silent_lapses_and_one_that_gives_its_lease_back_is_gone() {
    let (_database, client, fence) = fixture().await;
    lease(&client, "silent", 0, 500).await;
    lease(&client, "ended", 0, 300_000).await;
    let waiting = tokio::spawn(async move { fence.wait(1).await });
    looked_at(&client).await;
    execute(
        &client,
        "DELETE FROM hook_lease WHERE replica_name = 'ended'",
    )
    .await;
    let fenced = ends(async { waiting.await.unwrap() }).await;
    assert_eq!(
        told(&fenced),
        [("ended", How::Gone), ("silent", How::Lapsed)]
    );
}

#[tokio::test]
async fn a_replica_that_starts_meanwhile_is_waited_for_too() {
    let (_database, client, fence) = fixture().await;
    lease(&client, "one", 0, 300_000).await;
    let waiting = tokio::spawn(async move { fence.wait(1).await });
    looked_at(&client).await;
    execute(
        &client,
        "BEGIN;
         INSERT INTO hook_lease (process_uuid, replica_name, applied, length_ms)
         VALUES (gen_random_uuid(), 'two', 0, 300000);
         UPDATE hook_lease SET applied = 1 WHERE replica_name = 'one';
         COMMIT",
    )
    .await;
    looked_at(&client).await;
    assert!(!waiting.is_finished());
    execute(&client, "UPDATE hook_lease SET applied = 1").await;
    let fenced = ends(async { waiting.await.unwrap() }).await;
    assert_eq!(
        told(&fenced),
        [("one", How::Applied), ("two", How::Applied)]
    );
}

#[tokio::test]
async fn a_replica_that_serves_known_devices_is_waited_for_without_end() {
    let (_database, client, fence) = fixture().await;
    lease(&client, "one", 0, ::lease::LENGTH_ENDLESS_MS).await;
    let waiting = tokio::spawn(async move { fence.wait(1).await });
    for _ in 0..3 {
        looked_at(&client).await;
    }
    assert!(!waiting.is_finished());
    execute(&client, "DELETE FROM hook_lease").await;
    let fenced = ends(async { waiting.await.unwrap() }).await;
    assert_eq!(told(&fenced), [("one", How::Gone)]);
}

#[tokio::test]
async fn many_waits_are_one_watcher_and_each_gets_its_own_answer() {
    let (_database, client, fence) = fixture().await;
    for _ in 0..9 {
        execute(&client, CHANGE).await;
    }
    lease(&client, "one", 5, 300_000).await;
    let all = (0..2 * ASKED_MAX).map(|n| {
        let (fence, number) = (fence.clone(), i64::try_from(n % 10).unwrap() + 1);
        tokio::spawn(async move { (number, fence.wait(number).await) })
    });
    let mut all: Vec<_> = all.collect();
    looked_at(&client).await;
    for waiting in all.extract_if(.., |waiting| waiting.is_finished()) {
        assert!(waiting.await.unwrap().0 <= 5, "the others wait");
    }
    execute(&client, "UPDATE hook_lease SET applied = 10").await;
    for waiting in all {
        let (_, fenced) = tokio::time::timeout(PATIENCE, waiting)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(told(&fenced), [("one", How::Applied)]);
    }
}

#[tokio::test]
async fn it_waits_through_a_database_that_hangs_up() {
    let (_database, client, fence) = fixture().await;
    lease(&client, "one", 0, 300_000).await;
    let waiting = tokio::spawn(async move { fence.wait(1).await });
    looked_at(&client).await;
    execute(
        &client,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .await;
    looked_at(&client).await;
    execute(&client, "UPDATE hook_lease SET applied = 1").await;
    let fenced = ends(async { waiting.await.unwrap() }).await;
    assert_eq!(told(&fenced), [("one", How::Applied)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicated_is_said_only_of_what_a_synchronous_standby_is_seen_to_have() {
    let options = Options {
        durable: true,
        ..Options::default()
    };
    let start = move || Cluster::start(options).unwrap();
    let primary = tokio::task::spawn_blocking(start).await.unwrap();
    let admin_url = primary.url("postgres", "postgres");
    schema::testing::prepare(admin_url.clone()).await.unwrap();
    let admin = connect(&admin_url).await;
    execute(&admin, CHANGE).await;
    let fence = fence_at(&primary.url("postgres", "test_api"));
    let standby = tokio::task::block_in_place(|| primary.standby().unwrap());
    assert_eq!(ends(fence.wait(1)).await.durability, Durability::Local);
    execute(&admin, "ALTER SYSTEM SET synchronous_standby_names = '*'").await;
    execute(&admin, "SELECT pg_reload_conf()").await;
    let durability = async || ends(fence.wait(1)).await.durability.as_str();
    let began = Instant::now();
    while durability().await != "replicated" {
        assert!(began.elapsed() < PATIENCE, "the standby is never seen");
    }
    execute(&admin, "REVOKE pg_read_all_stats FROM iot_hub_api").await;
    assert_eq!(durability().await, "local", "it may not see the standby");
    drop(standby);
}
