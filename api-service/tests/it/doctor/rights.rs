//! Logins, triggers and rows that are not as the migrations make them.

use schema::testing::MigratedDatabase;
use tokio_postgres::NoTls;

use super::{Settings, doctor, read, set};

async fn sql(url: &str, statements: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let driver = tokio::spawn(connection);
    client.batch_execute(statements).await.unwrap();
    drop(client);
    driver.await.unwrap().unwrap();
}

/// Every table that has them, so that a migration that adds one is noticed here.
const DISABLE_ALL: &str = "
DO $$
DECLARE
    numbered regclass;
BEGIN
    FOR numbered IN SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = 'change_update' LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER change_update', numbered);
    END LOOP;
END
$$";

#[tokio::test(flavor = "multi_thread")]
async fn triggers_of_each_numbered_table_are_looked_at() {
    let database = MigratedDatabase::create().await.unwrap();
    sql(&database.url(), DISABLE_ALL).await;
    let mut settings = Settings::new();
    set(&mut settings, &[("API_DATABASE_URL", &database.api_url())]);
    let (report, _) = read(&doctor(&settings, &["--json", "--watch", "0"]).await);
    let (client, connection) = tokio_postgres::connect(&database.url(), NoTls)
        .await
        .unwrap();
    let driver = tokio::spawn(connection);
    let numbered = "SELECT tgrelid::regclass::text || '.change_update'
                      FROM pg_trigger WHERE tgname = 'change_update'";
    for row in client.query(numbered, &[]).await.unwrap() {
        let trigger: String = row.get(0);
        assert!(
            report.to_string().contains(&trigger),
            "{trigger} in {report:#}"
        );
    }
    drop(client);
    driver.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_with_too_many_rights_are_found_out() {
    let database = MigratedDatabase::create().await.unwrap();
    sql(
        &database.url(),
        "GRANT TRUNCATE ON device TO iot_hub_api;
         GRANT UPDATE (state) ON certificate TO iot_hub_hook;
         GRANT CREATE ON SCHEMA public TO PUBLIC;
         GRANT EXECUTE ON FUNCTION bump_epoch() TO iot_hub_api;
         ALTER TABLE device DISABLE TRIGGER change_update;
         INSERT INTO outbox (kind, subject) VALUES ('end_device_sessions', 'x');
         UPDATE outbox SET state = 'dead'",
    )
    .await;
    let mut settings = Settings::new();
    let urls = [
        ("API_DATABASE_URL", database.api_url()),
        ("HOOK_DATABASE_URL", database.hook_url()),
    ];
    for (name, url) in &urls {
        set(&mut settings, &[(name, url)]);
    }
    let output = doctor(&settings, &["--json", "--watch", "0"]).await;
    let (report, _) = read(&output);
    let findings = report["findings"].as_array().unwrap();
    for (code, subject, seen) in [
        ("pg_rights_excess", "API_DATABASE_URL", "TRUNCATE on device"),
        (
            "pg_rights_excess",
            "API_DATABASE_URL",
            "EXECUTE on bump_epoch()",
        ),
        (
            "pg_rights_excess",
            "API_DATABASE_URL",
            "CREATE on schema public",
        ),
        (
            "pg_rights_excess",
            "HOOK_DATABASE_URL",
            "column UPDATE on certificate",
        ),
        ("pg_triggers", "HOOK_DATABASE_URL", "device.change_update"),
        ("pg_fsync_off", "API_DATABASE_URL", "fsync = off"),
        ("outbox_dead", "outbox", "1 rows"),
        ("lease_missing", "hook_lease", "0 renewed"),
    ] {
        let found = findings.iter().any(|found| {
            found["code"] == code
                && found["subject"].as_str().unwrap().starts_with(subject)
                && found["seen"].as_str().unwrap().contains(seen)
        });
        assert!(found, "{code} {subject} {seen} in {report:#}");
    }

    // A superuser's login is told once, not by every right that it has.
    set(&mut settings, &[("API_DATABASE_URL", &database.url())]);
    let (report, codes) = read(&doctor(&settings, &["--json", "--watch", "0"]).await);
    assert!(
        codes.iter().any(|code| code == "pg_role_powerful"),
        "{report:#}"
    );
    let of_api = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|found| {
            found["code"] == "pg_rights_excess"
                && found["subject"].as_str().unwrap().starts_with("API")
        });
    assert_eq!(of_api.count(), 0);
}
