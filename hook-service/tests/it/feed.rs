//! The table follows the database, whatever happens to hints, connections and histories.

use std::time::Duration;

use hook_service::metrics::Reload;
use schema::testing::MigratedDatabase;
use tokio_postgres::Client;

use crate::support::{
    Running, config, connect, execute, newest, post, registered, start, start_ready, until,
};

struct Followed {
    /// The superuser's connection; dropped before the database is.
    client: Client,
    service: Running,
    database: MigratedDatabase,
}

async fn followed(ids: &[&str]) -> Followed {
    let database = MigratedDatabase::create().await.unwrap();
    let client = connect(&database.url()).await;
    registered(&client, ids).await;
    let service = start_ready(&database.hook_url()).await;
    Followed {
        client,
        service,
        database,
    }
}

fn revoke(id: &str) -> String {
    format!("UPDATE device SET lifecycle = 'revoked', revoked_at = now() WHERE device_id = '{id}'")
}

fn suspend(id: &str, suspended: bool) -> String {
    format!("UPDATE device SET suspended = {suspended} WHERE device_id = '{id}'")
}

#[tokio::test]
async fn what_commits_is_seen_registration_suspension_and_revocation() {
    let f = followed(&["dev-1"]).await;
    assert!(f.service.lets_in("dev-1").await);
    assert!(!f.service.lets_in("dev-2").await);
    let number = registered(&f.client, &["dev-2"]).await;
    f.service.until_applied(number).await;
    assert!(f.service.lets_in("dev-2").await);
    execute(&f.client, &suspend("dev-1", true)).await;
    f.service.until_lets_in("dev-1", false).await;
    execute(&f.client, &suspend("dev-1", false)).await;
    f.service.until_lets_in("dev-1", true).await;
    execute(&f.client, &revoke("dev-1")).await;
    f.service.until_lets_in("dev-1", false).await;
    assert!(f.service.lets_in("dev-2").await, "others are not touched");
    assert_eq!(f.service.metrics.reloads(Reload::Start), 1);
}

#[tokio::test]
async fn a_certificate_that_is_retired_or_whose_device_is_deleted_no_longer_counts() {
    let f = followed(&["dev-1", "dev-2"]).await;
    let retire =
        "UPDATE certificate SET state = 'retired', ended_at = now() WHERE device_id = 'dev-1'";
    execute(&f.client, retire).await;
    f.service.until_lets_in("dev-1", false).await;
    let delete = "DELETE FROM certificate WHERE device_id = 'dev-2';
                  DELETE FROM device WHERE device_id = 'dev-2'";
    execute(&f.client, delete).await;
    f.service.until_lets_in("dev-2", false).await;
    let gone = f.service.fleet.device(b"dev-2", |found| found.is_none());
    assert!(gone, "a deleted device leaves the table");
}

#[tokio::test]
async fn a_service_client_and_its_rights_are_seen_and_withdrawn() {
    let f = followed(&[]).await;
    let fingerprint = certs::Fingerprint::of_der(&crate::support::der_of("gateway")).to_string();
    let fingerprint = fingerprint.replace(':', "");
    execute(
        &f.client,
        &format!(
            "INSERT INTO service_client (name) VALUES ('gateway');
             INSERT INTO service_client_certificate (fingerprint, name, not_after)
             VALUES ('\\x{fingerprint}', 'gateway', now() + interval '1 day');
             INSERT INTO service_client_right (name, action, topic_filter)
             VALUES ('gateway', 'subscribe', '+/telemetry');"
        ),
    )
    .await;
    let body = crate::support::connect_body("x", &crate::support::der_of("gateway"))
        .replace("\"clientid\":\"x\"", "\"clientid\":\"svc.gateway.0\"")
        .replace("\"x\"", "\"svc.gateway\"");
    let lets_in =
        async || crate::support::allowed(&post(f.service.hooks, "/authn/service", &body).await);
    until("the gateway is let in", async || lets_in().await).await;
    let answer = post(f.service.hooks, "/authn/service", &body).await;
    assert!(answer.contains("+/telemetry"), "{answer}");
    execute(&f.client, "DELETE FROM service_client_right").await;
    until("the right is withdrawn", async || {
        !post(f.service.hooks, "/authn/service", &body)
            .await
            .contains("+/telemetry")
    })
    .await;
    execute(&f.client, "UPDATE service_client SET disabled = true").await;
    until("the gateway is shut out", async || !lets_in().await).await;
}

#[tokio::test]
async fn transactions_that_commit_in_another_order_than_they_began_are_all_seen() {
    let f = followed(&["dev-1", "dev-2", "dev-3"]).await;
    let url = f.database.url();
    let (first, second) = (connect(&url).await, connect(&url).await);
    execute(&first, "BEGIN").await;
    execute(&first, &revoke("dev-1")).await;
    execute(&second, "BEGIN").await;
    execute(&second, &revoke("dev-2")).await;
    execute(&second, "COMMIT").await;
    f.service.until_lets_in("dev-2", false).await;
    assert!(f.service.lets_in("dev-1").await, "not committed yet");
    execute(&f.client, &revoke("dev-3")).await;
    f.service.until_lets_in("dev-3", false).await;
    execute(&first, "COMMIT").await;
    f.service.until_lets_in("dev-1", false).await;
    assert_eq!(f.service.metrics.reloads(Reload::Gap), 0);
}

#[tokio::test]
async fn a_writer_that_is_not_read_committed_is_refused_and_changes_nothing() {
    let f = followed(&["dev-1"]).await;
    let before = newest(&f.client).await;
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        let sql = format!("BEGIN ISOLATION LEVEL {level}; {}; COMMIT", revoke("dev-1"));
        let error = f.client.batch_execute(&sql).await.unwrap_err();
        assert!(
            error
                .as_db_error()
                .unwrap()
                .message()
                .contains("READ COMMITTED"),
            "{error:?}"
        );
        execute(&f.client, "ROLLBACK").await;
    }
    assert_eq!(newest(&f.client).await, before);
    assert!(f.service.lets_in("dev-1").await);
}

/// Replaces the notification of the numbering trigger in this test's database.
async fn notify_instead(client: &Client, instead: &str) {
    let source = "SELECT pg_get_functiondef('number_change()'::regprocedure)";
    let source: String = client.query_one(source, &[]).await.unwrap().get(0);
    let notify = "PERFORM pg_notify('iot_hub_change', this_number::text);";
    assert!(source.contains(notify));
    execute(client, &source.replace(notify, instead)).await;
}

#[tokio::test]
async fn a_lost_hint_is_healed_by_the_poll() {
    let f = followed(&["dev-1"]).await;
    notify_instead(&f.client, "").await;
    let hints = f.service.metrics.woken_by_hint.get();
    execute(&f.client, &revoke("dev-1")).await;
    f.service.until_lets_in("dev-1", false).await;
    assert_eq!(f.service.metrics.woken_by_hint.get(), hints, "no hint came");
}

#[tokio::test]
async fn a_hint_alone_wakes_the_feed_long_before_the_poll() {
    let database = MigratedDatabase::create().await.unwrap();
    let client = connect(&database.url()).await;
    registered(&client, &["dev-1"]).await;
    let mut config = config(&database.hook_url(), &[]);
    config.feed.poll_every = Duration::from_secs(3600);
    config.feed.staleness_max = Duration::from_secs(300);
    let service = start(config).await;
    service.ready().await;
    execute(&client, &revoke("dev-1")).await;
    service.until_lets_in("dev-1", false).await;
    assert_eq!(service.metrics.woken_by_poll.get(), 0);
}

/// The load has taken its snapshot and waits for a lock when the change commits, so only the hint
/// can tell of it: a feed that begins to listen after its snapshot misses it until the next poll.
#[tokio::test]
async fn what_commits_while_the_table_is_loading_is_told_by_its_hint() {
    let database = MigratedDatabase::create().await.unwrap();
    let client = connect(&database.url()).await;
    registered(&client, &["dev-1"]).await;
    execute(&client, "BEGIN; LOCK TABLE device IN ACCESS EXCLUSIVE MODE").await;
    let mut config = config(&database.hook_url(), &[]);
    config.feed.poll_every = Duration::from_secs(3600);
    config.feed.staleness_max = Duration::from_secs(300);
    let service = start(config).await;
    let waits = "SELECT count(*) FROM pg_locks
                  WHERE relation = 'device'::regclass AND database =
                        (SELECT oid FROM pg_database WHERE datname = current_database())
                    AND NOT granted";
    until("the load waits for the lock", async || {
        client.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await;
    execute(&client, &format!("{}; COMMIT", revoke("dev-1"))).await;
    service.ready().await;
    service.until_lets_in("dev-1", false).await;
    assert_eq!(service.metrics.woken_by_poll.get(), 0);
}

#[tokio::test]
async fn duplicated_reordered_and_malformed_hints_change_nothing() {
    let f = followed(&["dev-1", "dev-2"]).await;
    let duplicated = "PERFORM pg_notify('iot_hub_change', this_number::text);
                      PERFORM pg_notify('iot_hub_change', (this_number - 1)::text);
                      PERFORM pg_notify('iot_hub_change', 'not a number ''; drop');
                      PERFORM pg_notify('iot_hub_change', '');
                      PERFORM pg_notify('iot_hub_change', '9223372036854775808');
                      PERFORM pg_notify('iot_hub_change', (this_number + 1000)::text);";
    notify_instead(&f.client, duplicated).await;
    execute(&f.client, &revoke("dev-1")).await;
    f.service.until_lets_in("dev-1", false).await;
    for payload in ["", "0", "-1", "x", "{}", "999999"] {
        let notify = format!("SELECT pg_notify('iot_hub_change', '{payload}')");
        execute(&f.client, &notify).await;
    }
    let number = registered(&f.client, &["dev-3"]).await;
    f.service.until_applied(number).await;
    assert!(f.service.lets_in("dev-2").await && f.service.lets_in("dev-3").await);
    for reason in [Reload::Gap, Reload::Behind, Reload::Identity] {
        assert_eq!(f.service.metrics.reloads(reason), 0, "{reason:?}");
    }
}

#[tokio::test]
async fn a_cut_listener_comes_back_and_what_happened_meanwhile_is_seen() {
    let f = followed(&["dev-1", "dev-2"]).await;
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'hook-service'";
    for id in ["dev-1", "dev-2"] {
        let failures = f.service.metrics.link_failures.get();
        execute(&f.client, &format!("{}; {cut}", revoke(id))).await;
        f.service.until_lets_in(id, false).await;
        until("the cut was noticed", async || {
            f.service.metrics.link_failures.get() > failures
        })
        .await;
    }
    f.service.ready().await;
    assert_eq!(
        f.service.metrics.reloads(Reload::Start),
        1,
        "the table was kept"
    );
}

#[tokio::test]
async fn a_trimmed_log_ends_in_a_full_load() {
    let f = followed(&["dev-1"]).await;
    // The feed is kept out while the log grows and is trimmed. Roles are shared by all tests of a
    // run, so this database alone is closed.
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'hook-service'";
    let name: String = f
        .client
        .query_one("SELECT current_database()", &[])
        .await
        .unwrap()
        .get(0);
    execute(
        &f.client,
        &format!("REVOKE CONNECT ON DATABASE \"{name}\" FROM PUBLIC"),
    )
    .await;
    execute(&f.client, cut).await;
    until("the link is gone", async || {
        f.service.metrics.link_failures.get() > 0
    })
    .await;
    execute(&f.client, &revoke("dev-1")).await;
    registered(&f.client, &["dev-2"]).await;
    registered(&f.client, &["dev-3"]).await;
    execute(&f.client, "SELECT trim_changes(1)").await;
    execute(
        &f.client,
        &format!("GRANT CONNECT ON DATABASE \"{name}\" TO PUBLIC"),
    )
    .await;
    f.service.until_lets_in("dev-1", false).await;
    assert!(f.service.lets_in("dev-2").await && f.service.lets_in("dev-3").await);
    assert_eq!(f.service.metrics.reloads(Reload::Gap), 1);
}

#[tokio::test]
async fn a_restore_with_an_older_number_is_loaded_as_a_whole() {
    let f = followed(&["dev-1", "dev-2"]).await;
    execute(&f.client, &revoke("dev-1")).await;
    f.service.until_lets_in("dev-1", false).await;
    // What a restore of an older state does: the rows and the log are as they were before.
    execute(
        &f.client,
        "BEGIN;
         ALTER TABLE device DISABLE TRIGGER ALL;
         UPDATE device SET lifecycle = 'unbound', revoked_at = NULL WHERE device_id = 'dev-1';
         UPDATE device SET suspended = true WHERE device_id = 'dev-2';
         ALTER TABLE device ENABLE ALWAYS TRIGGER change_update;
         DELETE FROM change WHERE number = (SELECT max(number) FROM change);
         COMMIT",
    )
    .await;
    f.service.until_lets_in("dev-1", true).await;
    f.service.until_lets_in("dev-2", false).await;
    assert_eq!(f.service.metrics.reloads(Reload::Behind), 1);
}

#[tokio::test]
async fn another_epoch_is_loaded_as_a_whole_even_if_the_number_is_the_same() {
    let f = followed(&["dev-1"]).await;
    execute(
        &f.client,
        "BEGIN;
         ALTER TABLE device DISABLE TRIGGER ALL;
         UPDATE device SET suspended = true;
         ALTER TABLE device ENABLE ALWAYS TRIGGER change_update;
         SELECT bump_epoch();
         COMMIT",
    )
    .await;
    until("everything was loaded", async || {
        f.service.metrics.reloads(Reload::Identity) == 1
    })
    .await;
    f.service.ready().await;
    assert!(!f.service.lets_in("dev-1").await);
}

#[tokio::test]
async fn a_change_that_bypassed_the_log_is_corrected_and_counted_by_the_compare() {
    let database = MigratedDatabase::create().await.unwrap();
    let client = connect(&database.url()).await;
    registered(&client, &["dev-1", "dev-2"]).await;
    let mut config = config(&database.hook_url(), &[]);
    config.feed.compare_every = Duration::from_millis(100);
    let service = start(config).await;
    service.ready().await;
    until("a compare was made", async || {
        service.metrics.compares.get() > 1
    })
    .await;
    assert_eq!(service.metrics.corrections.get(), 0);
    execute(
        &client,
        "BEGIN;
         ALTER TABLE device DISABLE TRIGGER ALL;
         UPDATE device SET suspended = true WHERE device_id = 'dev-1';
         ALTER TABLE device ENABLE ALWAYS TRIGGER change_update;
         COMMIT",
    )
    .await;
    service.until_lets_in("dev-1", false).await;
    assert_eq!(service.metrics.corrections.get(), 1);
    assert!(service.lets_in("dev-2").await);
}

#[tokio::test]
async fn many_changes_at_once_end_at_the_state_of_the_database() {
    let f = followed(&[]).await;
    let ids: Vec<String> = (0..200).map(|n| format!("dev-{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let url = f.database.url();
    let writers = ids.chunks(50).map(|chunk| {
        let (url, chunk) = (url.clone(), chunk.to_vec());
        async move {
            let client = connect(&url).await;
            for id in chunk {
                registered(&client, &[id]).await;
                if id.ends_with('7') {
                    execute(&client, &revoke(id)).await;
                }
            }
        }
    });
    futures::future::join_all(writers).await;
    f.service.until_applied(newest(&f.client).await).await;
    for id in ids {
        assert_eq!(f.service.lets_in(id).await, !id.ends_with('7'), "{id}");
    }
    assert_eq!(f.service.metrics.reloads(Reload::Gap), 0);
}
