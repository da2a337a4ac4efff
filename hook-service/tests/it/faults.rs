//! A database that is slow, gone, wrong, or another one than before.

use std::process::Command;
use std::time::{Duration, Instant};

use dev_postgres::{Cluster, Options, Stop};
use hook_service::feed::FeedError;
use hook_service::metrics::Reload;
use hook_service::service::ServiceError;
use schema::testing::MigratedDatabase;

use crate::support::{
    config, connect, execute, get, newest, registered, start, start_ready, until,
};

const BOUND: Duration = Duration::from_millis(1500);

/// A cluster of its own, for faults that would hit the other tests.
async fn cluster() -> Cluster {
    let options = Options {
        durable: false,
        ..Options::default()
    };
    let cluster = tokio::task::spawn_blocking(|| Cluster::start(options).unwrap())
        .await
        .unwrap();
    schema::testing::prepare(cluster.url("postgres", "postgres"))
        .await
        .unwrap();
    cluster
}

#[tokio::test(flavor = "multi_thread")]
async fn without_news_it_allows_up_to_the_bound_then_denies_then_heals() {
    let mut cluster = cluster().await;
    let client = connect(&cluster.url("postgres", "postgres")).await;
    registered(&client, &["dev-1"]).await;
    let mut config = config(&cluster.url("postgres", "test_hook"), &[]);
    config.feed.staleness_max = BOUND;
    let service = start(config).await;
    service.ready().await;
    let paused = Instant::now();
    cluster.pause();
    let mut allowed = 0;
    let mut denied_after = None;
    while denied_after.is_none() {
        match service.lets_in_unless_overtaken("dev-1").await {
            Some(true) => allowed += 1,
            Some(false) => denied_after = Some(paused.elapsed()),
            None => {} // It came just at the end of the lease.
        }
        assert!(
            paused.elapsed() < Duration::from_secs(30),
            "it never stopped allowing"
        );
    }
    assert!(allowed > 0, "it allowed for a while");
    assert_eq!(get(service.ops, "/readyz").await.0, 503);
    assert!(!service.lets_in("dev-1").await, "and goes on denying");
    cluster.resume();
    service.until_lets_in("dev-1", true).await;
    service.ready().await;
    assert!(
        service.metrics.lapses.get() >= 1,
        "a new lease was taken after the lapse"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_database_is_not_seen_by_the_broker() {
    let mut cluster = cluster().await;
    let client = connect(&cluster.url("postgres", "postgres")).await;
    registered(&client, &["dev-1"]).await;
    let service = start_ready(&cluster.url("postgres", "test_hook")).await;
    let restarting = tokio::task::spawn_blocking(move || {
        cluster.restart(Stop::Fast).unwrap();
        cluster
    });
    while !restarting.is_finished() {
        assert!(service.lets_in("dev-1").await);
        assert!(!service.lets_in("nobody").await);
    }
    let cluster = restarting.await.unwrap();
    let client = connect(&cluster.url("postgres", "postgres")).await;
    let number = registered(&client, &["dev-2"]).await;
    service.until_applied(number).await;
    assert!(service.lets_in("dev-2").await);
    assert_eq!(service.metrics.reloads(Reload::Start), 1);
    assert_eq!(service.metrics.reloads(Reload::Identity), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn known_devices_are_served_past_the_bound_only_where_an_operator_chose_it() {
    let mut cluster = cluster().await;
    let client = connect(&cluster.url("postgres", "postgres")).await;
    registered(&client, &["dev-1"]).await;
    let url = cluster.url("postgres", "test_hook");
    let mut config = config(&url, &[("HOOK_SERVE_KNOWN", "true")]);
    config.feed.staleness_max = BOUND;
    let service = start(config).await;
    service.ready().await;
    cluster.pause();
    until("the bound has passed", async || {
        get(service.ops, "/readyz").await.0 == 503
    })
    .await;
    assert!(service.lets_in("dev-1").await);
    assert!(!service.lets_in("nobody").await);
    cluster.resume();
    service.ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_standby_that_missed_a_change_is_loaded_as_a_whole() {
    let mut primary = cluster().await;
    let client = connect(&primary.url("postgres", "postgres")).await;
    registered(&client, &["dev-1", "dev-2"]).await;
    let standby = tokio::task::block_in_place(|| primary.standby().unwrap());
    standby.stop_receiving().await.unwrap();

    let url = format!(
        "postgres://test_hook@127.0.0.1:{},127.0.0.1:{}/postgres?target_session_attrs=read-write",
        primary.port(),
        standby.port()
    );
    let service = start_ready(&url).await;
    // Only the primary ever knows of this one.
    execute(
        &client,
        "UPDATE device SET suspended = true WHERE device_id = 'dev-1'",
    )
    .await;
    service.until_lets_in("dev-1", false).await;
    let lost = newest(&client).await;
    // The new history reaches the same number with another change before the old primary is gone:
    // numbers alone tell nothing.
    standby.promote().await.unwrap();
    let client = connect(&standby.url("postgres", "postgres")).await;
    execute(
        &client,
        "UPDATE device SET suspended = true WHERE device_id = 'dev-2'",
    )
    .await;
    assert_eq!(newest(&client).await, lost);
    assert!(!service.lets_in("dev-1").await && service.lets_in("dev-2").await);
    primary.stop(Stop::Immediate);

    service.until_lets_in("dev-1", true).await;
    assert!(!service.lets_in("dev-2").await);
    assert_eq!(service.metrics.reloads(Reload::Identity), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_never_followed() {
    let primary = cluster().await;
    let standby = tokio::task::block_in_place(|| primary.standby().unwrap());
    let service = start(config(&standby.url("postgres", "test_hook"), &[])).await;
    until("the link was refused", async || {
        service.metrics.link_failures.get() > 1
    })
    .await;
    assert_eq!(get(service.ops, "/readyz").await.0, 503);
}

#[tokio::test]
async fn it_waits_for_a_database_that_is_not_there_and_denies_meanwhile() {
    // A port that was free a moment ago: nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("postgres://hook@127.0.0.1:{}/none", free.port());
    let service = start(config(&url, &[])).await;
    until("it tried twice", async || {
        service.metrics.link_failures.get() > 1
    })
    .await;
    assert!(!service.lets_in("dev-1").await);
    let (status, reason) = get(service.ops, "/readyz").await;
    assert_eq!(status, 503);
    assert!(reason.contains("not loaded"), "{reason}");
    assert_eq!(get(service.ops, "/livez").await.0, 200);
    service.stop().await.unwrap();
}

#[tokio::test]
async fn a_database_without_the_schema_ends_it_with_what_to_run() {
    let database = dev_postgres::TestDatabase::empty().await.unwrap();
    let service = start(config(&database.url("postgres"), &[])).await;
    let ended = service.ended.await.unwrap().unwrap_err();
    assert!(
        matches!(&ended, ServiceError::Feed(FeedError::Version(_))),
        "{ended}"
    );
    assert!(ended.is_configuration());
    assert!(ended.to_string().contains("schema migrate"), "{ended}");
}

#[tokio::test]
async fn a_process_ends_with_78_and_one_sentence_where_its_settings_are_wrong() {
    let database = MigratedDatabase::create().await.unwrap();
    let empty = dev_postgres::TestDatabase::empty().await.unwrap();
    let good = database.hook_url();
    let nobody = good.replacen("test_hook", "nobody_of_this_name", 1);
    let unmigrated = empty.url("postgres");
    for (settings, code, says) in [
        (vec![], 78, "HOOK_DATABASE_URL is not set"),
        (
            vec![
                ("HOOK_DATABASE_URL", good.as_str()),
                ("HOOK_POLL_MS", "fast"),
            ],
            78,
            "HOOK_POLL_MS",
        ),
        (
            vec![("HOOK_DATABASE_URL", good.as_str()), ("HOOK_TYPO", "1")],
            78,
            "HOOK_TYPO",
        ),
        (
            vec![("HOOK_DATABASE_URL", unmigrated.as_str())],
            78,
            "schema migrate",
        ),
        (
            vec![("HOOK_DATABASE_URL", nobody.as_str())],
            78,
            "nobody_of_this_name",
        ),
        (
            vec![
                ("HOOK_DATABASE_URL", good.as_str()),
                ("HOOK_SHARED_SECRET_FILE", "/nowhere"),
            ],
            78,
            "/nowhere",
        ),
    ] {
        let done = Command::new(env!("CARGO_BIN_EXE_hook-service"))
            .env_clear()
            .envs([
                ("HOOK_LISTEN", "127.0.0.1:0"),
                ("HOOK_OPS_LISTEN", "127.0.0.1:0"),
            ])
            .envs(settings)
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(code), "{words}");
        assert!(words.contains(says), "{words}");
    }
    let done = Command::new(env!("CARGO_BIN_EXE_hook-service"))
        .arg("--bad")
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(64));
}
