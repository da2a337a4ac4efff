//! What the fuzz targets share: hooks over a table with one device.

use std::sync::Arc;
use std::time::Instant;

use hook_service::decide::{IdentityMode, Policy};
use hook_service::endpoints::Hooks;
use hook_service::fleet::{Certificate, DeviceChange, DeviceEntry, Owner, pair};
use hook_service::metrics::Metrics;

/// The only device there is.
pub const DEVICE: &str = "dev-1";
/// The only certificate that counts.
pub const DER: &[u8] = b"the certificate of dev-1";

/// Hooks that know [`DEVICE`].
pub fn hooks() -> Hooks {
    let (mut writer, fleet) = pair(Instant::now());
    let fingerprint = *certs::Fingerprint::of_der(DER).as_bytes();
    writer.apply(&[DeviceChange::Put(DeviceEntry {
        id: DEVICE.to_owned(),
        revoked: false,
        suspended: false,
        certificates: vec![Certificate { fingerprint, not_after: i64::MAX }],
        owner: Owner::default(),
    })]);
    let identity = IdentityMode::CertPem;
    Hooks {
        fleet,
        policy: Policy { identity, session_ttl_s: 86_400, serve_known: false },
        secret: None,
        tokens: None,
        metrics: Arc::new(Metrics::new()),
        overload: Arc::default(),
        unix_now: || 1_800_000_000,
    }
}
