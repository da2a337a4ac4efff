//! `api-service service-client ...`: machines of ours on the broker.
//!
//! They are few and made by operators, so there is no endpoint that could be attacked for them. What
//! is written goes through the change log like everything else, and the hooks apply it at once.

use std::path::{Path, PathBuf};

use certs::Certificate;
use schema::{CertificateState, ServiceClientName};
use serde_json::json;
use service_kit::{Exit, Settings};
use time::format_description::well_known::Rfc3339;

use super::{ServiceClientCommand, complain, print};
use crate::config::DatabaseConfig;
use crate::domain::service_right::ServiceRight;
use crate::problem::chain;
use crate::store::health::Unusable;
use crate::store::{Store, StoreError};

/// A certificate file longer than this is not one, in bytes.
const CERTIFICATE_BYTES_MAX: u64 = 64 * 1024;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("--certificate {}: {error}", path.display())]
    File {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("--certificate {}: {error}", path.display())]
    Certificate {
        path: PathBuf,
        error: certs::CertificateError,
    },
    #[error("the certificate's common name is {found:?}; a client of this name has {expected:?}")]
    CommonName { found: String, expected: String },
    #[error("the certificate belongs to the service client {0:?}; give another certificate")]
    OtherOwner(String),
    #[error("the certificate was {0} before; give a new one")]
    Ended(CertificateState),
    #[error("the service client {0:?} is disabled; give the new one another name")]
    Disabled(String),
    #[error("there is no service client {0:?}; `api-service service-client list` shows all")]
    Unknown(String),
    #[error(transparent)]
    Unusable(#[from] Unusable),
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(super) async fn run(settings: Settings, command: ServiceClientCommand) -> Exit {
    let config = match DatabaseConfig::read(settings) {
        Ok(config) => config,
        Err(errors) => return complain(Exit::Config, errors),
    };
    let store = match Store::new(config.database) {
        Ok(store) => store,
        Err(error) => return complain(Exit::Config, format!("API_DATABASE_CA_FILE {error}")),
    };
    match execute(&store, command).await {
        Ok(text) => print(&text),
        Err(failure) => complain(failure.exit(), chain(&failure)),
    }
}

async fn execute(store: &Store, command: ServiceClientCommand) -> Result<String, Failure> {
    store.check_version().await?;
    match command {
        ServiceClientCommand::Add {
            name,
            certificate,
            allow,
        } => {
            let certificate = read(&certificate)?;
            check_name(&name, &certificate)?;
            add(store, &name, &certificate, &allow).await
        }
        ServiceClientCommand::List => list(store).await,
        ServiceClientCommand::Disable { name } => disable(store, &name).await,
    }
}

async fn add(
    store: &Store,
    name: &ServiceClientName,
    certificate: &Certificate,
    rights: &[ServiceRight],
) -> Result<String, Failure> {
    let fingerprint = certificate.fingerprint();
    let mut connection = store.connect().await?;
    let tx = connection.begin("add_service_client").await?;
    let created = tx.insert_service_client(name.as_str()).await?;
    if tx.lock_service_client(name.as_str()).await? == Some(true) {
        return Err(Failure::Disabled(name.to_string()));
    }
    let added = tx
        .add_service_certificate(name.as_str(), certificate)
        .await?;
    if !added {
        match tx.service_certificate(&fingerprint).await? {
            Some((owner, _)) if owner != name.as_str() => return Err(Failure::OtherOwner(owner)),
            Some((_, state)) if state != CertificateState::Active => {
                return Err(Failure::Ended(state));
            }
            _ => {}
        }
    }
    let mut new_rights = Vec::new();
    for right in rights {
        if tx.add_service_right(name.as_str(), right).await? {
            new_rights.push(right.to_string());
        }
    }
    tx.commit().await?;
    let report = json!({
        "name": name.as_str(), "created": created, "fingerprint": fingerprint.to_string(),
        "certificateAdded": added, "rightsAdded": new_rights,
    });
    Ok(format!("{report}\n"))
}

async fn disable(store: &Store, name: &ServiceClientName) -> Result<String, Failure> {
    let mut connection = store.connect().await?;
    let tx = connection.begin("disable_service_client").await?;
    if tx.lock_service_client(name.as_str()).await?.is_none() {
        return Err(Failure::Unknown(name.to_string()));
    }
    let changed = tx.disable_service_client(name.as_str()).await?;
    tx.commit().await?;
    let report = json!({"name": name.as_str(), "disabled": true, "changed": changed});
    Ok(format!("{report}\n"))
}

async fn list(store: &Store) -> Result<String, Failure> {
    let clients = store.connect().await?.service_clients().await?;
    let text = |at: time::OffsetDateTime| at.format(&Rfc3339).unwrap_or_default();
    let clients: Vec<_> = clients
        .into_iter()
        .map(|client| {
            let certificates: Vec<_> = client
                .certificates
                .iter()
                .map(|(fingerprint, state, not_after)| {
                    json!({
                        "fingerprint": fingerprint.to_string(), "state": state.as_str(),
                        "notAfter": text(*not_after),
                    })
                })
                .collect();
            json!({
                "name": client.name, "disabled": client.disabled,
                "createdAt": text(client.created_at), "certificates": certificates,
                "rights": client.rights,
            })
        })
        .collect();
    Ok(format!("{:#}\n", serde_json::Value::Array(clients)))
}

fn read(path: &Path) -> Result<Certificate, Failure> {
    let file = |error| Failure::File {
        path: path.to_owned(),
        error,
    };
    if std::fs::metadata(path).map_err(file)?.len() > CERTIFICATE_BYTES_MAX {
        return Err(file(std::io::Error::other("is longer than 65536 bytes")));
    }
    let bytes = std::fs::read(path).map_err(file)?;
    Certificate::read_first(&bytes).map_err(|error| Failure::Certificate {
        path: path.to_owned(),
        error,
    })
}

/// The broker shows the hooks this name; a certificate with another one could never come in.
fn check_name(name: &ServiceClientName, certificate: &Certificate) -> Result<(), Failure> {
    let expected = format!("svc.{name}");
    let found = certificate.common_name().unwrap_or_default();
    if found == expected {
        Ok(())
    } else {
        Err(Failure::CommonName { found, expected })
    }
}

impl Failure {
    fn exit(&self) -> Exit {
        match self {
            Self::File { .. }
            | Self::Certificate { .. }
            | Self::CommonName { .. }
            | Self::OtherOwner(_)
            | Self::Ended(_)
            | Self::Disabled(_)
            | Self::Unknown(_) => Exit::Usage,
            Self::Unusable(Unusable::Version(_)) => Exit::Config,
            Self::Unusable(Unusable::Store(_)) | Self::Store(_) => Exit::Failed,
        }
    }
}
