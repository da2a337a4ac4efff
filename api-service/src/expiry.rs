//! Tells by metrics what ends soon: certificates of devices, the authorities' own, and the revocation
//! lists of an authority whose key nobody gave us.

use std::time::Duration;

use certs::Certificate;
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::domain::key_id::KeyId;
use crate::metrics::Metrics;
use crate::problem::chain;
use crate::store::StoreError;

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

/// Counts the devices' certificates that end soon, and the authorities that are missing, until `stop`.
pub(crate) async fn watch(api: Api, stop: CancellationToken) {
    let mut missing = Vec::new();
    while !stop.is_cancelled() {
        let pause = match count(&api, &mut missing).await {
            Ok(()) => COUNT_EVERY,
            Err(error) => {
                let error = chain(&error);
                tracing::debug!(error, "what ends soon could not be counted");
                TRY_AGAIN
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn count(api: &Api, missing: &mut Vec<KeyId>) -> Result<(), StoreError> {
    let now = (api.clock)().into();
    let connection = api.store.connect().await?;
    let endings = connection.count_endings(now).await?;
    let loaded = api.signer.issuers();
    let others = connection.other_authorities(&loaded, now).await?;
    drop(connection);
    let expiring = &api.metrics.certificates_expiring;
    expiring.with_label_values(&["7d"]).set(endings.week);
    expiring.with_label_values(&["30d"]).set(endings.month);
    let count = i64::try_from(others.len()).unwrap_or(i64::MAX);
    api.metrics.authorities_not_loaded.set(count);
    for authority in others.iter().filter(|other| !missing.contains(other)) {
        tracing::error!(
            %authority,
            "an authority with living certificates is not loaded, so its revocation lists are not \
             made anew: name it in API_DEVICE_CA_RETIRED_FILES"
        );
    }
    *missing = others;
    Ok(())
}
