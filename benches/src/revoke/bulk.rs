//! Everybody else in one call.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use chaos::device::Device;
use chaos::wait;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Scene;
use crate::report::rounded;

/// Everything of one call has ended within this, faults and all.
const ENDS_WITHIN: Duration = Duration::from_secs(300);

/// What the one call found.
#[derive(Debug)]
pub(super) struct Found {
    devices: usize,
    closed: Duration,
    complete: Duration,
}

/// Revokes them with one call and waits until all are complete.
pub(super) async fn run(scene: &Scene, devices: &[Arc<Device>]) -> anyhow::Result<Found> {
    let oracle = &scene.oracle;
    let ids: Vec<&str> = devices.iter().map(|device| device.id.as_str()).collect();
    let start = Instant::now();
    for device in devices {
        oracle.revoke_called(&device.id);
    }
    let body = json!({"ids": ids, "reason": "keyCompromise"});
    let answer = scene
        .api
        .insist(Method::POST, "/revocations", Some(&body), ENDS_WITHIN)
        .await?;
    let id = answer["revocation"].as_i64();
    let id = id.with_context(|| format!("the answer names no revocation: {answer}"))?;
    let path = format!("/revocations/{id}");
    let count = devices.len() as u64;
    let reached = |view: &Value, phases: &[&str]| {
        let of = |phase: &&str| view["phases"][*phase].as_u64().unwrap_or_default();
        phases.iter().map(of).sum::<u64>() >= count
    };
    let view = || scene.api.insist(Method::GET, &path, None, ENDS_WITHIN);

    wait::until("every session of the call closed", ENDS_WITHIN, || async {
        let closed = reached(&view().await?, &["closed", "complete"]);
        Ok(closed.then_some(()))
    })
    .await?;
    let said = start.elapsed();
    wait::until_true("every device to see its session end", ENDS_WITHIN, || {
        devices
            .iter()
            .all(|device| !oracle.has_session(&device.id) || oracle.closed_at(&device.id).is_some())
    })
    .await?;
    let seen = devices
        .iter()
        .filter_map(|device| oracle.closed_at(&device.id))
        .max();
    let seen = seen.map_or(Duration::ZERO, |at| at.saturating_duration_since(start));
    for device in devices {
        oracle.fenced(&device.id);
    }
    wait::until("the call complete", ENDS_WITHIN, || async {
        let complete = reached(&view().await?, &["complete"]);
        Ok(complete.then_some(()))
    })
    .await?;
    let complete = start.elapsed();
    for device in devices {
        oracle.complete(&device.id);
    }
    ensure!(!devices.is_empty(), "nobody was left for the one call");
    Ok(Found {
        devices: devices.len(),
        closed: said.max(seen),
        complete,
    })
}

impl Found {
    pub(super) fn note(&self, figures: &mut Value) {
        figures["bulk_devices"] = json!(self.devices);
        figures["bulk_closed_s"] = rounded(self.closed.as_secs_f64());
        figures["bulk_complete_s"] = rounded(self.complete.as_secs_f64());
    }
}
