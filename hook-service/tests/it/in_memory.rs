//! The hooks' listener with a table that the test fills itself: no database, no feed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use certs::Fingerprint;
use hook_service::decide::{IdentityMode, Policy};
use hook_service::endpoints::Hooks;
use hook_service::fleet::{Certificate, DeviceChange, DeviceEntry, Owner, Writer, pair};
use hook_service::listener::{Listener, Shutdown};
use hook_service::metrics::Metrics;
use hook_service::overload::Overload;
use hook_service::threads::{Thread, Threads};

use crate::support::der_of;

/// Long before the certificates end.
pub(crate) const NOW: i64 = 1_800_000_000;

/// A listener that serves until the test ends.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    pub(crate) metrics: Arc<Metrics>,
    _writer: Writer,
}

/// Serves these devices, each with the certificate `der_of(id)`; a revoked one is marked by `!`
/// before its id.
pub(crate) fn serve(ids: &[&str], overload: Arc<Overload>, unix_now: fn() -> i64) -> Serving {
    let (mut writer, fleet) = pair(Instant::now());
    let changes: Vec<DeviceChange> = ids
        .iter()
        .map(|id| {
            let (revoked, id) = match id.strip_prefix('!') {
                Some(id) => (true, id),
                None => (false, *id),
            };
            DeviceChange::Put(DeviceEntry {
                id: id.to_owned(),
                revoked,
                suspended: false,
                certificates: vec![Certificate {
                    fingerprint: *Fingerprint::of_der(&der_of(id)).as_bytes(),
                    not_after: NOW + 86_400,
                }],
                owner: Owner::default(),
            })
        })
        .collect();
    writer.apply(&changes);
    writer.allow_until(Instant::now() + Duration::from_secs(3600));
    let metrics = Arc::new(Metrics::new());
    let counted = Arc::clone(&metrics);
    let hooks = move |_: &Thread| Hooks {
        fleet: fleet.clone(),
        policy: Policy {
            identity: IdentityMode::CertPem,
            session_ttl_s: 86_400,
            serve_known: false,
        },
        secret: None,
        tokens: None,
        metrics: Arc::clone(&counted),
        overload: Arc::clone(&overload),
        unix_now,
    };
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = Listener::bind(any, false).unwrap();
    let address = listener.address().unwrap();
    let threads = Arc::new(Threads::this_runtime());
    tokio::spawn(listener.serve(threads, hooks, Shutdown::default()));
    Serving {
        address,
        metrics,
        _writer: writer,
    }
}
