//! The transaction: the key's claim, the device's lock, the decision, the rows, the kept answer.

use axum::http::StatusCode;
use certs::Certificate;
use serde_json::Value;

use super::known;
use super::request::Request;
use crate::api::Api;
use crate::commands::RUNS_MAX;
use crate::domain::enrolment::{Enrolment, decide};
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::label::Label;
use crate::problem::{Code, Problem};
use crate::store::device::NewDevice;
use crate::store::idempotency::{Claim, Seen};
use crate::store::{StoreError, Tx};

/// What a run of the command came to.
pub(super) enum Outcome {
    Made,
    Replayed(Value),
}

/// One command with all it needs.
pub(super) struct Run<'a> {
    pub(super) api: &'a Api,
    pub(super) request: &'a Request,
    pub(super) certificate: &'a Certificate,
    pub(super) crl_shard: Option<i32>,
    pub(super) may_replace_key: bool,
    pub(super) claim: Option<(&'a str, &'a IdempotencyKey, [u8; 32])>,
    pub(super) body: &'a Value,
}

impl Run<'_> {
    /// Runs the command, again from its start when the database asks for it.
    pub(super) async fn to_its_end(&self) -> Result<Outcome, Problem> {
        for _ in 1..RUNS_MAX {
            match self.once().await {
                Err(Failure::Store(error)) if error.is_retry() => {}
                other => return other.map_err(Problem::from),
            }
        }
        self.once().await.map_err(Problem::from)
    }

    async fn once(&self) -> Result<Outcome, Failure> {
        let mut connection = self.api.store.connect().await?;
        let tx = connection.begin("manufacture_device").await?;
        let claim = self.claim.as_ref().map(|(account, key, hash)| Claim {
            account,
            key,
            request_hash: hash,
        });
        if let Some(claim) = claim {
            match tx.claim(claim).await? {
                Seen::New => {}
                Seen::Answered(body) => return Ok(Outcome::Replayed(body)),
                Seen::Other => return Err(Failure::Problem(key_reused())),
            }
        }
        self.enrol(&tx).await?;
        tx.insert_certificate(&self.request.device_id, self.certificate, self.crl_shard)
            .await?;
        if let Some(claim) = claim {
            tx.keep_answer(claim, StatusCode::CREATED.as_u16(), self.body)
                .await?;
        }
        tx.commit().await?;
        Ok(Outcome::Made)
    }

    async fn enrol(&self, tx: &Tx<'_>) -> Result<(), Failure> {
        let id = &self.request.device_id;
        let new = NewDevice {
            device_id: id,
            model: self.request.model.as_str(),
            firmware_version: self.request.firmware_version.as_ref().map(Label::as_str),
            public_key: self.request.csr.public_key().der(),
        };
        let asked = self.request.asked(self.may_replace_key);
        let mut row = tx.lock_device(id).await?;
        if row.is_none() && !asked.renew {
            if tx.insert_device(new).await? {
                return Ok(());
            }
            // Somebody else was quicker; now the row is there to be judged.
            row = tx.lock_device(id).await?;
        }
        let known = match row {
            Some(row) => Some(known(row, &tx.certificates(id).await?)),
            None => None,
        };
        match decide(known.as_ref(), asked).map_err(|refusal| Failure::Problem(refusal.into()))? {
            // The row that stood in the way is gone again; devices are not deleted, so this is odd
            // enough to be tried again by the caller.
            Enrolment::New => Err(Failure::Problem(Problem::new(Code::Busy, "try again"))),
            Enrolment::Renewal { retire } => {
                for fingerprint in &retire {
                    tx.retire_certificate(fingerprint).await?;
                }
                Ok(tx.renew_device(new).await?)
            }
        }
    }
}

fn key_reused() -> Problem {
    let detail = "this Idempotency-Key was used for another request; take a new one";
    Problem::new(Code::IdempotencyKeyReused, detail)
}

/// Why a run ended without a device.
enum Failure {
    Store(StoreError),
    Problem(Problem),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(error) => error.into(),
            Failure::Problem(problem) => problem,
        }
    }
}
