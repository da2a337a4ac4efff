//! Signing with the device authority's key: on blocking threads, a few at a time.
//!
//! A signature takes a fraction of a millisecond of pure computing. On the threads that serve
//! connections, a factory line that registers a thousand devices would hold everybody else up.

use std::sync::Arc;

use certs::{
    Certificate, CheckedCsr, CrlError, CrlSpec, CrlUrl, DeviceSpec, IssueError, IssuingCa,
    RevocationList, RevokedEntry,
};
use time::OffsetDateTime;
use tokio::sync::Semaphore;

use schema::DeviceId;

/// Signs device certificates and their revocation list.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    authority: Arc<IssuingCa>,
    crl_url: Option<CrlUrl>,
    days: u16,
    slots: Arc<Semaphore>,
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SigningError {
    /// The authority refused.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The list could not be made.
    #[error(transparent)]
    Crl(#[from] CrlError),
    /// The signing thread ended without an answer.
    #[error("the signing thread failed")]
    Thread(#[from] tokio::task::JoinError),
}

impl Signer {
    /// A signer that uses one thread per core at most.
    pub(crate) fn new(authority: IssuingCa, crl_url: Option<CrlUrl>, days: u16) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            authority: Arc::new(authority),
            crl_url,
            days,
            slots: Arc::new(Semaphore::new(cores)),
        }
    }

    /// The device authority's certificate.
    pub(crate) fn certificate(&self) -> &Certificate {
        self.authority.certificate()
    }

    /// Issues a device's certificate. The name comes from the registration, never from the request.
    pub(crate) async fn issue(
        &self,
        csr: CheckedCsr,
        id: &DeviceId,
        now: OffsetDateTime,
    ) -> Result<Certificate, SigningError> {
        let (signer, id) = (self.clone(), id.clone());
        self.on_a_thread(move || {
            let spec = DeviceSpec {
                device_id: id.as_str(),
                days: signer.days,
                crl_url: signer.crl_url.as_ref(),
            };
            Ok(signer
                .authority
                .issue_device(&csr, &spec, now, &mut rand::rng())?)
        })
        .await
    }

    /// Signs the revocation list of the device authority.
    pub(crate) async fn sign_list(
        &self,
        entries: Vec<RevokedEntry>,
        number: u64,
        this_update: OffsetDateTime,
        next_update: OffsetDateTime,
    ) -> Result<RevocationList, SigningError> {
        let signer = self.clone();
        self.on_a_thread(move || {
            let spec = CrlSpec {
                number,
                this_update,
                next_update,
                shard: None,
            };
            Ok(signer.authority.sign_crl(&spec, entries)?)
        })
        .await
    }

    async fn on_a_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, SigningError> + Send + 'static,
    ) -> Result<T, SigningError> {
        let slot = Arc::clone(&self.slots)
            .acquire_owned()
            .await
            .expect("nobody closes the semaphore");
        // The slot goes with the work: a caller that goes away does not free it early.
        tokio::task::spawn_blocking(move || {
            let _slot = slot;
            work()
        })
        .await?
    }
}
