//! Keeps the fleet table in step with the database: one task, one dedicated connection.
//!
//! The connection is never pooled and never goes through PgBouncer's transaction mode, because
//! `LISTEN` would silently die there. A notification is only a hint to look now; what counts is the
//! change log, whose numbers are gap-free and in commit order, and a short poll looks anyway.
//!
//! The feed also holds the lease (design section 6): a replica allows only until `H` after the
//! instant before its last successful renewal was sent, so that whoever waits for a change to be
//! everywhere can tell when a silent replica has stopped allowing.

mod catch_up;
mod follow;
mod head;
mod lease;
mod link;
mod log;
mod people;
mod rows;
mod snapshot;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::fleet::Writer;
use crate::metrics::Metrics;

pub use self::link::Database;

/// How the feed behaves.
#[derive(Debug, Clone)]
pub struct FeedSettings {
    /// What operators call this replica.
    pub replica_name: String,
    /// `H`: how long allowing goes on without a renewed lease, 5 s to 5 min.
    pub staleness_max: Duration,
    /// Whether clients in the table are served past `H`: then the lease never lapses.
    pub serves_known: bool,
    /// How often to look without a hint.
    pub poll_every: Duration,
    /// How often to compare the whole table with the database.
    pub compare_every: Duration,
}

/// What stops the feed, or a link of it.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The database could not be asked, or said no.
    #[error("the database cannot be read: {}", told(.0))]
    Database(#[from] tokio_postgres::Error),
    /// A step took longer than it may.
    #[error("the database did not answer within {0:?}")]
    Timeout(Duration),
    /// The connection broke while nothing was asked.
    #[error("the connection to the database broke")]
    Broken,
    /// The schema is too old or too new.
    #[error(transparent)]
    Version(#[from] schema::VersionError),
    /// A pooler stands in between.
    #[error(
        "HOOK_DATABASE_URL leads through a pooler in transaction mode, where LISTEN dies silently: \
         name the PostgreSQL server itself"
    )]
    Pooled,
    /// The single row that names the state of the feed is missing.
    #[error("the table feed_state has no row: run `schema migrate`")]
    NoState,
}

impl FeedError {
    /// Whether trying again cannot help: the settings or the schema are wrong.
    pub fn is_fatal(&self) -> bool {
        use tokio_postgres::error::SqlState;
        match self {
            Self::Version(schema::VersionError::Unreadable(error)) | Self::Database(error) => {
                error.code().is_some_and(|code| {
                    [
                        SqlState::INVALID_PASSWORD,
                        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
                        SqlState::INVALID_CATALOG_NAME,
                        SqlState::INSUFFICIENT_PRIVILEGE,
                    ]
                    .contains(code)
                })
            }
            Self::Version(_) | Self::Pooled | Self::NoState => true,
            Self::Timeout(_) | Self::Broken => false,
        }
    }
}

/// How the feed and its owner talk.
#[derive(Debug, Clone, Default)]
pub struct FeedSignals {
    /// Cancelled by the feed when readers may allow for the first time.
    pub live: CancellationToken,
    /// Cancelled by the owner to end the feed and give its lease back.
    pub stop: CancellationToken,
}

/// Runs until `signals.stop`. Returns early only if the very first link shows that trying again is useless;
/// after that it keeps trying, and the lease sees to it that an old table stops allowing.
pub async fn run(
    database: &Database,
    settings: &FeedSettings,
    writer: Writer,
    metrics: &Metrics,
    signals: &FeedSignals,
) -> Result<(), FeedError> {
    let FeedSignals { live, stop } = signals;
    let mut follower = follow::Follower::new(settings, writer, metrics, live);
    let mut backoff = Backoff::default();
    loop {
        let Err(error) = follower.follow(database, stop).await else {
            return Ok(());
        };
        if error.is_fatal() && !follower.ever_live() {
            return Err(error);
        }
        metrics.link_failures.inc();
        if follower.take_progress() {
            backoff = Backoff::default();
        }
        let pause = backoff.next();
        tracing::warn!(%error, retry_in_ms = pause.as_millis(), "the feed lost the database");
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return Ok(()),
        }
    }
}

/// Pauses between attempts: 50 ms, doubling to 2 s, half of it random.
#[derive(Debug, Default)]
struct Backoff {
    attempts: u32,
}

impl Backoff {
    fn next(&mut self) -> Duration {
        let ceiling = (50_u64 << self.attempts.min(6)).min(2000);
        self.attempts += 1;
        Duration::from_millis(ceiling / 2 + rand::random_range(0..=ceiling / 2))
    }
}

/// The server's own words where it said any; the library's are only "db error".
fn told(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(said), _) => said.message().to_owned(),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}

/// Every statement of the feed, for the test that prepares them against the migrated schema.
pub fn statements() -> Vec<&'static str> {
    vec![
        head::HEAD,
        lease::TAKE,
        lease::RENEW,
        lease::TELL,
        lease::GIVE_BACK,
        log::HEADERS,
        log::ITEMS,
        rows::DEVICES,
        rows::ALL_DEVICES,
        rows::SERVICE_CLIENTS,
        rows::SERVICE_CERTIFICATES,
        rows::SERVICE_RIGHTS,
        people::ACCOUNTS,
        people::ALL_ACCOUNTS,
        people::MEMBERSHIPS,
        people::ALL_MEMBERSHIPS,
        people::GROUPS,
        people::ALL_GROUPS,
    ]
}

/// Bounds a step in time.
async fn within<T, E: Into<FeedError>>(
    limit: Duration,
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, FeedError> {
    match tokio::time::timeout(limit, step).await {
        Ok(result) => result.map_err(Into::into),
        Err(_elapsed) => Err(FeedError::Timeout(limit)),
    }
}
