//! The PKI of one run and the devices that it signs. Keys lie in the run's folder or in memory.

use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;

use anyhow::Context as _;
use certs::folder::{InitOptions, LeafOptions};
use certs::{CaKind, CheckedCsr, DeviceSpec, IssuingCa, PkiFolder, ServerName, ServerSpec};
use p256::ecdsa::{DerSignature, SigningKey};
use p256::elliptic_curve::Generate as _;
use p256::pkcs8::EncodePrivateKey as _;
use rustls::client::{ClientConfig, Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, version};
use time::OffsetDateTime;
use x509_cert::builder::{Builder as _, RequestBuilder};
use x509_cert::der::Encode as _;
use x509_cert::name::Name;

use super::packet;

/// Certificates last longer than any run.
const DAYS: u16 = 30;
/// And so do the authorities.
const AUTHORITY_DAYS: u16 = 60;

/// The authorities of a run.
#[derive(Debug)]
pub struct Authority {
    folder: PkiFolder,
    device_ca: IssuingCa,
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
        let folder = PkiFolder::new(folder);
        let (now, rng) = (OffsetDateTime::now_utc(), &mut rand::rng());
        let options = InitOptions {
            // Short enough for the alert that says so.
            authority_days: AUTHORITY_DAYS,
            ..InitOptions::default()
        };
        folder.init(&options, now, rng)?;
        let names = ["localhost", "127.0.0.1"].map(ServerName::from_str);
        let names: Result<Vec<_>, _> = names.into_iter().collect();
        let broker = LeafOptions {
            stem: "broker",
            renew: false,
        };
        let spec = ServerSpec {
            names: &names?,
            days: DAYS,
        };
        folder.server_leaf(broker, &spec, now, rng)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        let trust = std::fs::read(folder.path("server-trust.pem")).context("reading the trust")?;
        for certificate in CertificateDer::pem_slice_iter(&trust) {
            roots.add(certificate?)?;
        }
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        Ok(Self {
            device_ca: folder.load_issuing(CaKind::Device)?,
            folder,
            provider,
            verifier: verifier
                .build()
                .context("trusting the run's own server CA")?,
        })
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        self.folder.dir()
    }

    /// A key and a certificate for this id. Nobody registers it here.
    pub fn device(&self, id: &str) -> anyhow::Result<Device> {
        let key = SigningKey::generate();
        let request = RequestBuilder::new(Name::from_str("CN=ignored")?)?;
        let request = request.build::<_, DerSignature>(&key)?;
        let csr = CheckedCsr::parse(&request.to_der()?)?;
        let spec = DeviceSpec {
            device_id: id,
            days: DAYS,
            crl_url: None,
        };
        let now = OffsetDateTime::now_utc();
        let certificate = self
            .device_ca
            .issue_device(&csr, &spec, now, &mut rand::rng())?;
        let key = key.to_pkcs8_der().context("writing a key to memory")?;
        let der = |certificate: &certs::Certificate| certificate.der().to_vec().into();
        let chain = vec![der(&certificate), der(self.device_ca.certificate())];
        let mut tls = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&version::TLS13])?
            .with_webpki_verifier(Arc::clone(&self.verifier))
            .with_client_auth_cert(
                chain,
                PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into(),
            )?;
        // Every connect is a full handshake: a resumed one would not show the certificate.
        tls.resumption = Resumption::disabled();
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
