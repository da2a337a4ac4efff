//! A PKI for one test.

use std::sync::Arc;

use certs::folder::{InitOptions, LeafOptions};
use certs::{CaKind, CheckedCsr, DeviceSpec, IssuingCa, PkiFolder, ServerSpec};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use time::OffsetDateTime;

/// Roots, authorities and a broker certificate for 127.0.0.1.
pub(crate) struct Pki {
    folder: PkiFolder,
    device_ca: IssuingCa,
    _root: tempfile::TempDir,
}

/// A certificate as the API would answer it.
pub(crate) struct Issued {
    pub(crate) pem: String,
    pub(crate) fingerprint: String,
    pub(crate) serial: String,
}

impl Pki {
    pub(crate) fn make() -> Self {
        let root = tempfile::tempdir().unwrap();
        let folder = PkiFolder::new(root.path().join("pki"));
        let now = OffsetDateTime::now_utc();
        folder
            .init(&InitOptions::default(), now, &mut rand::rng())
            .unwrap();
        let names = ["127.0.0.1".parse().unwrap()];
        let options = LeafOptions {
            stem: "broker",
            renew: false,
        };
        let spec = ServerSpec {
            names: &names,
            days: 30,
        };
        folder
            .server_leaf(options, &spec, now, &mut rand::rng())
            .unwrap();
        let device_ca = folder.load_issuing(CaKind::Device).unwrap();
        Self {
            folder,
            device_ca,
            _root: root,
        }
    }

    /// Judges the CSR as the API does and issues for `device`.
    pub(crate) fn issue(&self, device: &str, csr: &str) -> Issued {
        let csr = CheckedCsr::parse(csr.as_bytes()).unwrap();
        let spec = DeviceSpec {
            device_id: device,
            days: 30,
            crl_url: None,
        };
        let now = OffsetDateTime::now_utc();
        let issued = self
            .device_ca
            .issue_device(&csr, &spec, now, &mut rand::rng())
            .unwrap();
        Issued {
            pem: issued.pem(),
            fingerprint: issued.fingerprint().to_string(),
            serial: issued.serial().to_string(),
        }
    }

    pub(crate) fn device_ca_pem(&self) -> String {
        self.device_ca.certificate().pem()
    }

    /// What devices are to trust.
    pub(crate) fn server_trust(&self) -> std::path::PathBuf {
        self.folder.path("server-trust.pem")
    }

    /// The broker's TLS: our server certificate, and clients of our device CA only.
    pub(crate) fn broker_tls(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(self.folder.path("device-trust.pem")).unwrap() {
            roots.add(root.unwrap()).unwrap();
        }
        let clients =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .unwrap();
        let chain = CertificateDer::pem_file_iter(self.folder.path("broker.pem"))
            .unwrap()
            .collect::<Result<Vec<_>, _>>()
            .unwrap();
        let key = PrivateKeyDer::from_pem_file(self.folder.path("broker.key")).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(chain, key)
            .unwrap();
        Arc::new(config)
    }
}
