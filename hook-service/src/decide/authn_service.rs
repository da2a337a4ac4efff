//! May this client connect as a service?

use std::sync::Arc;

use super::grant::{Grant, Granted, session_end};
use super::{ClientId, Connect, Context, Deny};
use crate::fleet::ServiceClient;

/// Allows a listed service client that proved an active certificate of its own. User name and
/// common name are `svc.<name>`, the client id adds an instance.
pub fn authn_service<'a>(connect: &Connect<'a>, context: &Context<'_>) -> Result<Grant<'a>, Deny> {
    let client_id = connect.client_id.ok_or(Deny::ClientId)?;
    let Some(ClientId::Service(name)) = ClientId::parse(client_id) else {
        return Err(Deny::ClientId);
    };
    let fingerprint = if calls_itself(name, connect.username, connect.cert_common_name) {
        connect.fingerprint(context.policy.identity)?
    } else {
        return Err(Deny::Mismatch);
    };
    let client = in_service(name, context)?;
    let not_after = client
        .not_after_of(fingerprint.as_bytes())
        .ok_or(Deny::CertificateNotActive)?;
    if not_after <= context.unix_now {
        return Err(Deny::CertificateExpired);
    }
    let expire_at = session_end(client_id, not_after, context);
    Ok(Grant {
        client: Granted::Service(client),
        expire_at,
        fingerprint: Some(fingerprint),
    })
}

/// Whether user name and common name are both `svc.<name>`.
pub(super) fn calls_itself(name: &str, username: Option<&str>, common_name: Option<&str>) -> bool {
    let is_own = |text: Option<&str>| text.and_then(|t| t.strip_prefix("svc.")) == Some(name);
    is_own(username) && is_own(common_name)
}

/// A service client that exists and is not disabled.
pub(super) fn in_service(name: &str, context: &Context<'_>) -> Result<Arc<ServiceClient>, Deny> {
    let client = context.fleet.service_client(name).ok_or(Deny::Unknown)?;
    if client.disabled {
        Err(Deny::Suspended)
    } else {
        Ok(client)
    }
}
