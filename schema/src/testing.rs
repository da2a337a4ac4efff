//! A migrated database for one test, with the logins of both services.

mod fleet;

pub use fleet::{DEVICES, LARGE_ROWS, Values, scanned};

use dev_postgres::{BoxError, TestDatabase};
use tokio_postgres::NoTls;

use crate::login::ServiceRole;

const HOOK_LOGIN: &str = "test_hook";
const API_LOGIN: &str = "test_api";

/// A database of its own, dropped with this value. No passwords.
#[derive(Debug)]
pub struct MigratedDatabase(TestDatabase);

impl MigratedDatabase {
    /// Clones a template that was migrated once (some 20 ms).
    pub async fn create() -> Result<Self, dev_postgres::Error> {
        TestDatabase::create(&crate::migrations_key(), prepare)
            .await
            .map(Self)
    }

    /// URL for the superuser, for what a test arranges.
    pub fn url(&self) -> String {
        self.0.url("postgres")
    }

    /// URL for a login with exactly the rights of hook-service.
    pub fn hook_url(&self) -> String {
        self.0.url(HOOK_LOGIN)
    }

    /// URL for a login with exactly the rights of api-service.
    pub fn api_url(&self) -> String {
        self.0.url(API_LOGIN)
    }

    /// The database itself.
    pub fn database(&self) -> &TestDatabase {
        &self.0
    }
}

/// Migrates an empty database and makes the test logins. For a test's own cluster too.
pub async fn prepare(url: String) -> Result<(), BoxError> {
    let (mut client, connection) = tokio_postgres::connect(&url, NoTls).await?;
    let connection = tokio::spawn(connection);
    crate::migrate(&mut client).await?;
    for (role, login) in [
        (ServiceRole::Hook, HOOK_LOGIN),
        (ServiceRole::Api, API_LOGIN),
    ] {
        crate::ensure_login(&mut client, role, login, None).await?;
    }
    drop(client);
    connection.await??;
    Ok(())
}
