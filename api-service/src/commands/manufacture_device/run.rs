//! The transaction: the device's lock, the decision, the rows.

use axum::http::StatusCode;
use certs::Certificate;
use serde_json::json;

use super::request::Request;
use super::{ManufacturedDevice, known};
use crate::api::Api;
use crate::commands::binding::DEVICE;
use crate::commands::keyed::{Answer, Keyed};
use crate::commands::run::Failure;
use crate::domain::account_id::AccountId;
use crate::domain::audit::{Actor, Entry};
use crate::domain::claim_secret::ClaimSecret;
use crate::domain::enrolment::{Enrolment, decide};
use crate::domain::label::Label;
use crate::problem::{Code, Problem};
use crate::store::Tx;
use crate::store::device::NewDevice;

/// One command with all it needs.
pub(super) struct Run<'a> {
    pub(super) request: &'a Request,
    pub(super) certificate: &'a Certificate,
    pub(super) crl_shard: Option<i32>,
    pub(super) may_replace_key: bool,
    pub(super) answer: &'a ManufacturedDevice,
    /// The claim secret on the device's label.
    pub(super) secret: Option<&'a ClaimSecret>,
    pub(super) account: AccountId,
}

impl Keyed for Run<'_> {
    const NAME: &'static str = "manufacture_device";

    async fn work(&self, _: &Api, tx: &Tx<'_>) -> Result<Answer, Failure> {
        self.enrol(tx).await?;
        tx.insert_certificate(&self.request.device_id, self.certificate, self.crl_shard)
            .await?;
        if let Some(secret) = self.secret {
            tx.put_device_claim(&self.request.device_id, &secret.hash(), None)
                .await?;
        }
        self.note(tx).await?;
        let answer = Answer::new(StatusCode::CREATED, self.answer)?;
        Ok(match self.secret {
            Some(_) => answer.telling_once(&["qr"]),
            None => answer,
        })
    }
}

impl Run<'_> {
    async fn note(&self, tx: &Tx<'_>) -> Result<(), Failure> {
        let (actor, id) = (
            Actor::Account(self.account.uuid()),
            self.request.device_id.as_str(),
        );
        let action = if self.request.renew {
            "device.renew"
        } else {
            "device.manufacture"
        };
        let after = json!({"fingerprint": self.certificate.fingerprint().to_string()});
        let entry = Entry::done(actor, action, DEVICE, id);
        Ok(tx.audit(entry.changed(None, after)).await?)
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
        match decide(known.as_ref(), asked).map_err(Problem::from)? {
            // The row that stood in the way is gone again; devices are not deleted, so this is odd
            // enough to be tried again by the caller.
            Enrolment::New => Err(Problem::new(Code::Busy, "try again").into()),
            Enrolment::Renewal { retire } => {
                for fingerprint in &retire {
                    tx.retire_certificate(fingerprint).await?;
                }
                Ok(tx.renew_device(new).await?)
            }
        }
    }
}
