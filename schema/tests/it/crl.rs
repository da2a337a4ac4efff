//! Revocation lists: whose certificate it is, what becomes due, and that no number comes twice.

use tokio_postgres::Client;

use crate::support::{add_device, connect, database, number, refusal};

/// An authority key identifier as our certificates carry it, with something around it.
const DER: &str =
    r"decode('3000' || '0603551d23041830168014' || repeat('ab', 20) || '0500', 'hex')";

async fn certificate(client: &Client, id: &str, der: &str, shard: Option<i32>) {
    add_device(client, id).await;
    let sql = format!(
        "INSERT INTO certificate (fingerprint, device_id, serial, not_before, not_after, der, crl_shard)
         VALUES (sha256($1::text::bytea), $1, $1::text::bytea, now(), now() + interval '1 d', {der}, $2)"
    );
    client.execute(&sql, &[&id, &shard]).await.unwrap();
}

async fn due(client: &Client) -> Vec<(String, i32)> {
    let sql = "SELECT encode(issuer, 'hex'), shard FROM crl_due ORDER BY id";
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn a_certificate_says_itself_who_signed_it() {
    let (_database, client) = database().await;
    certificate(&client, "ours", DER, None).await;
    certificate(&client, "short", r"'\x0603551d2304183016801400'", None).await;
    certificate(&client, "other", r"'\x30'", None).await;
    let sql = "SELECT device_id, encode(issuer, 'hex') FROM certificate ORDER BY device_id";
    let rows = client.query(sql, &[]).await.unwrap();
    let seen: Vec<(String, Option<String>)> =
        rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(seen[0], ("other".to_owned(), None));
    assert_eq!(seen[1], ("ours".to_owned(), Some("ab".repeat(20))));
    assert_eq!(seen[2], ("short".to_owned(), None));
}

#[tokio::test]
async fn a_revocation_makes_the_whole_list_and_the_shard_due_and_nothing_else_does() {
    let (database, admin) = database().await;
    certificate(&admin, "a", DER, Some(7)).await;
    certificate(&admin, "b", DER, None).await;
    certificate(&admin, "c", r"'\x30'", None).await;
    let api = connect(&database.api_url()).await;
    let issuer = "ab".repeat(20);
    api.batch_execute("UPDATE certificate SET state = 'retired' WHERE device_id = 'a'")
        .await
        .unwrap();
    assert_eq!(due(&admin).await, []);
    api.batch_execute("UPDATE certificate SET state = 'revoked'")
        .await
        .unwrap();
    let mut seen = due(&admin).await;
    seen.sort();
    assert_eq!(seen, [(issuer.clone(), 0), (issuer, 7)]);
    api.batch_execute(
        "DELETE FROM crl_due; UPDATE certificate SET revocation_reason = 'superseded'",
    )
    .await
    .unwrap();
    assert_eq!(due(&admin).await, []);
}

#[tokio::test]
async fn a_list_keeps_its_place_and_its_number_only_grows() {
    let (database, admin) = database().await;
    let api = connect(&database.api_url()).await;
    let add = "INSERT INTO crl_list (issuer, shard) VALUES (decode(repeat('ab', 20), 'hex'), 0)";
    api.batch_execute(add).await.unwrap();
    let sign = |number: i64| {
        format!(
            "UPDATE crl_list SET number = {number}, made_at = now(), this_update = now(),
                    next_update = now() + interval '1 d', entries = 0, der = '\\x30'"
        )
    };
    api.batch_execute(&sign(5)).await.unwrap();
    for again in [5, 4] {
        let (code, message) = refusal(api.batch_execute(&sign(again)).await);
        assert_eq!(code, "23514", "{message}");
    }
    api.batch_execute(&sign(6)).await.unwrap();
    assert_eq!(number(&admin, "SELECT number FROM crl_list").await, 6);
    for statement in [
        "UPDATE crl_list SET shard = 1",
        "UPDATE crl_list SET url = 'http://x'",
        "DELETE FROM crl_list",
        "INSERT INTO crl_due (issuer, shard) VALUES ('\\xab', 0)",
        "UPDATE certificate SET crl_shard = 1",
    ] {
        let (code, message) = refusal(api.batch_execute(statement).await);
        assert_eq!(code, "42501", "{statement}: {message}");
    }
    let moved = "UPDATE crl_list SET shard = 1, slot = 0, base_url = 'x', url = 'y', number = 9";
    let (code, message) = refusal(admin.batch_execute(moved).await);
    assert_eq!(code, "23514", "{message}");
}

#[tokio::test]
async fn who_signs_a_list_does_not_hold_a_revocation_up() {
    let (database, admin) = database().await;
    certificate(&admin, "a", DER, None).await;
    let (mut signer, revoker) = (
        connect(&database.api_url()).await,
        connect(&database.api_url()).await,
    );
    let add = "INSERT INTO crl_list (issuer, shard) VALUES (decode(repeat('ab', 20), 'hex'), 0)";
    signer.batch_execute(add).await.unwrap();
    let signing = signer.transaction().await.unwrap();
    signing
        .batch_execute("SELECT FROM crl_list FOR UPDATE; DELETE FROM crl_due")
        .await
        .unwrap();
    revoker
        .batch_execute("SET lock_timeout = '5s'; UPDATE certificate SET state = 'revoked'")
        .await
        .unwrap();
    signing.commit().await.unwrap();
    assert_eq!(due(&admin).await.len(), 1, "the next one signs it");
}
