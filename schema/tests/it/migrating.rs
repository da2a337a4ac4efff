//! Migrating: once, twice, many at once; and what a service is told about the version.

use dev_postgres::TestDatabase;
use schema::{MigrateError, SCHEMA_VERSION, VersionError, check_version, migrate};

use crate::support::{connect, database, number};

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let empty = TestDatabase::empty().await.unwrap();
    let mut client = connect(&empty.url("postgres")).await;
    assert!(matches!(
        check_version(&client).await,
        Err(VersionError::NotMigrated)
    ));
    let first = migrate(&mut client).await.unwrap();
    assert_eq!(first.version, SCHEMA_VERSION);
    assert_eq!(
        first.applied.len(),
        usize::try_from(SCHEMA_VERSION).unwrap()
    );
    let second = migrate(&mut client).await.unwrap();
    assert_eq!((second.version, second.applied.len()), (SCHEMA_VERSION, 0));
    check_version(&client).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_at_the_same_time_wait_for_each_other() {
    let empty = TestDatabase::empty().await.unwrap();
    let runs = (0..6).map(|_| {
        let url = empty.url("postgres");
        tokio::spawn(async move { migrate(&mut connect(&url).await).await.unwrap() })
    });
    let applied: Vec<usize> = futures::future::join_all(runs)
        .await
        .into_iter()
        .map(|migrated| migrated.unwrap().applied.len())
        .collect();
    assert_eq!(
        applied.iter().filter(|count| **count > 0).count(),
        1,
        "{applied:?}"
    );
    let client = connect(&empty.url("postgres")).await;
    assert_eq!(number(&client, "SELECT count(*) FROM feed_state").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_of_one_cluster_can_be_migrated_at_the_same_time() {
    let databases: Vec<TestDatabase> =
        futures::future::join_all((0..4).map(|_| TestDatabase::empty()))
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
    let runs = databases.iter().map(|database| {
        let url = database.url("postgres");
        tokio::spawn(async move { migrate(&mut connect(&url).await).await.unwrap() })
    });
    for run in futures::future::join_all(runs).await {
        assert_eq!(run.unwrap().version, SCHEMA_VERSION);
    }
}

#[tokio::test]
async fn a_database_of_another_release_is_refused_with_the_mend() {
    let (_database, mut client) = database().await;
    let later = |version: i32| {
        format!(
            "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
             VALUES ({version}, 'later', '2030-01-01T00:00:00Z', '1')"
        )
    };
    client
        .batch_execute(&later(SCHEMA_VERSION + 1))
        .await
        .unwrap();
    check_version(&client)
        .await
        .expect("one step ahead is tolerated");
    let newer = migrate(&mut client).await.unwrap_err();
    assert!(matches!(newer, MigrateError::Newer { .. }), "{newer:?}");
    assert!(newer.to_string().contains("newer release"), "{newer}");

    client
        .batch_execute(&later(SCHEMA_VERSION + 2))
        .await
        .unwrap();
    let refused = check_version(&client).await.unwrap_err();
    assert!(matches!(refused, VersionError::TooNew { .. }));
}

#[tokio::test]
async fn an_edited_migration_is_refused() {
    let (_database, mut client) = database().await;
    client
        .batch_execute("UPDATE refinery_schema_history SET checksum = '5'")
        .await
        .unwrap();
    let refused = migrate(&mut client).await.unwrap_err();
    assert!(
        matches!(refused, MigrateError::Edited { .. }),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_failed_migration_leaves_nothing_and_the_next_run_succeeds() {
    let empty = TestDatabase::empty().await.unwrap();
    let mut client = connect(&empty.url("postgres")).await;
    client
        .batch_execute("CREATE TABLE outbox (in_the_way int)")
        .await
        .unwrap();
    let failed = migrate(&mut client).await.unwrap_err();
    assert!(
        failed.to_string().contains("\"outbox\" already exists"),
        "{failed}"
    );
    assert!(matches!(
        check_version(&client).await,
        Err(VersionError::NotMigrated)
    ));
    client.batch_execute("DROP TABLE outbox").await.unwrap();
    migrate(&mut client).await.unwrap();
}

#[tokio::test]
async fn a_migrated_database_lets_nobody_make_temporary_tables() {
    let empty = TestDatabase::empty().await.unwrap();
    let mut client = connect(&empty.url("postgres")).await;
    migrate(&mut client).await.unwrap();
    let sql = "SELECT count(*) FROM (VALUES ('iot_hub_hook'), ('iot_hub_api')) AS role (name)
                WHERE has_database_privilege(name, current_database(), 'TEMPORARY')";
    assert_eq!(number(&client, sql).await, 0);
}

/// Services of the release before meet this schema during an upgrade: what they write must still work.
#[tokio::test]
async fn an_outbox_worker_of_the_release_before_still_works() {
    let (database, admin) = database().await;
    crate::support::add_device(&admin, "a").await;
    let api = connect(&database.api_url()).await;
    for statement in [
        "INSERT INTO outbox (kind, subject, payload) VALUES ('end_device_sessions', 'a', '{}')",
        "UPDATE outbox SET attempts = attempts + 1, next_attempt_at = now() + interval '60 s'
          WHERE id IN (SELECT id FROM outbox WHERE state = 'pending' FOR UPDATE SKIP LOCKED)",
        "UPDATE outbox SET state = 'done', done_at = now(), last_error = NULL",
    ] {
        api.batch_execute(statement)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    let sql = "SELECT count(*) FROM outbox WHERE phase = 'committed' AND NOT mass";
    assert_eq!(number(&admin, sql).await, 1);
}
