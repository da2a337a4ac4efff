//! What each service's role may and may not do, statement by statement.

use tokio_postgres::Client;

use crate::support::{add_certificate, add_device, connect, database, newest, refusal};

const LEASE: &str = "INSERT INTO hook_lease (process_uuid, replica_name, applied, length_ms)
                     VALUES (gen_random_uuid(), 'r', 0, 30000)";

async fn denied(client: &Client, statements: &[&str]) {
    for statement in statements {
        let (code, message) = refusal(client.batch_execute(statement).await);
        assert_eq!(code, "42501", "{statement}: {message}");
    }
}

#[tokio::test]
async fn the_hook_role_reads_what_it_decides_on_and_keeps_its_lease() {
    let (database, admin) = database().await;
    add_device(&admin, "a").await;
    add_certificate(&admin, "a").await;
    let hook = connect(&database.hook_url()).await;
    for statement in [
        "SELECT device_id, lifecycle, suspended FROM device",
        "SELECT fingerprint, device_id, state, not_after FROM certificate",
        "SELECT name, disabled FROM service_client",
        "SELECT fingerprint, name, state, not_after FROM service_client_certificate",
        "SELECT name, action, topic_filter FROM service_client_right",
        "SELECT number, txid, items, at FROM change",
        "SELECT number, kind, id FROM change_item",
        "SELECT epoch FROM feed_state",
        "SELECT system_identifier FROM pg_control_system()",
        "SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8), pg_is_in_recovery()",
        LEASE,
        "UPDATE hook_lease SET renewals = renewals + 1, applied = 1",
        "DELETE FROM hook_lease",
        "LISTEN iot_hub_change",
    ] {
        hook.batch_execute(statement)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    let copy =
        "COPY (SELECT device_id, lifecycle, suspended FROM device) TO STDOUT (FORMAT binary)";
    hook.copy_out(copy).await.unwrap();
    schema::check_version(&hook).await.unwrap();
}

#[tokio::test]
async fn the_hook_role_can_do_nothing_else() {
    let (database, admin) = database().await;
    add_device(&admin, "a").await;
    let hook = connect(&database.hook_url()).await;
    denied(
        &hook,
        &[
            "SELECT * FROM device",
            "SELECT public_key FROM device",
            "SELECT model FROM device",
            "SELECT der FROM certificate",
            "SELECT serial FROM certificate",
            "SELECT * FROM outbox",
            "SELECT * FROM idempotency_key",
            "SELECT * FROM change_entry",
            "SELECT * FROM change_marker",
            "UPDATE device SET suspended = true",
            "INSERT INTO device (device_id) VALUES ('b')",
            "DELETE FROM device",
            "UPDATE certificate SET state = 'active'",
            "INSERT INTO service_client (name) VALUES ('x')",
            "INSERT INTO service_client_right VALUES ('x', 'publish', 'a')",
            "INSERT INTO change (number, items) VALUES (9, 0)",
            "DELETE FROM change",
            "UPDATE feed_state SET epoch = gen_random_uuid()",
            "INSERT INTO outbox (kind, subject) VALUES ('k', 's')",
            "TRUNCATE hook_lease",
            "SELECT bump_epoch()",
            "SELECT trim_changes(1)",
            "SELECT note_changes('device', ARRAY['a'])",
            "CREATE TABLE mine (n int)",
            "CREATE FUNCTION mine() RETURNS int LANGUAGE sql RETURN 1",
            "DELETE FROM refinery_schema_history",
            "SET ROLE iot_hub_api",
        ],
    )
    .await;
}

#[tokio::test]
async fn the_api_role_can_run_its_commands() {
    let (database, _) = database().await;
    let api = connect(&database.api_url()).await;
    for statement in [
        "INSERT INTO device (device_id, model, public_key) VALUES ('a', 'm', '\\x00')",
        "INSERT INTO certificate (fingerprint, device_id, serial, not_before, not_after, der)
         VALUES (decode(repeat('01', 32), 'hex'), 'a', '\\x01', now(), now() + interval '1 d', '\\x30')",
        "SELECT * FROM device FOR UPDATE",
        "SELECT * FROM certificate FOR UPDATE",
        "UPDATE certificate SET state = 'revoked', ended_at = now(), revocation_reason = 'lost'",
        "UPDATE device SET lifecycle = 'revoked', revoked_at = now(), updated_at = now()",
        "INSERT INTO service_client (name) VALUES ('gw')",
        "INSERT INTO service_client_certificate (fingerprint, name, not_after)
         VALUES (decode(repeat('02', 32), 'hex'), 'gw', now())",
        "INSERT INTO service_client_right VALUES ('gw', 'publish', '+/rpc/request')",
        "UPDATE service_client SET disabled = true",
        "DELETE FROM service_client_right",
        "INSERT INTO outbox (kind, subject, payload) VALUES ('end_device_sessions', 'a', '{}')",
        "SELECT * FROM outbox WHERE state = 'pending' FOR UPDATE SKIP LOCKED",
        "UPDATE outbox SET state = 'done', done_at = now(), attempts = attempts + 1, last_error = null",
        "DELETE FROM outbox",
        "INSERT INTO idempotency_key (account, key, request_hash)
         VALUES ('a', 'k', decode(repeat('03', 32), 'hex'))",
        "UPDATE idempotency_key SET response_status = 201, response_body = '{}'",
        "DELETE FROM idempotency_key",
        "INSERT INTO bulk_operation (kind, params, account, total)
         VALUES ('revoke_devices', '{}', 'a', 1)",
        "UPDATE bulk_operation SET state = 'done', acted = 1, through_id = 'a', attempts = 1,
                last_error = null, done_at = now(), next_attempt_at = now(), total = 1",
        "INSERT INTO outbox (kind, subject, payload, mass, bulk_id)
         SELECT 'end_device_sessions', 'a', '{}', true, id FROM bulk_operation",
        "UPDATE outbox SET phase = 'fenced', timeline = '{}', clusters = '[]',
                claimed_by = gen_random_uuid(), superseded_by = null",
        "DELETE FROM outbox",
        "DELETE FROM bulk_operation",
        "SELECT * FROM hook_lease",
        "DELETE FROM hook_lease",
        "SELECT * FROM change_item NATURAL JOIN change",
        // Sees what a standby has: `durability` of a revoke.
        "SELECT 1 / pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')::int",
    ] {
        api.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    assert!(
        newest(&api).await > 0,
        "its changes are numbered without any right on the log"
    );
    schema::check_version(&api).await.unwrap();
}

#[tokio::test]
async fn the_api_role_cannot_write_the_log_leases_or_history() {
    let (database, admin) = database().await;
    add_device(&admin, "a").await;
    add_certificate(&admin, "a").await;
    let api = connect(&database.api_url()).await;
    denied(
        &api,
        &[
            "INSERT INTO change (number, items) VALUES (9, 0)",
            "UPDATE change SET number = 9",
            "DELETE FROM change",
            "INSERT INTO change_entry (kind, id) VALUES ('device', 'a')",
            "DELETE FROM change_entry",
            "INSERT INTO change_marker DEFAULT VALUES",
            "UPDATE feed_state SET epoch = gen_random_uuid()",
            LEASE,
            "UPDATE hook_lease SET applied = 100",
            "TRUNCATE hook_lease",
            "DELETE FROM device",
            "DELETE FROM certificate",
            "UPDATE device SET device_id = 'b'",
            "UPDATE certificate SET device_id = 'a'",
            "UPDATE certificate SET fingerprint = fingerprint",
            "INSERT INTO outbox (kind, subject, change_number) VALUES ('k', 's', 1)",
            "UPDATE outbox SET change_number = 1",
            "UPDATE outbox SET subject = 'b'",
            "UPDATE outbox SET bulk_id = 1",
            "UPDATE bulk_operation SET account = 'b'",
            "TRUNCATE outbox",
            "ALTER TABLE device DISABLE TRIGGER ALL",
            "SELECT bump_epoch()",
            "SELECT note_changes('device', ARRAY['a'])",
            "CREATE TABLE mine (n int)",
            "SET session_replication_role = replica",
            "SET ROLE iot_hub_hook",
        ],
    )
    .await;
}

#[tokio::test]
async fn objects_of_a_writer_never_stand_in_for_ours() {
    let (database, admin) = database().await;
    add_device(&admin, "a").await;
    let api = connect(&database.api_url()).await;
    // Temporary tables hide tables of the same name from everything that trusts search_path.
    // (A cloned test database lets everybody make them; a migrated one does not.)
    api.batch_execute("CREATE TEMP TABLE change_entry (kind text, id text); CREATE TEMP TABLE change_marker (n int)")
        .await
        .unwrap();
    api.batch_execute("UPDATE device SET suspended = true")
        .await
        .unwrap();
    assert_eq!(newest(&admin).await, 2);
}
