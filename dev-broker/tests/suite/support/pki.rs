//! One small PKI for all tests, in a temporary folder.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::{Arc, OnceLock};

use certs::folder::InitOptions;
use certs::folder::LeafOptions;
use certs::{
    CaKind, CheckedCsr, CrlSpec, DeviceSpec, PkiFolder, RevocationReason, RevokedEntry, ServerName,
    ServerSpec, ServiceSpec,
};
use der::EncodePem as _;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::elliptic_curve::Generate as _;
use p256::pkcs8::{EncodePrivateKey as _, LineEnding};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use time::{Duration, OffsetDateTime};
use x509_cert::builder::{Builder as _, RequestBuilder};
use x509_cert::name::Name;

/// Certificate chain and key of a client, PEM.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) chain: String,
    pub(crate) key: String,
}

/// The PKI.
#[derive(Debug)]
pub(crate) struct Pki {
    pub(crate) folder: PathBuf,
    /// CN `dev-1`.
    pub(crate) device: Identity,
    /// CN `dev-revoked`, named by `crl`.
    pub(crate) revoked: Identity,
    /// CN `svc.gateway`.
    pub(crate) service: Identity,
    pub(crate) crl: PathBuf,
    pub(crate) server_trust: String,
    _kept: tempfile::TempDir,
}

/// The PKI, made once.
pub(crate) fn pki() -> &'static Pki {
    static PKI: OnceLock<Pki> = OnceLock::new();
    PKI.get_or_init(make)
}

fn make() -> Pki {
    let kept = tempfile::tempdir().expect("a temporary folder");
    let folder = PkiFolder::new(kept.path().join("pki"));
    let now = OffsetDateTime::now_utc();
    let rng = &mut rand::rng();
    folder
        .init(&InitOptions::default(), now, rng)
        .expect("a fresh PKI");
    let names = ["localhost", "127.0.0.1"].map(|name| ServerName::from_str(name).expect("a name"));
    let broker = LeafOptions {
        stem: "broker",
        renew: false,
    };
    let spec = ServerSpec {
        names: &names,
        days: 30,
    };
    folder
        .server_leaf(broker, &spec, now, rng)
        .expect("a broker certificate");
    let gateway = LeafOptions {
        stem: "svc-gateway",
        renew: false,
    };
    let spec = ServiceSpec {
        name: "gateway",
        days: 30,
        crl_url: None,
    };
    let leaf = folder
        .service_leaf(gateway, &spec, now, rng)
        .expect("a service certificate");
    let read = |path: PathBuf| std::fs::read_to_string(path).expect("a file of the PKI");
    let service = Identity {
        chain: read(leaf.certificate_file),
        key: read(leaf.key_file),
    };

    let ca = folder.load_issuing(CaKind::Device).expect("the device CA");
    let mut device = |id: &str| {
        let key = SigningKey::generate();
        let name = Name::from_str("CN=ignored").expect("a name");
        let request = RequestBuilder::new(name).expect("a builder");
        let request = request.build::<_, DerSignature>(&key).expect("a request");
        let pem = request.to_pem(LineEnding::LF).expect("PEM");
        let csr = CheckedCsr::parse(pem.as_bytes()).expect("a good request");
        let spec = DeviceSpec {
            device_id: id,
            days: 30,
            crl_url: None,
        };
        let certificate = ca
            .issue_device(&csr, &spec, now, rng)
            .expect("a certificate");
        let key = key.to_pkcs8_pem(LineEnding::LF).expect("PEM").to_string();
        let chain = certificate.pem() + &ca.certificate().pem();
        (Identity { chain, key }, certificate.serial())
    };
    let (good, _) = device("dev-1");
    let (revoked, serial) = device("dev-revoked");
    let spec = CrlSpec {
        number: 1,
        this_update: now,
        next_update: now + Duration::days(1),
        shard: None,
    };
    let entry = RevokedEntry {
        serial,
        at: now,
        reason: RevocationReason::KeyCompromise,
    };
    let list = ca.sign_crl(&spec, vec![entry]).expect("a list");
    let crl = folder.path("device.crl.pem");
    std::fs::write(&crl, list.pem()).expect("the list is written");
    Pki {
        server_trust: read(folder.path("server-trust.pem")),
        folder: folder.dir().to_owned(),
        device: good,
        revoked,
        service,
        crl,
        _kept: kept,
    }
}

/// A TLS client that trusts the broker and shows `identity`.
pub(crate) fn client_config(identity: Option<&Identity>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pki().server_trust.as_bytes()) {
        roots.add(certificate.expect("PEM")).expect("a certificate");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring knows them")
        .with_root_certificates(roots);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let chain = CertificateDer::pem_slice_iter(identity.chain.as_bytes());
            let chain = chain.collect::<Result<Vec<_>, _>>().expect("PEM");
            let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("PEM");
            builder
                .with_client_auth_cert(chain, key)
                .expect("key and certificate fit")
        }
    };
    Arc::new(config)
}
