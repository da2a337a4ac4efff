//! What can go wrong between a command and its rows.

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

/// A failure of the database or of what it holds.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// No connection became free in time.
    #[error("no database connection became free in time")]
    Busy,
    /// The database cannot be reached, is starting or stopping, or took too long.
    #[error("the database cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A deadlock or serialization failure: the command may be run again from its start.
    #[error("the database asks to run the transaction again")]
    Retry(#[source] tokio_postgres::Error),
    /// The database refused a statement: a mistake of ours.
    #[error("the database refused a statement")]
    Database(#[source] tokio_postgres::Error),
    /// A row holds something that this version cannot read.
    #[error("column {column} holds a value that this version does not know")]
    Row {
        /// The column.
        column: &'static str,
    },
    /// A change touched another number of rows than it must.
    #[error("`{statement}` touched {touched} rows instead of one")]
    Count {
        /// The statement's name.
        statement: &'static str,
        /// How many rows it touched.
        touched: u64,
    },
}

impl StoreError {
    /// Whether running the whole command again may help.
    pub(crate) fn is_retry(&self) -> bool {
        matches!(self, Self::Retry(_))
    }

    /// Whether it is a mistake of this program or of a row, which trying again does not mend.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(
            self,
            Self::Database(_) | Self::Row { .. } | Self::Count { .. }
        )
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(state) = error.code().cloned() else {
            // Without a state it never reached the server, or the connection broke under it. A
            // value that could not be encoded is our mistake; it shows up in tests first.
            return if error.is_closed() || is_io(&error) {
                Self::Unavailable(Box::new(error))
            } else {
                Self::Database(error)
            };
        };
        match &state {
            s if *s == SqlState::T_R_SERIALIZATION_FAILURE
                || *s == SqlState::T_R_DEADLOCK_DETECTED =>
            {
                Self::Retry(error)
            }
            // Class 08 connection, 53 resources, 57 operator intervention (shutdown, time-out),
            // 25006 a standby, 55P03 a lock that was not free in time.
            s if matches!(&s.code()[..2], "08" | "53" | "57")
                || matches!(s.code(), "25006" | "55P03" | "25P03") =>
            {
                Self::Unavailable(Box::new(error))
            }
            _ => Self::Database(error),
        }
    }
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.is::<std::io::Error>() {
            return true;
        }
        cause = error.source();
    }
    false
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => Self::Busy,
            other => Self::Unavailable(Box::new(other)),
        }
    }
}
