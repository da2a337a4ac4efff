//! What retiring and revoking a certificate share: the transaction, the end of the one session that
//! used it, and the answer.
//!
//! The device is locked first, as in every command, so that its certificates change one command at a
//! time. The hooks refuse the certificate as soon as they have applied the change.

use axum::Json;
use axum::http::StatusCode;
use certs::{Fingerprint, RevocationReason};
use schema::{CertificateState, DeviceId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::run::{Command, Failure, to_its_end};
use super::under_way::{UnderWay, await_phase};
use crate::api::Api;
use crate::domain::audit::{Actor, Entry};
use crate::outbox::{Phase, kind, worker};
use crate::problem::{Code, Problem};
use crate::store::certificate::CertificateRow;
use crate::views::CertificateView;

/// A certificate after a command, and what is under way for it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CertificateEnded {
    /// Whose it is.
    device_id: String,
    /// The certificate as it is now.
    certificate: CertificateView,
    /// So many certificates still let the device in. With 0 it needs a renewal to come back.
    active_certificates: usize,
    /// What ends the session that it opened.
    #[serde(flatten)]
    under_way: UnderWay,
}

/// How a certificate ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// It is replaced; nobody needs to fear it.
    Retire,
    /// It is withdrawn, and listed as such.
    Revoke(RevocationReason),
}

struct EndCertificate {
    actor: Actor,
    which: Fingerprint,
    device_id: DeviceId,
    end: End,
}

/// Ends a certificate. Repeating it changes nothing and gives the same answer.
pub(super) async fn end_certificate(
    api: &Api,
    actor: Actor,
    which: Fingerprint,
    end: End,
    phase: Option<Phase>,
) -> Result<(StatusCode, Json<CertificateEnded>), Problem> {
    let connection = api.store.connect().await?;
    let (device_id, _) = connection
        .certificate(&which)
        .await?
        .ok_or_else(Problem::unknown_certificate)?;
    // Given back before the command takes one: callers that each hold one and wait for a second
    // could wait for each other.
    drop(connection);
    let command = EndCertificate {
        actor,
        which,
        device_id,
        end,
    };
    to_its_end(api, &command).await?;
    worker::wake(&api.outbox_wake);
    api.lists.outdate();

    let connection = api.store.connect().await?;
    let (id, certificate) = connection
        .certificate(&which)
        .await?
        .ok_or_else(Problem::unknown_certificate)?;
    let operation = connection.certificate_operation(&id, &which).await?;
    // Active ones are at most two, and the newest.
    let newest = connection.certificates(&id).await?;
    let active_certificates = newest.iter().filter(|row| is_active(row)).count();
    drop(connection);
    let (status, operation) = await_phase(api, operation, phase).await?;
    Ok((
        status,
        Json(CertificateEnded {
            device_id: id.to_string(),
            certificate: certificate.into(),
            active_certificates,
            under_way: operation.into(),
        }),
    ))
}

fn is_active(row: &CertificateRow) -> bool {
    row.state == CertificateState::Active
}

impl Command for EndCertificate {
    type Done = ();

    async fn once(&self, api: &Api) -> Result<(), Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("end_certificate").await?;
        // The certificate's row needs no lock of its own: its device's holds every command back.
        tx.lock_device(&self.device_id).await?;
        let certificate = tx.certificate(&self.which).await?;
        let (_, certificate) = certificate.ok_or_else(Problem::unknown_certificate)?;
        let reason = match (self.end, certificate.state) {
            (End::Retire, CertificateState::Revoked) => {
                let detail = "the certificate is revoked, which is more than retired and final";
                return Err(Problem::new(Code::CertificateRevoked, detail).into());
            }
            (End::Retire, CertificateState::Retired)
            | (End::Revoke(_), CertificateState::Revoked) => return Ok(()),
            (End::Retire, CertificateState::Active) => {
                tx.retire_certificate(&self.which).await?;
                None
            }
            (End::Revoke(reason), CertificateState::Active | CertificateState::Retired) => {
                tx.revoke_certificate(&self.which, reason).await?;
                Some(reason.as_str())
            }
        };
        let payload = json!({"fingerprint": self.which.to_string(), "reason": reason});
        tx.add_to_outbox(kind::END_CERTIFICATE_SESSION, &self.device_id, &payload)
            .await?;
        let action = match self.end {
            End::Retire => "certificate.retire",
            End::Revoke(_) => "certificate.revoke",
        };
        let which = self.which.to_string();
        let entry = Entry::done(self.actor, action, "certificate", &which);
        let after = json!({"deviceId": self.device_id.as_str(), "reason": reason});
        tx.audit(entry.changed(None, after)).await?;
        Ok(tx.commit().await?)
    }
}
