//! What a device must not touch: other devices' topics, the services' side of its own, wildcards,
//! system topics, shared subscriptions, and a last will on any of these.
//!
//! Each refusal is proven twice: by the reason code that the device's own client reports, and by
//! an auditor, a service client subscribed to every device topic there is, who must hear nothing.

use std::time::Duration;

use super::attempts::Attempts;
use super::cast::{Cast, Device};
use super::mosquitto::Message;
use super::scene::Scene;
use super::watcher::{FORMAT, Watcher};
use crate::wait;

/// How long a message that is let through may take to the auditor.
const HEARD_WITHIN: Duration = Duration::from_secs(10);

/// Reason codes from 0x80 up are refusals (MQTT 5, section 2.4).
const REFUSALS_FROM: u8 = 0x80;

pub(super) async fn try_all(
    scene: &Scene,
    cast: &Cast,
    auditor: &Watcher,
) -> anyhow::Result<Attempts> {
    let mut attempts = Attempts::default();
    publishes(scene, cast, auditor, &mut attempts).await?;
    subscriptions(scene, cast, &mut attempts).await?;
    wills(scene, cast, auditor, &mut attempts).await?;
    Ok(attempts)
}

/// A message and its payload, which nobody else sends.
async fn publish(
    scene: &Scene,
    device: &Device,
    topic: &str,
    payload: &str,
    (qos, retain): (u8, bool),
) -> anyhow::Result<super::seen::Seen> {
    let message = Message {
        topic,
        payload,
        qos,
        retain,
    };
    scene
        .mosquitto
        .publish(&scene.devices, device.caller(), message)
        .await
}

async fn publishes(
    scene: &Scene,
    cast: &Cast,
    auditor: &Watcher,
    attempts: &mut Attempts,
) -> anyhow::Result<()> {
    let victim = &cast.victim.id;
    let topics = |own: &str| {
        vec![
            format!("{victim}/telemetry"),
            format!("{victim}/attributes"),
            format!("{victim}/status"),
            format!("{victim}/rpc/request"),
            format!("{victim}/rpc/response"),
            format!("{victim}/cert/request"),
            format!("{own}/rpc/request"),
            format!("{own}/attributes/desired"),
            format!("{own}/telemetry/deeper"),
            format!("{own}x/telemetry"),
            "telemetry".to_owned(),
            "$SYS/brokers".to_owned(),
            "$share/g/x".to_owned(),
        ]
    };
    let mut unheard = Vec::new();
    let count = topics("").len();
    for index in 0..count {
        let device = cast.next();
        let topic = topics(&device.id).swap_remove(index);
        let payload = format!("foreign-{index}");
        let retain = topic.ends_with("/status");
        let seen = publish(scene, device, &topic, &payload, (1, retain)).await?;
        let code = seen.puback.or(seen.disconnect);
        let refused = seen.is_in() && code.is_some_and(|code| code >= REFUSALS_FROM);
        unheard.push((
            payload,
            format!("publish to {topic}"),
            refused,
            seen.to_string(),
        ));
    }
    // QoS 0 has no answer to look at, so the auditor alone is the judge.
    let device = cast.next();
    let seen = publish(
        scene,
        device,
        &format!("{victim}/telemetry"),
        "foreign-qos0",
        (0, false),
    )
    .await?;
    let what = "publish with QoS 0 to another's telemetry".to_owned();
    unheard.push((
        "foreign-qos0".to_owned(),
        what,
        seen.is_in(),
        seen.to_string(),
    ));

    // Whatever was let through before this is heard before this.
    let device = cast.next();
    let own = format!("{}/telemetry", device.id);
    let seen = publish(scene, device, &own, "own-after-foreign", (1, false)).await?;
    let accepted = seen.puback.is_some_and(|code| code < REFUSALS_FROM);
    attempts.control("publish to the own telemetry", accepted, &seen);
    heard(auditor, "own-after-foreign").await?;
    for (payload, what, refused, seen) in unheard {
        let heard = auditor.has(&payload);
        let seen = if heard {
            format!("{seen}, and the auditor got it")
        } else {
            seen
        };
        attempts.count(what, refused && !heard, seen);
    }
    Ok(())
}

async fn subscriptions(scene: &Scene, cast: &Cast, attempts: &mut Attempts) -> anyhow::Result<()> {
    let victim = &cast.victim.id;
    let filters = |own: &str| {
        vec![
            format!("{victim}/telemetry"),
            format!("{victim}/rpc/request"),
            format!("{victim}/status"),
            format!("{victim}/#"),
            "+/telemetry".to_owned(),
            "+/rpc/request".to_owned(),
            "+/+".to_owned(),
            "#".to_owned(),
            "$SYS/#".to_owned(),
            "$SYS/brokers".to_owned(),
            format!("{own}/#"),
            format!("{own}/+/request"),
            format!("$share/g/{victim}/telemetry"),
            format!("$share/g/{own}/rpc/request"),
            "$share/g/+/telemetry".to_owned(),
            "$share/g/#".to_owned(),
        ]
    };
    let count = filters("").len();
    for index in 0..count {
        let device = cast.next();
        let filter = filters(&device.id).swap_remove(index);
        let seen = scene
            .mosquitto
            .subscribe(&scene.devices, device.caller(), &filter)
            .await?;
        let code = seen.suback.first().copied().or(seen.disconnect);
        let refused = seen.is_in() && code.is_some_and(|code| code >= REFUSALS_FROM);
        attempts.count(format!("subscribe to {filter}"), refused, &seen);
    }
    let device = cast.next();
    let own = format!("{}/rpc/request", device.id);
    let seen = scene
        .mosquitto
        .subscribe(&scene.devices, device.caller(), &own)
        .await?;
    attempts.control("subscribe to the own requests", seen.suback == [1], &seen);
    Ok(())
}

async fn wills(
    scene: &Scene,
    cast: &Cast,
    auditor: &Watcher,
    attempts: &mut Attempts,
) -> anyhow::Result<()> {
    let victim = &cast.victim.id;
    let foreign =
        ["status", "telemetry", "rpc/response"].map(|category| format!("{victim}/{category}"));
    for (index, topic) in foreign.iter().enumerate() {
        die_with_a_will(scene, cast.next(), topic, &format!("will-foreign-{index}")).await?;
    }
    let device = cast.next();
    die_with_a_will(scene, device, &format!("{}/status", device.id), "will-own").await?;
    heard(auditor, "will-own").await?;
    for (index, topic) in foreign.iter().enumerate() {
        let heard = auditor.has(&format!("will-foreign-{index}"));
        let seen = if heard {
            "the auditor got it"
        } else {
            "nothing"
        };
        attempts.count(format!("a will on {topic}"), !heard, seen);
    }
    Ok(())
}

/// Connects with a will and is cut off; returns when the broker has noticed.
async fn die_with_a_will(
    scene: &Scene,
    device: &Device,
    topic: &str,
    payload: &str,
) -> anyhow::Result<()> {
    let will = [
        "--will-topic",
        topic,
        "--will-payload",
        payload,
        "--will-qos",
        "1",
    ];
    let filter = format!("{}/rpc/request", device.id);
    let args = [&will[..], &["-t", &filter, "-q", "1", "-F", FORMAT]].concat();
    let command = scene
        .mosquitto
        .staying(&scene.devices, device.caller(), &args);
    let client = Watcher::start("a client with a will", command).await?;
    scene.wait_for_session(&device.id, true).await?;
    client.cut().await;
    scene.wait_for_session(&device.id, false).await
}

async fn heard(auditor: &Watcher, payload: &str) -> anyhow::Result<()> {
    wait::until(&format!("`{payload}` at the auditor"), HEARD_WITHIN, || {
        let heard = auditor.has(payload);
        async move { Ok(heard.then_some(())) }
    })
    .await
}
