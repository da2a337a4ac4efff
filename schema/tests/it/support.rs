//! A migrated database, connections to it, and the few rows that most tests need.

use schema::testing::MigratedDatabase;
use tokio_postgres::{Client, NoTls};

pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A fresh database and its superuser's connection.
pub(crate) async fn database() -> (MigratedDatabase, Client) {
    let database = MigratedDatabase::create().await.unwrap();
    let client = connect(&database.url()).await;
    (database, client)
}

pub(crate) async fn add_device(client: &Client, id: &str) {
    let sql = "INSERT INTO device (device_id, model, public_key) VALUES ($1, 'grow-1', '\\x00')";
    client.execute(sql, &[&id]).await.unwrap();
}

/// One number, or null as 0.
pub(crate) async fn number(client: &Client, sql: &str) -> i64 {
    client
        .query_one(sql, &[])
        .await
        .unwrap()
        .get::<_, Option<i64>>(0)
        .unwrap_or(0)
}

pub(crate) async fn newest(client: &Client) -> i64 {
    number(client, "SELECT max(number) FROM change").await
}

/// `kind:id` of every item of one change, sorted.
pub(crate) async fn items(client: &Client, change: i64) -> Vec<String> {
    let sql = "SELECT kind || ':' || id FROM change_item WHERE number = $1 ORDER BY 1";
    client
        .query(sql, &[&change])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect()
}

/// The server's message and SQLSTATE of a refused statement.
pub(crate) fn refusal<T: std::fmt::Debug>(
    result: Result<T, tokio_postgres::Error>,
) -> (String, String) {
    let error = result.expect_err("the server refuses this");
    let error = error.as_db_error().unwrap();
    (error.code().code().to_owned(), error.message().to_owned())
}

/// An active certificate of a day; fingerprint and serial come from the device's id.
pub(crate) async fn add_certificate(client: &Client, id: &str) {
    let sql = "INSERT INTO certificate (fingerprint, device_id, serial, not_before, not_after, der)
               VALUES (sha256($1::text::bytea), $1, $1::text::bytea, now(), now() + interval '1 d', '\\x30')";
    client.execute(sql, &[&id]).await.unwrap();
}
