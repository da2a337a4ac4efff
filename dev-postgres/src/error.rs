//! What can go wrong, each with its mend. Nothing here carries a password: there are none.
//!
//! A sentence holds its causes already, so none of these reports a `source`.

use std::path::PathBuf;

/// Why a development cluster could not be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No folder holds `postgres` and `initdb`.
    #[error(
        "no PostgreSQL server binaries found (looked in: {looked_in}); install the system package \
         `postgresql`, or set DEV_POSTGRES_BIN to the folder that holds `postgres` and `initdb`"
    )]
    NoBinaries {
        /// The places tried, in order, comma separated.
        looked_in: String,
    },
    /// One optional binary is absent.
    #[error(
        "`{name}` is not in {bin}; install the full PostgreSQL server package, or point \
         DEV_POSTGRES_BIN at a folder that holds it"
    )]
    NoBinary {
        /// The binary's file name.
        name: &'static str,
        /// The folder of the binaries in use.
        bin: PathBuf,
    },
    /// `postgres --version` said something unexpected.
    #[error("`{program} --version` answered {answer:?}, from which no major version can be read")]
    UnknownVersion {
        /// The program that was asked.
        program: PathBuf,
        /// Its first line.
        answer: String,
    },
    /// The data folder was made by another major version.
    #[error(
        "{data} was made by PostgreSQL {made_by}, but the binaries are version {binaries}; delete \
         that folder, or point DEV_POSTGRES_BIN at PostgreSQL {made_by}"
    )]
    OtherVersion {
        /// The data folder.
        data: PathBuf,
        /// The content of its `PG_VERSION`.
        made_by: String,
        /// The major version found.
        binaries: u32,
    },
    /// Root starts the server as another user, and that user can't get at a folder.
    #[error(
        "the server runs as user id {uid} (PostgreSQL refuses root), which cannot reach {path}; \
         move the checkout out of a private home folder, or run as an ordinary user"
    )]
    Unreachable {
        /// The folder or binary.
        path: PathBuf,
        /// The user that the server runs as.
        uid: u32,
    },
    /// Root found no ordinary user to run the server as.
    #[error(
        "root has no ordinary user to run PostgreSQL as: /etc/passwd has no postgres, no nobody"
    )]
    NoOrdinaryUser,
    /// A helper program failed.
    #[error("`{program}` failed ({status}): {output}")]
    Program {
        /// What was run.
        program: String,
        /// How it ended.
        status: String,
        /// The end of what it printed.
        output: String,
    },
    /// The server ended while it was being waited for.
    #[error("PostgreSQL ended at start ({status}); the end of {log}: {tail}")]
    EndedAtStart {
        /// How it ended.
        status: String,
        /// Its log file.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// The server was not ready in time.
    #[error("PostgreSQL was not ready after {seconds} s; its log is {log}")]
    NotReady {
        /// How long it was waited for, in seconds.
        seconds: u64,
        /// Its log file.
        log: PathBuf,
    },
    /// Another server uses the same data folder.
    #[error(
        "a PostgreSQL server (process {pid}) already runs on {data}; stop it or use another --data folder"
    )]
    AlreadyRunning {
        /// The process id of its postmaster.
        pid: i32,
        /// The data folder.
        data: PathBuf,
    },
    /// Nothing runs where something was expected.
    #[error("no `dev-postgres run` is active on {folder}; start one first")]
    NotRunning {
        /// The folder given by `--data`.
        folder: PathBuf,
    },
    /// A file or process operation failed.
    #[error("{what} {path}: {cause}")]
    Io {
        /// What was tried, as the beginning of a sentence.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// The system's answer.
        cause: std::io::Error,
    },
    /// The server refused a statement of ours, or could not be reached.
    #[error("{what}: {}", said(.cause))]
    Sql {
        /// What was tried, as the beginning of a sentence.
        what: &'static str,
        /// The server's answer.
        cause: tokio_postgres::Error,
    },
    /// A condition in the server did not come true in time.
    #[error("not true after {seconds} s: {condition}")]
    TimedOut {
        /// The SQL that was asked again and again.
        condition: String,
        /// How long, in seconds.
        seconds: u64,
    },
    /// The caller's preparation of a template database failed.
    #[error("the template database could not be prepared: {}", said(.0.as_ref()))]
    Template(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// For `map_err`: names what was done and on which path.
    pub(crate) fn io(
        what: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |cause| Self::Io { what, path, cause }
    }

    /// For `map_err`: names what was asked of the server.
    pub(crate) fn sql(what: &'static str) -> impl FnOnce(tokio_postgres::Error) -> Self {
        move |cause| Self::Sql { what, cause }
    }
}

/// The error and its causes in one line: the driver's own text is only "db error".
fn said(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}
