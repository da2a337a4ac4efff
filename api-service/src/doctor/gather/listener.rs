//! TLS listeners of the broker, met as a stranger without a certificate meets them.
//!
//! Sends a handshake and nothing of MQTT.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use certs::Certificate;
use futures::future::join_all;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use time::OffsetDateTime;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Looked, pki};
use crate::doctor::facts::{Missing, Role, SeenCertificate, SeenListener};

/// Longest time for connecting and for the handshake.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// A listener that wants a certificate says so within a round trip after the handshake (in TLS 1.3
/// the client is done before the server has judged it). One that is still silent then waits for
/// CONNECT.
const REFUSAL_TIME_MAX: Duration = Duration::from_secs(2);

/// A listener that answered.
pub(super) struct Met {
    pub(super) listener: SeenListener,
    pub(super) certificate: Option<SeenCertificate>,
}

/// Connects to every listener at once. `trust` is what devices trust.
pub(super) async fn ask_all(
    addresses: &[String],
    trust: Vec<Certificate>,
    now: OffsetDateTime,
) -> Looked<Met> {
    let mut looked = Looked::nothing();
    if addresses.is_empty() {
        let reason = "give the broker's TLS addresses with --listener HOST:PORT or \
                      API_DOCTOR_LISTENERS, to see its certificate and who gets in without one";
        looked.miss(Missing::NoListener, "API_DOCTOR_LISTENERS", reason);
    }
    let met = join_all(addresses.iter().map(|address| meet(address, &trust, now))).await;
    for (address, met) in addresses.iter().zip(met) {
        match met {
            Ok(met) => looked.found.push(met),
            Err(reason) => looked.miss(Missing::Listener, address.as_str(), reason),
        }
    }
    looked
}

async fn meet(address: &str, trust: &[Certificate], now: OffsetDateTime) -> Result<Met, String> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(host).map_err(|_| "is not HOST:PORT".to_owned())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let seen = Arc::new(Seen::new(trust, &provider, now));
    let verifier: Arc<dyn ServerCertVerifier> = Arc::clone(&seen) as _;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    let connecting = async {
        let stream = TcpStream::connect(address).await?;
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    };
    let connected = tokio::time::timeout(CONNECT_TIME_MAX, connecting).await;
    let connected = connected.map_err(|_| "no handshake in time".to_owned())?;
    let admits = match connected {
        Ok(mut stream) => {
            let mut byte = [0_u8; 1];
            let read = tokio::time::timeout(REFUSAL_TIME_MAX, stream.read(&mut byte)).await;
            read.is_err()
        }
        // Refused while shaking hands; it has shown its certificate before that.
        Err(_) if seen.chain().is_some() => false,
        Err(error) => return Err(error.to_string()),
    };
    let certificate = seen.chain().map(|(der, refused)| {
        let leaf = Certificate::from_der(&der).map_err(|error| error.to_string())?;
        let mut seen = pki::seen(address.to_owned(), &leaf, Role::Broker);
        seen.refused = refused;
        Ok::<_, String>(seen)
    });
    Ok(Met {
        listener: SeenListener {
            address: address.to_owned(),
            admits_without_certificate: admits,
        },
        certificate: certificate.transpose()?,
    })
}

/// Keeps the certificate and what a device would say of it, and goes on in any case.
#[derive(Debug)]
struct Seen {
    judge: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    now: UnixTime,
    chain: Mutex<Option<(Vec<u8>, Option<String>)>>,
}

impl Seen {
    fn new(trust: &[Certificate], provider: &Arc<CryptoProvider>, now: OffsetDateTime) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in trust {
            // A file that holds something else is reported where the files are read.
            let _ = roots.add(CertificateDer::from(certificate.der().to_vec()));
        }
        let judge =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        let seconds = u64::try_from(now.unix_timestamp()).unwrap_or_default();
        Self {
            judge: judge.build().ok(),
            provider: Arc::clone(provider),
            now: UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
            chain: Mutex::new(None),
        }
    }

    fn chain(&self) -> Option<(Vec<u8>, Option<String>)> {
        self.chain
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl ServerCertVerifier for Seen {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let refused = self.judge.as_ref().and_then(|judge| {
            judge
                .verify_server_cert(leaf, intermediates, name, &[], self.now)
                .err()
        });
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((leaf.to_vec(), refused.map(|error| error.to_string())));
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
