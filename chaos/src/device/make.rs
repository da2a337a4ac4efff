//! The devices of a run: each with a certificate of its PKI, its side of TLS and its CONNECT.

use std::path::Path;
use std::sync::Arc;

use rustls::client::{ClientConfig, Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::version;
use time::OffsetDateTime;

use crate::packet;
use crate::pki::Pki;

/// The authorities of a run.
#[derive(Debug)]
pub struct Authority {
    pki: Pki,
    provider: Arc<CryptoProvider>,
    verifier: Arc<WebPkiServerVerifier>,
}

/// A device that can connect.
#[derive(Debug)]
pub struct Device {
    /// Its id, and its client id and user name.
    pub id: String,
    pub(super) connect: Vec<u8>,
    pub(super) tls: Arc<ClientConfig>,
    /// What the database holds of its certificate.
    pub registered: Registered,
}

/// The columns of a certificate's row.
#[derive(Debug, Clone)]
pub struct Registered {
    /// SHA-256 over the DER.
    pub fingerprint: Vec<u8>,
    /// The DER.
    pub der: Vec<u8>,
    /// Its end.
    pub not_after: OffsetDateTime,
    /// Its begin.
    pub not_before: OffsetDateTime,
}

impl Authority {
    /// Makes the authorities and the broker's certificate in `folder`.
    pub fn make(folder: &Path) -> anyhow::Result<Self> {
        let pki = Pki::make(folder, &[])?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Ok(Self {
            verifier: pki.verifier(&provider)?,
            provider,
            pki,
        })
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        self.pki.folder()
    }

    /// A key and a certificate for this id. Nobody registers it here.
    pub fn device(&self, id: &str) -> anyhow::Result<Device> {
        let identity = self.pki.device(id)?;
        let mut tls = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&version::TLS13])?
            .with_webpki_verifier(Arc::clone(&self.verifier))
            .with_client_auth_cert(identity.chain, identity.key)?;
        // Every connect is a full handshake: a resumed one would not show the certificate.
        tls.resumption = Resumption::disabled();
        let certificate = identity.certificate;
        let fingerprint = certificate.fingerprint();
        Ok(Device {
            connect: packet::connect(id, id, &fingerprint.to_string()),
            tls: Arc::new(tls),
            registered: Registered {
                fingerprint: fingerprint.as_bytes().to_vec(),
                der: certificate.der().to_vec(),
                not_after: certificate.not_after(),
                not_before: certificate.not_before(),
            },
            id: id.to_owned(),
        })
    }

    /// Many of them, on all processors.
    pub fn devices(&self, ids: &[String]) -> anyhow::Result<Vec<Device>> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let share = ids.len().div_ceil(cores).max(1);
        std::thread::scope(|scope| {
            let workers: Vec<_> = ids
                .chunks(share)
                .map(|ids| scope.spawn(move || ids.iter().map(|id| self.device(id)).collect()))
                .collect();
            let parts = workers
                .into_iter()
                .map(|worker| worker.join().expect("making certificates does not panic"));
            let parts: anyhow::Result<Vec<Vec<Device>>> = parts.collect();
            Ok(parts?.into_iter().flatten().collect())
        })
    }
}
