//! The simulated fleet, and the service clients that listen to it.

use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use super::mosquitto::Caller;
use super::scene::Scene;
use super::watcher::{FORMAT, Watcher};
use crate::stack::plan::Plan;
use crate::wait;

/// How long the whole fleet may take to be manufactured and connected.
const CONNECTED_WITHIN: Duration = Duration::from_secs(120);
/// How many messages are enough, and how long they may take.
const MESSAGES_MIN: usize = 100;
const MESSAGES_WITHIN: Duration = Duration::from_secs(60);

/// What the auditor hears: every topic below a device.
const AUDITOR_RIGHTS: &[&str] = &["subscribe=+/#"];
const AUDITOR_FILTER: &str = "+/#";

/// The service clients of the demo.
#[derive(Debug)]
pub(super) struct Audience {
    /// Counts telemetry.
    pub(super) gateway: Watcher,
    /// Hears whatever a device gets through.
    pub(super) auditor: Watcher,
}

impl Audience {
    /// Registers, connects and subscribes both.
    pub(super) async fn seat(scene: &Scene) -> anyhow::Result<Self> {
        let auditor = scene.service("auditor", AUDITOR_RIGHTS).await?;
        let gateway = scene.gateway_caller("svc.gateway.demo");
        let auditor = Caller {
            client_id: "svc.auditor.demo",
            username: "svc.auditor",
            identity: Some(&auditor),
        };
        Ok(Self {
            gateway: listen(scene, "the gateway", gateway, "+/telemetry").await?,
            auditor: listen(scene, "the auditor", auditor, AUDITOR_FILTER).await?,
        })
    }
}

async fn listen(
    scene: &Scene,
    name: &'static str,
    caller: Caller<'_>,
    filter: &str,
) -> anyhow::Result<Watcher> {
    let args = ["-t", filter, "-q", "1", "-F", FORMAT];
    // The hooks hear of a new service client within a poll; until then it is a stranger.
    wait::until(
        &format!("{name} let in"),
        Duration::from_secs(15),
        || async {
            let seen = scene
                .mosquitto
                .subscribe(&scene.services, caller, filter)
                .await?;
            Ok((seen.suback.as_slice() == [1]).then_some(()))
        },
    )
    .await?;
    Watcher::start(
        name,
        scene.mosquitto.staying(&scene.services, caller, &args),
    )
    .await
}

/// The simulated devices, as the API and the broker know them.
#[derive(Debug)]
pub(super) struct Fleet {
    pub(super) registered: u64,
    pub(super) connected: u64,
}

/// Waits until the simulator says that all are connected, then asks the API and the broker.
pub(super) async fn fleet(scene: &Scene, plan: &Plan) -> anyhow::Result<Fleet> {
    let wanted = u64::from(plan.simulation.devices);
    let file = scene.simulator_status();
    let status = wait::until("all simulated devices connected", CONNECTED_WITHIN, || {
        let status = std::fs::read_to_string(&file).unwrap_or_default();
        let status: Value = serde_json::from_str(&status).unwrap_or_default();
        let all = status["totals"]["connected"].as_u64() == Some(wanted);
        async move { Ok(all.then_some(status)) }
    });
    let status = status.await?;
    let devices = status["devices"]
        .as_object()
        .context("the simulator lists no devices")?;
    let mut fleet = Fleet {
        registered: 0,
        connected: 0,
    };
    for id in devices.keys() {
        fleet.registered += u64::from(scene.is_registered(id).await?);
        fleet.connected += u64::from(scene.has_session(id).await?);
    }
    Ok(fleet)
}

/// Waits until enough messages have come, and says how many.
pub(super) async fn enough(gateway: &Watcher) -> anyhow::Result<u64> {
    let what = format!("{MESSAGES_MIN} telemetry messages at the service client");
    let count = wait::until(&what, MESSAGES_WITHIN, || {
        let count = gateway.distinct();
        async move { Ok((count >= MESSAGES_MIN).then_some(count)) }
    });
    Ok(u64::try_from(count.await?)?)
}
