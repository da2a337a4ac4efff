//! May this client connect as a device?

use super::grant::{Grant, Granted, session_end};
use super::{ClientId, Connect, Context, Deny};
use crate::fleet::DeviceRef;

/// Allows a registered, unrevoked, unsuspended device that proved an active certificate of its own
/// and calls itself by its own name in all three places.
pub fn authn_device<'a>(connect: &Connect<'a>, context: &Context<'_>) -> Result<Grant<'a>, Deny> {
    let Some(ClientId::Device(id)) = connect.client_id.and_then(ClientId::parse) else {
        return Err(Deny::ClientId);
    };
    if connect.username != Some(id) || connect.cert_common_name != Some(id) {
        return Err(Deny::Mismatch);
    }
    let fingerprint = connect.fingerprint(context.policy.identity)?;
    let not_after = context.fleet.device(id.as_bytes(), |device| {
        let device = in_service(device)?;
        device
            .not_after_of(fingerprint.as_bytes())
            .ok_or(Deny::CertificateNotActive)
    })?;
    if not_after <= context.unix_now {
        return Err(Deny::CertificateExpired);
    }
    let expire_at = session_end(id, not_after, context);
    Ok(Grant {
        client: Granted::Device(id),
        expire_at,
        fingerprint: Some(fingerprint),
    })
}

/// A device that exists and is neither revoked nor suspended.
pub(super) fn in_service(device: Option<DeviceRef<'_>>) -> Result<DeviceRef<'_>, Deny> {
    let device = device.ok_or(Deny::Unknown)?;
    if device.revoked() {
        return Err(Deny::Revoked);
    }
    if device.suspended() {
        return Err(Deny::Suspended);
    }
    Ok(device)
}
