//! A live device is revoked: how long until its session is closed, and whether it gets back in.

use std::time::{Duration, Instant};

use anyhow::Context;

use super::attempts::Attempts;
use super::cast::{Cast, Device};
use super::mosquitto::Message;
use super::s_client;
use super::scene::Scene;
use super::seen::Seen;
use super::watcher::Watcher;
use crate::wait;

/// The design promises 250 ms at the 99th percentile and a complete end within 5 s; a loaded
/// machine gets some more before this counts as a failure.
const CLOSED_WITHIN: Duration = Duration::from_secs(10);

/// Reason codes of a refused or banned client.
const REFUSED: [u8; 3] = [0x86, 0x87, 0x8A];

/// Rounds of attempts: at once, while the ban holds, and once more when the revoke is complete.
const ROUNDS: u32 = 2;

/// What came of it.
#[derive(Debug)]
pub(super) struct Revocation {
    /// From the call until the broker knew no session and the client's connection was closed.
    pub(super) closed: Duration,
    pub(super) attempts: Attempts,
}

pub(super) async fn play(scene: &Scene, cast: &Cast) -> anyhow::Result<Revocation> {
    let device = &cast.revoked;
    let filter = format!("{}/rpc/request", device.id);
    let command =
        scene
            .mosquitto
            .staying(&scene.devices, device.caller(), &["-t", &filter, "-q", "1"]);
    let mut client = Watcher::start("the device to be revoked", command).await?;
    scene.wait_for_session(&device.id, true).await?;

    let called = Instant::now();
    let operation = scene.revoke(&device.id).await?;
    scene
        .wait_for_session(&device.id, false)
        .await
        .context("the broker still has its session")?;
    let gone = called.elapsed();
    let disconnected = wait::until(
        "the revoked client's connection closed",
        CLOSED_WITHIN,
        || {
            let told = client
                .first("received DISCONNECT")
                .or_else(|| client.first("connection was lost"));
            let ended = client.has_ended().then(Instant::now);
            async move { Ok(told.or(ended)) }
        },
    );
    let closed = gone.max(disconnected.await?.saturating_duration_since(called));

    let mut attempts = Attempts::default();
    for round in 1..=ROUNDS {
        try_again(scene, device, round, &mut attempts).await?;
        scene.wait_for_operation(operation).await?;
    }
    let survivor = &cast.survivor;
    let topic = format!("{}/telemetry", survivor.id);
    let message = Message {
        topic: &topic,
        payload: "survivor",
        qos: 1,
        retain: false,
    };
    let seen = scene
        .mosquitto
        .publish(&scene.devices, survivor.caller(), message)
        .await?;
    let worked = seen.puback.is_some_and(|code| code < 0x80);
    attempts.control("another device after the revocation", worked, &seen);
    Ok(Revocation { closed, attempts })
}

async fn try_again(
    scene: &Scene,
    device: &Device,
    round: u32,
    attempts: &mut Attempts,
) -> anyhow::Result<()> {
    let what = |tool: &str| format!("the revoked device, round {round}, by {tool},");
    let is_refused = |seen: &Seen| seen.connack.is_some_and(|code| REFUSED.contains(&code));
    let caller = device.caller();

    let seen = s_client::connect(&scene.shell, &scene.devices, caller).await?;
    attempts.count(what("openssl s_client"), is_refused(&seen), &seen);

    let topic = format!("{}/telemetry", device.id);
    let message = Message {
        topic: &topic,
        payload: "revoked",
        qos: 1,
        retain: false,
    };
    let seen = scene
        .mosquitto
        .publish(&scene.devices, caller, message)
        .await?;
    attempts.count(what("mosquitto_pub"), is_refused(&seen), &seen);

    let filter = format!("{}/rpc/request", device.id);
    let seen = scene
        .mosquitto
        .subscribe(&scene.devices, caller, &filter)
        .await?;
    attempts.count(what("mosquitto_sub"), is_refused(&seen), &seen);
    Ok(())
}
