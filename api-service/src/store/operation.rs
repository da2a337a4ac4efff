//! Operations as their operators meet them: lists of them, and what a person may do about one that
//! does not end by itself.

use certs::Fingerprint;

use super::outbox::{OperationRow, select_operation};
use super::{Connection, StoreError, Tx};
use crate::outbox::kind::END_CERTIFICATE_SESSION;
use schema::DeviceId;

const ALL: &str = select_operation!(
    "operation::all",
    " WHERE id < $1
 ORDER BY id DESC
 LIMIT $2"
);

/// The state is written out: given as a parameter it would match no partial index.
macro_rules! in_state {
    ($state:literal) => {
        select_operation!(
            concat!("operation::", $state),
            concat!(
                " WHERE state = '",
                $state,
                "'
   AND id < $1
 ORDER BY id DESC
 LIMIT $2"
            )
        )
    };
}

const PENDING: &str = in_state!("pending");

const DEAD: &str = in_state!("dead");

const DONE: &str = in_state!("done");

const OF_DEVICE: &str = select_operation!(
    "operation::of_device",
    " WHERE subject = $3
   AND ($4::text IS NULL OR state = $4)
   AND id < $1
 ORDER BY id DESC
 LIMIT $2"
);

const OF_CERTIFICATE: &str = select_operation!(
    "operation::of_certificate",
    " WHERE subject = $1
   AND kind = $2
   AND payload ->> 'fingerprint' = $3
 ORDER BY id DESC
 LIMIT 1"
);

const LOCK: &str = select_operation!(
    "operation::lock",
    " WHERE id = $1
   FOR UPDATE"
);

const RETRY: &str = "
-- store::operation::retry
UPDATE outbox
   SET state = 'pending', attempts = 0, next_attempt_at = now(), claimed_by = NULL
 WHERE id = $1
   AND state = 'dead'";

/// Whoever is at work on it finds it ended and leaves it so.
const ABANDON: &str = "
-- store::operation::abandon
UPDATE outbox
   SET state = 'dead', last_error = $2, claimed_by = NULL
 WHERE id = $1
   AND state = 'pending'";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[
    ALL,
    PENDING,
    DEAD,
    DONE,
    OF_DEVICE,
    OF_CERTIFICATE,
    LOCK,
    RETRY,
    ABANDON,
];

/// A state of the outbox, as a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StateFilter {
    Pending,
    Done,
    Dead,
}

/// Which operations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OperationFilter {
    /// Only in this state.
    pub(crate) state: Option<StateFilter>,
    /// Only of this device.
    pub(crate) device: Option<DeviceId>,
}

impl StateFilter {
    /// The word of the wire and of the database, which are the same.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Pending, Self::Done, Self::Dead]
            .into_iter()
            .find(|state| state.word() == word)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Pending => schema::words::OUTBOX_PENDING,
            Self::Done => schema::words::OUTBOX_DONE,
            Self::Dead => schema::words::OUTBOX_DEAD,
        }
    }
}

impl Connection {
    /// Operations, newest first, older than one of them or from the newest.
    pub(crate) async fn operations(
        &self,
        filter: &OperationFilter,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<OperationRow>, StoreError> {
        let before = before.unwrap_or(i64::MAX);
        let rows = match (&filter.device, filter.state) {
            (Some(device), state) => {
                let state = state.map(StateFilter::word);
                let device = device.as_str();
                self.rows(OF_DEVICE, &[&before, &limit, &device, &state])
                    .await?
            }
            (None, state) => {
                let statement = match state {
                    None => ALL,
                    Some(StateFilter::Pending) => PENDING,
                    Some(StateFilter::Dead) => DEAD,
                    Some(StateFilter::Done) => DONE,
                };
                self.rows(statement, &[&before, &limit]).await?
            }
        };
        rows.iter().map(OperationRow::try_from).collect()
    }

    /// The newest operation that ends the session of a certificate.
    pub(crate) async fn certificate_operation(
        &self,
        device: &DeviceId,
        which: &Fingerprint,
    ) -> Result<Option<OperationRow>, StoreError> {
        // As the payload holds it.
        let fingerprint = which.to_string();
        let row = self
            .row(
                OF_CERTIFICATE,
                &[&device.as_str(), &END_CERTIFICATE_SESSION, &fingerprint],
            )
            .await?;
        row.as_ref().map(OperationRow::try_from).transpose()
    }
}

impl Tx<'_> {
    /// An operation, locked until this transaction ends.
    pub(crate) async fn lock_operation(&self, id: i64) -> Result<Option<OperationRow>, StoreError> {
        let row = self.row(LOCK, &[&id]).await?;
        row.as_ref().map(OperationRow::try_from).transpose()
    }

    /// Puts a dead operation back to work, from its first attempt.
    pub(crate) async fn retry_operation(&self, id: i64) -> Result<(), StoreError> {
        self.change_one("retry operation", RETRY, &[&id]).await
    }

    /// Gives a pending operation up.
    pub(crate) async fn abandon_operation(&self, id: i64, why: &str) -> Result<(), StoreError> {
        self.change_one("abandon operation", ABANDON, &[&id, &why])
            .await
    }
}
