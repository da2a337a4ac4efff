//! A database that is not there, goes, comes back, or does not fit.

use dev_postgres::{Cluster, Options, Stop, TestDatabase};
use service_kit::Exit;

use crate::support::{PATIENCE, Stack, eventually, nobody, registration};

async fn cluster() -> (Cluster, String) {
    // Durable, since a test cuts its power.
    let options = Options {
        durable: true,
        ..Options::default()
    };
    let cluster = tokio::task::spawn_blocking(|| Cluster::start(options).unwrap());
    let cluster = cluster.await.unwrap();
    let url = cluster.url("postgres", "postgres");
    schema::testing::prepare(url.clone()).await.unwrap();
    (cluster, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_it_waits_and_says_so() {
    let url = format!("postgres://api@{}/iot_hub", nobody().await);
    let stack = Stack::start_at(&url, &[]).await;
    eventually("readiness tells of the database", async || {
        let (status, reason) = stack.readiness().await;
        status == 503 && reason.contains("database")
    })
    .await;
    let answer = stack.register(&registration("tent-1")).await;
    answer.is_problem(503, "database_unavailable");
    assert!(answer.headers.contains_key("retry-after"));
    assert!(!stack.ended.is_finished());
    // What needs no database is served.
    assert_eq!(stack.get("/api/v1/certificates/ca").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_and_comes_back_is_used_again() {
    let (mut cluster, url) = cluster().await;
    let stack = Stack::start_at(&url, &[]).await;
    stack.until_ready().await;
    stack.registered("tent-1").await;
    cluster.stop(Stop::Immediate);
    stack
        .register(&registration("tent-2"))
        .await
        .is_problem(503, "database_unavailable");
    eventually("it is not ready", async || {
        !stack.readiness().await.0.is_success()
    })
    .await;
    cluster.start_again().unwrap();
    stack.until_ready().await;
    stack.registered("tent-2").await;
    assert_eq!(stack.get("/api/v1/devices/tent-1").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_costs_a_caller_a_bounded_time() {
    let (mut cluster, url) = cluster().await;
    let stack = Stack::start_at(&url, &[("API_DATABASE_POOL_MAX", "2")]).await;
    stack.until_ready().await;
    stack.registered("tent-1").await;
    cluster.pause();
    let answer = stack.register(&registration("tent-2")).await;
    assert_eq!(answer.status, 503, "{:?}", answer.body);
    cluster.resume();
    stack.until_ready().await;
    eventually("it registers again", async || {
        stack.register(&registration("tent-3")).await.status == 201
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_our_schema_ends_the_service_with_its_mend() {
    let database = TestDatabase::empty().await.unwrap();
    let stack = Stack::start_at(&database.url("postgres"), &[]).await;
    let ended = tokio::time::timeout(PATIENCE, stack.ended)
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();
    assert_eq!(ended.exit, Exit::Config);
    assert!(ended.reason.contains("schema migrate"), "{}", ended.reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_goes_away_later_is_waited_for() {
    let stack = Stack::start().await;
    let sql = stack.sql().await;
    let rename = |from: &str, to: &str| format!("ALTER TABLE {from} RENAME TO {to}");
    let table = "refinery_schema_history";
    sql.batch_execute(&rename(table, "elsewhere"))
        .await
        .unwrap();
    // Only after an outage is the schema looked at again.
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = 'api-service' AND datname = current_database()";
    eventually("it is not ready and names the mend", async || {
        sql.query(end, &[]).await.unwrap();
        let (status, reason) = stack.readiness().await;
        status == 503 && reason.contains("schema migrate")
    })
    .await;
    sql.batch_execute(&rename("elsewhere", table))
        .await
        .unwrap();
    stack.until_ready().await;
    assert!(!stack.ended.is_finished());
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_ends_what_runs_and_nothing_else() {
    let stack = Stack::start().await;
    let running: Vec<_> = (0..8).map(|n| registration(&format!("tent-{n}"))).collect();
    let requests = futures::future::join_all(running.iter().map(|body| stack.register(body)));
    let (answers, ()) = tokio::join!(requests, async {
        eventually("some request has begun", async || {
            stack.metrics().await.contains("api_database_up 1")
        })
        .await;
    });
    assert!(answers.iter().all(|answer| answer.status == 201));
    stack.shutdown.soft.cancel();
    let ended = tokio::time::timeout(PATIENCE, stack.ended)
        .await
        .unwrap()
        .unwrap();
    assert!(ended.is_ok());
    assert!(
        stack
            .http
            .get(format!("http://{}/", stack.addresses.api))
            .send()
            .await
            .is_err()
    );
}
