//! Runs a command to its end: again from its start when the database asks for it.

use super::RUNS_MAX;
use crate::api::Api;
use crate::problem::Problem;
use crate::store::StoreError;

/// One command with all it needs. A run is one transaction.
pub(super) trait Command: Sync {
    /// What it comes to.
    type Done: Send;

    /// Runs it once.
    fn once(&self, api: &Api) -> impl Future<Output = Result<Self::Done, Failure>> + Send;
}

/// Why a run came to nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// The database; perhaps only this time.
    Store(StoreError),
    /// The command is refused.
    Refused(Problem),
}

/// Runs a command, at most four times.
pub(super) async fn to_its_end<C: Command>(api: &Api, command: &C) -> Result<C::Done, Problem> {
    for _ in 1..RUNS_MAX {
        match command.once(api).await {
            Err(Failure::Store(error)) if error.is_retry() => {}
            other => return other.map_err(Problem::from),
        }
    }
    command.once(api).await.map_err(Problem::from)
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(error) => error.into(),
            Failure::Refused(problem) => problem,
        }
    }
}
