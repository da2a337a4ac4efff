//! Service clients, their certificates and their rights.

use certs::{Certificate, Fingerprint};
use time::OffsetDateTime;

use super::row::{fingerprint, get};
use super::{Connection, StoreError, Tx};
use crate::domain::service_right::ServiceRight;
use schema::CertificateState;

const LOCK: &str = "
-- store::service_client::lock
SELECT name, disabled
  FROM service_client
 WHERE name = $1
   FOR UPDATE";

const INSERT: &str = "
-- store::service_client::insert
INSERT INTO service_client (name)
VALUES ($1)
    ON CONFLICT (name) DO NOTHING";

const DISABLE: &str = "
-- store::service_client::disable
UPDATE service_client
   SET disabled = true
 WHERE name = $1
   AND NOT disabled";

const ADD_CERTIFICATE: &str = "
-- store::service_client::add_certificate
INSERT INTO service_client_certificate (fingerprint, name, not_after)
VALUES ($1, $2, $3)
    ON CONFLICT (fingerprint) DO NOTHING";

const CERTIFICATE_OWNER: &str = "
-- store::service_client::certificate_owner
SELECT name, state
  FROM service_client_certificate
 WHERE fingerprint = $1";

const ADD_RIGHT: &str = "
-- store::service_client::add_right
INSERT INTO service_client_right (name, action, topic_filter)
VALUES ($1, $2, $3)
    ON CONFLICT (name, action, topic_filter) DO NOTHING";

const LIST: &str = "
-- store::service_client::list
SELECT name, disabled, created_at
  FROM service_client
 ORDER BY name";

const LIST_CERTIFICATES: &str = "
-- store::service_client::list_certificates
SELECT fingerprint, name, state, not_after
  FROM service_client_certificate
 ORDER BY name, issued_at, fingerprint";

const LIST_RIGHTS: &str = "
-- store::service_client::list_rights
SELECT name, action, topic_filter
  FROM service_client_right
 ORDER BY name, action, topic_filter";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[
    LOCK,
    INSERT,
    DISABLE,
    ADD_CERTIFICATE,
    CERTIFICATE_OWNER,
    ADD_RIGHT,
    LIST,
    LIST_CERTIFICATES,
    LIST_RIGHTS,
];

/// A service client with all that belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct ServiceClientRow {
    pub(crate) name: String,
    pub(crate) disabled: bool,
    pub(crate) created_at: OffsetDateTime,
    /// Fingerprint, state and end of each certificate.
    pub(crate) certificates: Vec<(Fingerprint, CertificateState, OffsetDateTime)>,
    /// Rights, written as on the command line.
    pub(crate) rights: Vec<String>,
}

impl Tx<'_> {
    /// Whether a service client is disabled; nothing if there is none. Locked until the end.
    pub(crate) async fn lock_service_client(&self, name: &str) -> Result<Option<bool>, StoreError> {
        let row = self.row(LOCK, &[&name]).await?;
        row.map(|row| get(&row, "disabled")).transpose()
    }

    /// Adds a service client; `false` if there is one of this name.
    pub(crate) async fn insert_service_client(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.change(INSERT, &[&name]).await? == 1)
    }

    /// Disables one; `false` if it is disabled already.
    pub(crate) async fn disable_service_client(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.change(DISABLE, &[&name]).await? == 1)
    }

    /// Adds a certificate; `false` if it is known.
    pub(crate) async fn add_service_certificate(
        &self,
        name: &str,
        certificate: &Certificate,
    ) -> Result<bool, StoreError> {
        let fingerprint = certificate.fingerprint();
        let bytes = fingerprint.as_bytes().as_slice();
        let not_after = certificate.not_after();
        Ok(self
            .change(ADD_CERTIFICATE, &[&bytes, &name, &not_after])
            .await?
            == 1)
    }

    /// Whose certificate it is, and its state.
    pub(crate) async fn service_certificate(
        &self,
        which: &Fingerprint,
    ) -> Result<Option<(String, CertificateState)>, StoreError> {
        let row = self
            .row(CERTIFICATE_OWNER, &[&which.as_bytes().as_slice()])
            .await?;
        row.map(|row| Ok((get(&row, "name")?, get(&row, "state")?)))
            .transpose()
    }

    /// Adds a right; `false` if it is there.
    pub(crate) async fn add_service_right(
        &self,
        name: &str,
        right: &ServiceRight,
    ) -> Result<bool, StoreError> {
        Ok(self
            .change(ADD_RIGHT, &[&name, &right.action, &right.filter])
            .await?
            == 1)
    }

    /// All service clients by name, as one consistent picture only if nothing changes meanwhile:
    /// it is for people to look at.
    pub(crate) async fn service_clients(&self) -> Result<Vec<ServiceClientRow>, StoreError> {
        let mut clients = Vec::new();
        for row in self.rows(LIST, &[]).await? {
            clients.push(ServiceClientRow {
                name: get(&row, "name")?,
                disabled: get(&row, "disabled")?,
                created_at: get(&row, "created_at")?,
                certificates: Vec::new(),
                rights: Vec::new(),
            });
        }
        for row in self.rows(LIST_CERTIFICATES, &[]).await? {
            let name: &str = get(&row, "name")?;
            if let Some(client) = clients.iter_mut().find(|client| client.name == name) {
                client.certificates.push((
                    fingerprint(&row, "fingerprint")?,
                    get(&row, "state")?,
                    get(&row, "not_after")?,
                ));
            }
        }
        for row in self.rows(LIST_RIGHTS, &[]).await? {
            let name: &str = get(&row, "name")?;
            if let Some(client) = clients.iter_mut().find(|client| client.name == name) {
                let (action, filter): (&str, &str) =
                    (get(&row, "action")?, get(&row, "topic_filter")?);
                client.rights.push(format!("{action}={filter}"));
            }
        }
        Ok(clients)
    }
}

impl Connection {
    /// All service clients by name.
    pub(crate) async fn service_clients(&mut self) -> Result<Vec<ServiceClientRow>, StoreError> {
        let tx = self.begin("list_service_clients").await?;
        tx.service_clients().await
    }
}
