//! TLS of a listener: a client certificate is required and checked, optionally against CRLs.
//!
//! No session is ever resumed (`reuse_sessions = false`): every connection shows its certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};

use crate::error::StartError;
use crate::settings::TlsFiles;

/// Builds the configuration from files of these names in `folder`.
pub(crate) fn server_config(
    listener: &str,
    files: &TlsFiles,
    folder: &Path,
    crl: Option<&Path>,
) -> Result<Arc<ServerConfig>, StartError> {
    let tls = |problem: String| StartError::Tls {
        listener: listener.to_owned(),
        problem,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&in_folder(folder, &files.trust)?)? {
        roots.add(certificate).map_err(|e| tls(e.to_string()))?;
    }
    let mut verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    if let Some(file) = crl {
        // EMQX checks the leaf only (contract 3).
        verifier = verifier
            .with_crls(lists(file)?)
            .only_check_end_entity_revocation()
            .allow_unknown_revocation_status();
    }
    let verifier = verifier.build().map_err(|e| tls(e.to_string()))?;
    let chain = certificates(&in_folder(folder, &files.certificate)?)?;
    let key_file = in_folder(folder, &files.key)?;
    let key = PrivateKeyDer::from_pem_file(&key_file).map_err(|e| bad_pem(&key_file, &e))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| tls(e.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|e| tls(e.to_string()))?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// The file of this name in the folder: the paths of EMQX's image mean nothing here.
fn in_folder(folder: &Path, file: &Path) -> Result<PathBuf, StartError> {
    let name = file.file_name().ok_or_else(|| StartError::BadPem {
        file: file.to_owned(),
        problem: "the configuration names a folder, not a file".to_owned(),
    })?;
    Ok(folder.join(name))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, StartError> {
    let found = CertificateDer::pem_file_iter(file).map_err(|e| bad_pem(file, &e))?;
    let found: Vec<_> = found
        .collect::<Result<_, _>>()
        .map_err(|e| bad_pem(file, &e))?;
    if found.is_empty() {
        return Err(StartError::BadPem {
            file: file.to_owned(),
            problem: "no certificate is in it".to_owned(),
        });
    }
    Ok(found)
}

fn lists(file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, StartError> {
    let found = CertificateRevocationListDer::pem_file_iter(file).map_err(|e| bad_pem(file, &e))?;
    found
        .collect::<Result<_, _>>()
        .map_err(|e| bad_pem(file, &e))
}

fn bad_pem(file: &Path, error: &rustls::pki_types::pem::Error) -> StartError {
    let problem = match error {
        rustls::pki_types::pem::Error::Io(error) => {
            format!("{error}; make the folder with `certs init` and `certs broker`")
        }
        other => other.to_string(),
    };
    StartError::BadPem {
        file: file.to_owned(),
        problem,
    }
}
