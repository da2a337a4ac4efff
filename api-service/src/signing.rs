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

use crate::domain::key_id::KeyId;
use schema::DeviceId;

/// Signs device certificates with one authority, and revocation lists with that one and those before it.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    /// The one that signs certificates comes first.
    authorities: Arc<[Authority]>,
    days: u16,
    slots: Arc<Semaphore>,
}

/// An authority under the name that its lists have.
#[derive(Debug)]
pub(crate) struct Authority {
    issuer: KeyId,
    ca: IssuingCa,
}

impl Authority {
    /// `None` if its key identifier is not of 20 bytes.
    pub(crate) fn new(ca: IssuingCa) -> Option<Self> {
        let issuer = KeyId::from_slice(ca.key_identifier_bytes())?;
        Some(Self { issuer, ca })
    }

    /// Its key identifier.
    pub(crate) fn issuer(&self) -> KeyId {
        self.issuer
    }

    /// Its certificate.
    pub(crate) fn certificate(&self) -> &Certificate {
        self.ca.certificate()
    }
}

/// A list to be signed.
#[derive(Debug, Clone)]
pub(crate) struct ListSpec {
    /// By whom.
    pub(crate) issuer: KeyId,
    pub(crate) number: u64,
    pub(crate) this_update: OffsetDateTime,
    pub(crate) next_update: OffsetDateTime,
    /// The URL that it covers alone; none for the whole list.
    pub(crate) shard: Option<CrlUrl>,
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
    /// The list is of an authority that this process was not given.
    #[error("the key of authority {0} is not here; name its file in API_DEVICE_CA_RETIRED_FILES")]
    UnknownIssuer(KeyId),
    /// The signing thread ended without an answer.
    #[error("the signing thread failed")]
    Thread(#[from] tokio::task::JoinError),
}

impl Signer {
    /// A signer that uses one thread per core at most.
    pub(crate) fn new(signing: Authority, retired: Vec<Authority>, days: u16) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            authorities: std::iter::once(signing).chain(retired).collect(),
            days,
            slots: Arc::new(Semaphore::new(cores)),
        }
    }

    /// The authority that signs device certificates.
    pub(crate) fn issuer(&self) -> KeyId {
        self.authorities[0].issuer
    }

    /// All authorities whose lists are signed here, the one that signs certificates first.
    pub(crate) fn issuers(&self) -> Vec<KeyId> {
        self.authorities.iter().map(Authority::issuer).collect()
    }

    /// The authority that signs device certificates.
    pub(crate) fn signing(&self) -> &Authority {
        &self.authorities[0]
    }

    /// Those that sign only lists.
    pub(crate) fn retired(&self) -> impl Iterator<Item = &Authority> {
        self.authorities.iter().skip(1)
    }

    /// Issues a device's certificate. The name comes from the registration, never from the request.
    pub(crate) async fn issue(
        &self,
        csr: CheckedCsr,
        id: &DeviceId,
        now: OffsetDateTime,
        crl_url: Option<CrlUrl>,
    ) -> Result<Certificate, SigningError> {
        let (signer, id) = (self.clone(), id.clone());
        self.on_a_thread(move || signer.issue_here(&csr, &id, now, crl_url.as_ref()))
            .await
    }

    /// The same on the thread of the caller, which must be one of [`Signer::compute`].
    pub(crate) fn issue_here(
        &self,
        csr: &CheckedCsr,
        id: &DeviceId,
        now: OffsetDateTime,
        crl_url: Option<&CrlUrl>,
    ) -> Result<Certificate, SigningError> {
        let spec = DeviceSpec {
            device_id: id.as_str(),
            days: self.days,
            crl_url,
        };
        let ca = &self.authorities[0].ca;
        Ok(ca.issue_device(csr, &spec, now, &mut rand::rng())?)
    }

    /// Which of the authorities signed a certificate; `None` if it was none of them.
    pub(crate) async fn signer_of(
        &self,
        certificate: Certificate,
    ) -> Result<Option<KeyId>, SigningError> {
        let signer = self.clone();
        self.on_a_thread(move || {
            let mut authorities = signer.authorities.iter();
            let found = authorities.find(|each| certificate.is_issued_by(each.certificate()));
            Ok(found.map(Authority::issuer))
        })
        .await
    }

    /// Computes something that takes long on one of the threads for signatures.
    pub(crate) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, SigningError> {
        self.on_a_thread(move || Ok(work())).await
    }

    /// Signs a revocation list of one of the authorities.
    pub(crate) async fn sign_list(
        &self,
        list: ListSpec,
        entries: Vec<RevokedEntry>,
    ) -> Result<RevocationList, SigningError> {
        let signer = self.clone();
        self.on_a_thread(move || {
            let mut authorities = signer.authorities.iter();
            let authority = authorities
                .find(|authority| authority.issuer == list.issuer)
                .ok_or(SigningError::UnknownIssuer(list.issuer))?;
            let spec = CrlSpec {
                number: list.number,
                this_update: list.this_update,
                next_update: list.next_update,
                shard: list.shard.as_ref(),
            };
            Ok(authority.ca.sign_crl(&spec, entries)?)
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
