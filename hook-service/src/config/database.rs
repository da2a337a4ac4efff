//! Where the database is: a URL, a password apart from it, and a CA for TLS.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use service_kit::Settings;

use crate::feed::Database;

/// Reads the settings of the database; a mistake gives `None` and is noted.
pub(super) fn read(s: &mut Settings) -> Option<Database> {
    let url = s.required("HOOK_DATABASE_URL", "postgres://hook@postgres:5432/iot_hub");
    let password = s.secret("HOOK_DATABASE_PASSWORD");
    let tls = match s.optional("HOOK_DATABASE_CA_FILE") {
        Some(path) => match client_tls(&path) {
            Ok(tls) => Some(tls),
            Err(reason) => {
                s.mistake(format!("HOOK_DATABASE_CA_FILE={path}: {reason}"));
                return None;
            }
        },
        None => None,
    };
    if url.is_empty() {
        return None;
    }
    let mut config: tokio_postgres::Config = match url.parse() {
        Ok(config) => config,
        Err(error) => {
            // The URL itself may hold a password and is not repeated.
            s.mistake(format!(
                "HOOK_DATABASE_URL is not a PostgreSQL URL: {error}"
            ));
            return None;
        }
    };
    if let Some(password) = password {
        config.password(password.expose());
    }
    Some(Database::new(config, tls))
}

fn client_tls(path: &str) -> Result<rustls::ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    let found = CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())?;
    for certificate in found {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("holds no certificate".to_owned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
