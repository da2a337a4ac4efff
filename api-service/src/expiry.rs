//! Tells by metrics what ends soon: certificates of devices, and the authorities' own.

use std::time::Duration;

use certs::Certificate;
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::metrics::Metrics;
use crate::problem::chain;

/// Between two counts: days are what they are about.
const COUNT_EVERY: Duration = Duration::from_secs(300);

/// Until the next try when the database did not answer.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// An authority that this service was given.
#[derive(Debug, Clone)]
pub(crate) struct KnownAuthority {
    /// What it is to us: `device`, `device_retired`, `root` or `server`.
    pub(crate) role: &'static str,
    /// Its certificate.
    pub(crate) certificate: Certificate,
}

/// Says once when the authorities end; they change only with a restart.
pub(crate) fn tell_authorities(metrics: &Metrics, authorities: &[KnownAuthority]) {
    for KnownAuthority { role, certificate } in authorities {
        let name = certificate.common_name().unwrap_or_default();
        metrics
            .authority_not_after
            .with_label_values(&[*role, name.as_str()])
            .set(certificate.not_after().unix_timestamp());
    }
}

/// Counts the devices' certificates that end soon, until `stop`.
pub(crate) async fn watch(api: Api, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let now = (api.clock)().into();
        let counted = async { api.store.connect().await?.count_endings(now).await };
        let pause = match counted.await {
            Ok(endings) => {
                let expiring = &api.metrics.certificates_expiring;
                expiring.with_label_values(&["7d"]).set(endings.week);
                expiring.with_label_values(&["30d"]).set(endings.month);
                COUNT_EVERY
            }
            Err(error) => {
                let error = chain(&error);
                tracing::debug!(error, "certificates that end soon could not be counted");
                TRY_AGAIN
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}
