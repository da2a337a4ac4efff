//! One database for one test, cloned from a template that is prepared once.

use std::time::Duration;

use tokio_postgres::{Client, NoTls};

use crate::error::Error;

/// What a caller's preparation may fail with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Bound of a wait for a condition in the server.
const WAIT_BOUND: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Longest part of a template's key that is used; PostgreSQL cuts names at 63 bytes.
const KEY_MAX_BYTES: usize = 40;

/// A database of its own in the shared cluster; dropping it drops the database.
///
/// Roles are the cluster's, so all tests share them; data and schema are not shared.
#[derive(Debug)]
pub struct TestDatabase {
    port: u16,
    name: String,
}

impl TestDatabase {
    /// Clones the template `template_key`, made by `prepare` if it does not exist yet.
    ///
    /// `template_key` names the content, for example a hash of the migrations: ASCII letters,
    /// digits and `_`, at most 40 bytes. `prepare` gets the superuser's URL of an empty database and
    /// must have no connection left open when it returns. Safe among threads and processes.
    pub async fn create<F, Fut>(template_key: &str, prepare: F) -> Result<Self, Error>
    where
        F: FnOnce(String) -> Fut,
        Fut: Future<Output = Result<(), BoxError>>,
    {
        assert!(
            template_key.len() <= KEY_MAX_BYTES
                && template_key
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'_'),
            "a template key has at most {KEY_MAX_BYTES} ASCII letters, digits and _"
        );
        let server = tokio::task::spawn_blocking(crate::shared::server)
            .await
            .map_err(|error| Error::Template(Box::new(error)))??;
        let port = server.port;
        let admin = connect(&url(port, "postgres", "postgres")).await?;
        if server.fresh {
            remove_strays(&admin).await;
        }
        let template = ensure_template(&admin, port, template_key, prepare).await?;
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        clone_database(&admin, &name, &template).await?;
        Ok(Self { port, name })
    }

    /// An empty database, for tests of migrations themselves.
    pub async fn empty() -> Result<Self, Error> {
        Self::create("empty", |_| async { Ok(()) }).await
    }

    /// `postgres://user@127.0.0.1:port/name`; the superuser is `postgres`, no passwords.
    pub fn url(&self, user: &str) -> String {
        url(self.port, &self.name, user)
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// TCP port on 127.0.0.1 of the shared cluster.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let admin_url = url(self.port, "postgres", "postgres");
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A thread of its own: a drop can happen inside a runtime, where blocking would panic.
        let dropping = std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
            else {
                return;
            };
            runtime.block_on(async {
                // A database left behind costs disk until the next start removes it.
                if let Ok(admin) = connect(&admin_url).await {
                    let _ = admin.batch_execute(&statement).await;
                }
            });
        });
        let _ = dropping.join();
    }
}

async fn ensure_template<F, Fut>(
    admin: &Client,
    port: u16,
    key: &str,
    prepare: F,
) -> Result<String, Error>
where
    F: FnOnce(String) -> Fut,
    Fut: Future<Output = Result<(), BoxError>>,
{
    let template = format!("template_{key}");
    let sql = Error::sql("cannot look for a template database");
    if exists(admin, &template).await.map_err(sql)? {
        return Ok(template);
    }
    let sql = Error::sql("cannot lock a template's name");
    admin
        .execute(
            "SELECT pg_advisory_lock(hashtextextended($1, 0))",
            &[&template],
        )
        .await
        .map_err(sql)?;
    // The lock ends with `admin`'s session at the latest, also when `prepare` fails.
    let made = match exists(admin, &template).await {
        Ok(true) => Ok(()),
        Ok(false) => make_template(admin, port, &template, prepare).await,
        Err(cause) => Err(Error::Sql {
            what: "cannot look for a template database",
            cause,
        }),
    };
    admin
        .execute(
            "SELECT pg_advisory_unlock(hashtextextended($1, 0))",
            &[&template],
        )
        .await
        .map_err(Error::sql("cannot unlock a template's name"))?;
    made.map(|()| template)
}

/// Builds aside and renames, so that a template whose preparation was cut short is never cloned.
async fn make_template<F, Fut>(
    admin: &Client,
    port: u16,
    template: &str,
    prepare: F,
) -> Result<(), Error>
where
    F: FnOnce(String) -> Fut,
    Fut: Future<Output = Result<(), BoxError>>,
{
    let building = format!("building_{template}");
    for statement in [
        format!("DROP DATABASE IF EXISTS {building} WITH (FORCE)"),
        format!("CREATE DATABASE {building}"),
    ] {
        admin
            .batch_execute(&statement)
            .await
            .map_err(Error::sql("cannot make a template database"))?;
    }
    prepare(url(port, &building, "postgres"))
        .await
        .map_err(Error::Template)?;
    admin
        .batch_execute(&format!(
            "ALTER DATABASE {building} ALLOW_CONNECTIONS false"
        ))
        .await
        .map_err(Error::sql("cannot close a template database"))?;
    // A client that was just dropped still has its session for a moment.
    let nobody =
        format!("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = '{building}')");
    wait_for(admin, &nobody).await?;
    admin
        .batch_execute(&format!("ALTER DATABASE {building} RENAME TO {template}"))
        .await
        .map_err(Error::sql("cannot name a template database"))
}

/// Removes databases of killed tests, half-made templates, and templates of old migrations.
async fn remove_strays(admin: &Client) {
    // Another process may use this server already, so only what is older than the server counts.
    let strays = admin
        .query(
            "SELECT datname
               FROM pg_database,
                    pg_stat_file('base/' || oid || '/PG_VERSION') AS file
              WHERE (datname ~ '^(test|building)_'
                     AND file.modification < pg_postmaster_start_time())
                 OR (datname ~ '^template_'
                     AND file.modification < pg_postmaster_start_time() - interval '3 days')",
            &[],
        )
        .await;
    for stray in strays.unwrap_or_default() {
        let name: String = stray.get(0);
        // What cannot be removed now is tried again at the next start.
        let _ = admin
            .batch_execute(&format!("DROP DATABASE IF EXISTS {name}"))
            .await;
    }
}

async fn clone_database(admin: &Client, name: &str, template: &str) -> Result<(), Error> {
    // `file_copy` (15 and later) takes half the time of the default for a small template.
    let number = admin
        .query_one("SELECT current_setting('server_version_num')::int", &[])
        .await
        .map_err(Error::sql("cannot ask for the server's version"))?;
    let strategy = if number.get::<_, i32>(0) >= 150_000 {
        " STRATEGY file_copy"
    } else {
        ""
    };
    admin
        .batch_execute(&format!(
            "CREATE DATABASE {name} TEMPLATE {template}{strategy}"
        ))
        .await
        .map_err(Error::sql("cannot clone a template database"))
}

async fn exists(admin: &Client, name: &str) -> Result<bool, tokio_postgres::Error> {
    let row = admin
        .query_one(
            "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)",
            &[&name],
        )
        .await?;
    Ok(row.get(0))
}

/// Connects and drives the connection until the client is dropped.
pub(crate) async fn connect(url: &str) -> Result<Client, Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .map_err(Error::sql("cannot connect to the development cluster"))?;
    tokio::spawn(async move {
        // The client's own call reports a broken connection.
        let _ = connection.await;
    });
    Ok(client)
}

/// Waits until a statement answers `true`.
pub(crate) async fn wait_for(client: &Client, condition: &str) -> Result<(), Error> {
    let give_up = tokio::time::Instant::now() + WAIT_BOUND;
    loop {
        let row = client
            .query_one(condition, &[])
            .await
            .map_err(Error::sql("cannot ask"))?;
        if row.get::<_, bool>(0) {
            return Ok(());
        }
        if tokio::time::Instant::now() > give_up {
            return Err(Error::TimedOut {
                condition: condition.to_owned(),
                seconds: WAIT_BOUND.as_secs(),
            });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn url(port: u16, database: &str, user: &str) -> String {
    format!("postgres://{user}@127.0.0.1:{port}/{database}")
}
