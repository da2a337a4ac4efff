//! The rows that become the table. Columns are listed and read by name.

use std::collections::{BTreeMap, BTreeSet};

use schema::Lifecycle;
use tokio_postgres::{GenericClient, Row, Statement};
use uuid::Uuid;

use super::FeedError;
use crate::fleet::{
    Certificate, DeviceChange, DeviceEntry, Numbers, Owner, ServiceClient, ServiceClients,
};
use crate::rights::{Action, TopicRight};

pub(super) const DEVICES: &str = "
-- feed::rows::devices
SELECT d.device_id, d.lifecycle, d.suspended, c.fingerprint,
       floor(extract(epoch FROM c.not_after))::bigint AS not_after,
       d.owner_account_id, d.organization_id, d.group_id
  FROM device d
  LEFT JOIN certificate c ON c.device_id = d.device_id AND c.state = 'active'
 WHERE d.device_id = ANY($1)";

/// The whole fleet, as the query of a binary COPY. Read by place, because COPY has no names: id,
/// lifecycle, suspended, fingerprint, end of validity, owner, organization, group.
pub(super) const ALL_DEVICES: &str = "
-- feed::rows::all_devices
SELECT d.device_id, d.lifecycle, d.suspended, c.fingerprint,
       floor(extract(epoch FROM c.not_after))::bigint AS not_after,
       d.owner_account_id, d.organization_id, d.group_id
  FROM device d
  LEFT JOIN certificate c ON c.device_id = d.device_id AND c.state = 'active'";

pub(super) const SERVICE_CLIENTS: &str = "
-- feed::rows::service_clients
SELECT name, disabled
  FROM service_client";

pub(super) const SERVICE_CERTIFICATES: &str = "
-- feed::rows::service_certificates
SELECT name, fingerprint,
       floor(extract(epoch FROM not_after))::bigint AS not_after
  FROM service_client_certificate
 WHERE state = 'active'";

pub(super) const SERVICE_RIGHTS: &str = "
-- feed::rows::service_rights
SELECT name, action, topic_filter
  FROM service_client_right";

/// Whether a lifecycle shuts a device out. One that this version does not know does.
pub(super) fn is_revoked(lifecycle: &str) -> bool {
    !lifecycle
        .parse()
        .is_ok_and(|known: Lifecycle| known != Lifecycle::Revoked)
}

/// Whose a device is. The schema sees to it that a device has one owner and a group's organization.
pub(super) fn owner(
    numbers: &mut Numbers,
    account: Option<Uuid>,
    organization: Option<Uuid>,
    group: Option<Uuid>,
) -> Owner {
    match (account, organization, group) {
        (Some(account), _, _) => Owner::Account(numbers.account(account)),
        (None, Some(organization), Some(group)) => Owner::Group {
            organization: numbers.organization(organization),
            group: numbers.group(group),
        },
        (None, Some(organization), None) => Owner::Organization(numbers.organization(organization)),
        (None, None, _) => Owner::Nobody,
    }
}

/// What these devices are now. One that has no row is gone.
pub(super) async fn devices(
    client: &impl GenericClient,
    statement: &Statement,
    ids: &BTreeSet<String>,
    numbers: &mut Numbers,
) -> Result<Vec<DeviceChange>, FeedError> {
    let wanted: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut found: BTreeMap<String, DeviceEntry> = BTreeMap::new();
    for row in &client.query(statement, &[&wanted]).await? {
        let id: String = row.try_get("device_id")?;
        let lifecycle: &str = row.try_get("lifecycle")?;
        let suspended = row.try_get("suspended")?;
        let owner = owner(
            numbers,
            row.try_get("owner_account_id")?,
            row.try_get("organization_id")?,
            row.try_get("group_id")?,
        );
        let device = found.entry(id).or_insert_with_key(|id| DeviceEntry {
            id: id.clone(),
            revoked: is_revoked(lifecycle),
            suspended,
            certificates: Vec::new(),
            owner,
        });
        device.certificates.extend(certificate(row)?);
    }
    let now = |id: &String| match found.remove(id) {
        Some(entry) => DeviceChange::Put(entry),
        None => DeviceChange::Remove(id.clone()),
    };
    Ok(ids.iter().map(now).collect())
}

/// Every service client, and how many rights had to be left out.
pub(super) async fn service_clients(
    client: &impl GenericClient,
) -> Result<(ServiceClients, usize), FeedError> {
    let mut clients: BTreeMap<String, ServiceClient> = BTreeMap::new();
    for row in &client.query(SERVICE_CLIENTS, &[]).await? {
        let name: String = row.try_get("name")?;
        let disabled = row.try_get("disabled")?;
        let client = ServiceClient {
            name: name.clone(),
            disabled,
            certificates: vec![],
            rights: vec![],
        };
        clients.insert(name, client);
    }
    for row in &client.query(SERVICE_CERTIFICATES, &[]).await? {
        let name: &str = row.try_get("name")?;
        if let Some(client) = clients.get_mut(name) {
            client.certificates.extend(certificate(row)?);
        }
    }
    let mut left_out = 0;
    for row in &client.query(SERVICE_RIGHTS, &[]).await? {
        let name: &str = row.try_get("name")?;
        match (right(row)?, clients.get_mut(name)) {
            (Some(right), Some(client)) => client.rights.push(right),
            _ => left_out += 1,
        }
    }
    for client in clients.values_mut() {
        client.certificates.sort_unstable();
        client.rights.sort_unstable();
    }
    Ok((clients.into_values().collect(), left_out))
}

fn right(row: &Row) -> Result<Option<TopicRight>, FeedError> {
    let action = match row.try_get("action")? {
        "publish" => Action::Publish,
        "subscribe" => Action::Subscribe,
        _ => return Ok(None),
    };
    Ok(TopicRight::new(action, row.try_get("topic_filter")?))
}

fn certificate(row: &Row) -> Result<Option<Certificate>, FeedError> {
    let fingerprint: Option<&[u8]> = row.try_get("fingerprint")?;
    let not_after: Option<i64> = row.try_get("not_after")?;
    Ok(as_certificate(fingerprint, not_after))
}

/// A fingerprint of another length proves nothing and is left out.
pub(super) fn as_certificate(
    fingerprint: Option<&[u8]>,
    not_after: Option<i64>,
) -> Option<Certificate> {
    Some(Certificate {
        fingerprint: fingerprint?.try_into().ok()?,
        not_after: not_after?,
    })
}
