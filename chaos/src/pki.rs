//! The PKI of one run, and a signed certificate for each of its devices.
//!
//! `certs` makes them, which is what makes them in production, so that they are as long and as costly
//! to verify as real ones. Keys lie in the run's folder or in memory and end with the run.

use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;

use anyhow::Context as _;
use certs::folder::{InitOptions, LeafOptions};
use certs::{
    CaKind, Certificate, CheckedCsr, DeviceSpec, IssuingCa, PkiFolder, ServerName, ServerSpec,
};
use p256::ecdsa::{DerSignature, SigningKey};
use p256::elliptic_curve::Generate as _;
use p256::pkcs8::EncodePrivateKey as _;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use time::OffsetDateTime;
use x509_cert::builder::{Builder as _, RequestBuilder};
use x509_cert::der::Encode as _;
use x509_cert::name::Name;

/// Certificates last longer than any run.
const DAYS: u16 = 30;

/// And so do the authorities; short enough for the alert that says so.
const AUTHORITY_DAYS: u16 = 60;

/// The authorities and the broker's certificate.
#[derive(Debug)]
pub struct Pki {
    folder: PkiFolder,
    device_ca: IssuingCa,
    /// Removed with this value, if it is a folder of its own.
    _kept: Option<TempDir>,
}

/// What a device shows and proves.
#[derive(Debug)]
pub struct Identity {
    /// Its certificate and the device CA's.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
    /// What the database holds of it.
    pub certificate: Certificate,
}

impl Pki {
    /// The same as [`Pki::make`] in a temporary folder.
    pub fn temporary(names: &[String]) -> anyhow::Result<Self> {
        let kept = tempfile::tempdir().context("making a folder for certificates")?;
        let made = Self::make(&kept.path().join("pki"), names)?;
        Ok(Self {
            _kept: Some(kept),
            ..made
        })
    }

    /// Makes the authorities in `folder`, and a certificate for a broker that is called `localhost`,
    /// 127.0.0.1 and by `names`.
    pub fn make(folder: &Path, names: &[String]) -> anyhow::Result<Self> {
        let folder = PkiFolder::new(folder);
        let (now, rng) = (OffsetDateTime::now_utc(), &mut rand::rng());
        let options = InitOptions {
            authority_days: AUTHORITY_DAYS,
            ..InitOptions::default()
        };
        folder.init(&options, now, rng)?;
        let known = ["localhost", "127.0.0.1"];
        let mut all = Vec::new();
        for name in known.into_iter().chain(names.iter().map(String::as_str)) {
            let name = ServerName::from_str(name)?;
            if !all.contains(&name) {
                all.push(name);
            }
        }
        let broker = LeafOptions {
            stem: "broker",
            renew: false,
        };
        let spec = ServerSpec {
            names: &all,
            days: DAYS,
        };
        folder.server_leaf(broker, &spec, now, rng)?;
        Ok(Self {
            device_ca: folder.load_issuing(CaKind::Device)?,
            folder,
            _kept: None,
        })
    }

    /// The folder, as `dev-broker --certs` takes it.
    pub fn folder(&self) -> &Path {
        self.folder.dir()
    }

    /// The text of a PEM file in it.
    pub fn pem(&self, name: &str) -> anyhow::Result<String> {
        let file = self.folder.path(name);
        std::fs::read_to_string(&file).with_context(|| format!("reading {name}"))
    }

    /// What a device trusts: the broker's certificate comes from our own server CA.
    pub fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> anyhow::Result<Arc<WebPkiServerVerifier>> {
        let mut roots = RootCertStore::empty();
        let trust = self.pem("server-trust.pem")?;
        for certificate in CertificateDer::pem_slice_iter(trust.as_bytes()) {
            roots.add(certificate?)?;
        }
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .build()
            .context("trusting the run's own server CA")
    }

    /// A key of its own and a certificate for the device of this id.
    pub fn device(&self, id: &str) -> anyhow::Result<Identity> {
        let key = SigningKey::generate();
        let csr = CheckedCsr::parse(&request_of(&key)?)?;
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
        let der = |certificate: &Certificate| certificate.der().to_vec().into();
        Ok(Identity {
            chain: vec![der(&certificate), der(self.device_ca.certificate())],
            key: PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into(),
            certificate,
        })
    }
}

/// A signing request (PKCS#10, DER) of a fresh key that nobody keeps.
pub fn signing_request() -> anyhow::Result<Vec<u8>> {
    request_of(&SigningKey::generate())
}

fn request_of(key: &SigningKey) -> anyhow::Result<Vec<u8>> {
    let request = RequestBuilder::new(Name::from_str("CN=ignored")?)?;
    let request = request.build::<_, DerSignature>(key)?;
    Ok(request.to_der()?)
}
