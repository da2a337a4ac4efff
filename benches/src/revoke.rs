//! The scenario `revoke`: how long until somebody who was revoked is out, and whether he is out for good.
//!
//! The whole stack of `chaos` runs as shipped: a durable PostgreSQL, three hook-services, api-service,
//! dev-broker. Every device holds an mTLS session and comes back as soon as it is thrown out, while
//! the answers of the hooks are up to two seconds late: what was allowed before the revoke arrives
//! after it. Some devices never stay, so that revokes meet connects in flight.

mod bulk;
mod faults;
mod open_loop;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use chaos::crowd::{Crowd, Manners};
use chaos::device::Device;
use chaos::oracle::Oracle;
use chaos::programs::{self, Programs};
use chaos::stack::{ApiClient, Options, Stack};
use chaos::wait;
use fault_proxy::{Delay, Faults};
use serde_json::{Value, json};

use crate::machine;
use crate::report::{Output, print, rounded, say};

/// The longest that an answer of the hooks is late: EMQX's request time-out.
const LATE_MAX: Duration = Duration::from_secs(2);
/// Of so many devices one never stays.
const RESTLESS_EVERY: usize = 10;
/// Everybody is connected within this.
const CONNECTED_WITHIN: Duration = Duration::from_secs(180);
/// Everybody who was revoked has been refused again within this.
const REFUSED_WITHIN: Duration = Duration::from_secs(300);
/// A session that the broker has ended is gone for its device within this.
const CLOSES_WITHIN: Duration = Duration::from_secs(10);

/// The options of the scenario.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// 300 sessions and ten seconds of open loop
    #[arg(long)]
    quick: bool,
    /// Live mTLS sessions [default: 2000, with --quick 300]
    #[arg(long, value_parser = clap::value_parser!(u32).range(20..=20_000))]
    sessions: Option<u32>,
    /// Revokes in a second, in open loop
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    per_second: u32,
    /// Seconds of open loop; the rest is revoked in one call [default: 30, with --quick 10]
    #[arg(long)]
    seconds: Option<u32>,
    /// Most connects in a second of devices that come back: they share the processors with the broker
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connects_per_second: u32,
    /// Kill, cut and restart parts meanwhile: times are free, wrong allows are not
    #[arg(long)]
    faults: bool,
    /// What every delay is drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    output: Output,
}

/// What the parts of the scenario work on.
struct Scene {
    api: ApiClient,
    oracle: Arc<Oracle>,
}

/// Runs the scenario.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        say("built without --release: no figure of this run counts");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    runtime.block_on(measure(arguments))
}

async fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let programs = Programs::up_to_date(&programs::STACK)?;
    let start = Instant::now();
    let quick = arguments.quick;
    let sessions = arguments
        .sessions
        .unwrap_or(if quick { 300 } else { 2_000 });
    let seconds = arguments.seconds.unwrap_or(if quick { 10 } else { 30 });
    let singly = usize::try_from(arguments.per_second * seconds)?;
    let count = usize::try_from(sessions)?;
    ensure!(
        singly < count,
        "--per-second times --seconds must be less than --sessions: the rest goes in one call"
    );

    let mut options = Options::new(arguments.seed);
    "warn".clone_into(&mut options.log);
    options.compare_ms = 600_000;
    let mut stack = Stack::start(&programs, options).await?;
    let scene = Scene {
        api: stack.api_client().await?,
        oracle: Arc::new(Oracle::default()),
    };
    let ids: Vec<String> = (0..count)
        .map(|number| format!("revoke-{number:06}"))
        .collect();
    let devices = stack.register(&ids).await?;
    let restless_ids: Vec<String> = (0..singly / RESTLESS_EVERY)
        .map(|number| format!("restless-{number:06}"))
        .collect();
    let restless = stack.register(&restless_ids).await?;

    say(&format!("{sessions} devices connect"));
    let mut settled = crowd(&stack, &scene, None, arguments.connects_per_second);
    for device in &devices {
        settled.join(Arc::clone(device));
    }
    let connected = |devices: &[Arc<Device>]| {
        devices
            .iter()
            .all(|device| scene.oracle.has_session(&device.id))
    };
    wait::until_true("every session", CONNECTED_WITHIN, || connected(&devices)).await?;

    let late = Delay::between(Duration::ZERO, LATE_MAX);
    let slow = Faults::slow(Delay::default(), late);
    stack.links.hooks.set(slow).await;
    let stay = Some(Duration::from_millis(200));
    let mut moving = crowd(&stack, &scene, stay, arguments.connects_per_second / 4);
    for device in &restless {
        moving.join(Arc::clone(device));
    }
    say(&format!(
        "{} revokes a second for {seconds} s",
        arguments.per_second
    ));
    let (first, rest) = devices.split_at(singly);
    let order = mixed(first, &restless);
    let open = open_loop::run(&scene, &order, arguments.per_second, arguments.faults);
    let one_by_one = if arguments.faults {
        let (measured, suffered) = tokio::join!(open, faults::suffer(&mut stack, slow));
        suffered.context("a fault could not be made or mended")?;
        measured?
    } else {
        open.await?
    };

    say(&format!("the other {} in one call", rest.len()));
    let bulk = bulk::run(&scene, rest).await?;

    say("every device is to be refused once more");
    let refused = wait::until_true("a refusal of everybody", REFUSED_WITHIN, || {
        scene.oracle.not_refused_yet().is_empty()
    })
    .await;
    if refused.is_err() {
        say("some devices were not refused after `complete`");
    }
    escaped(&stack, &scene, devices.iter().chain(&restless)).await?;
    let judged = scene.oracle.judged();
    settled.leave().await;
    moving.leave().await;

    let revoked = devices.len() + restless.len();
    let mut figures = json!({
        "scenario": "revoke",
        "quick": quick,
        "faults": arguments.faults,
        "hook_processes": stack.replicas.len(),
        "fsync": true,
        "sessions": sessions,
        "revokes_per_second": arguments.per_second,
        "hook_answers_late_ms": [0, LATE_MAX.as_millis()],
        "connects_per_second_max": arguments.connects_per_second,
        "revoked": revoked,
        "revoked_complete": judged.complete,
        "refused_after": judged.refused_after,
        "escaped_inflight": judged.escaped,
        "wrong_allows": judged.wrong_allows,
        "connects_accepted": judged.accepted,
        "connects_refused": judged.refused,
        "seed": arguments.seed,
        "machine": machine::describe(),
    });
    one_by_one.note(&mut figures);
    bulk.note(&mut figures);
    figures["seconds"] = rounded(start.elapsed().as_secs_f64());
    tell(&figures)?;
    arguments.output.finish(&figures, &Value::Null)?;

    let all = u64::try_from(revoked)?;
    ensure!(
        scene.oracle.violations().is_empty(),
        "wrong: {:?}",
        scene.oracle.violations().iter().take(5).collect::<Vec<_>>()
    );
    ensure!(
        judged.complete == all && judged.refused_after == all,
        "of {all} revoked devices {} are complete and {} were refused afterwards",
        judged.complete,
        judged.refused_after
    );
    if !arguments.faults {
        one_by_one.judge()?;
    }
    Ok(())
}

fn crowd(stack: &Stack, scene: &Scene, stay: Option<Duration>, per_second: u32) -> Crowd {
    let manners = Manners {
        stay,
        // As tight as a loop may be that shares two processors with what it measures.
        pause: Duration::from_millis(1),
        connects_per_second: per_second.max(1),
    };
    Crowd::new(stack.target(), Arc::clone(&scene.oracle), manners)
}

/// The order of the open loop: a restless device after every few settled ones.
fn mixed(settled: &[Arc<Device>], restless: &[Arc<Device>]) -> Vec<Arc<Device>> {
    let mut restless = restless.iter().cloned();
    let mut order = Vec::new();
    for (index, device) in settled.iter().enumerate() {
        order.push(Arc::clone(device));
        if index % RESTLESS_EVERY == RESTLESS_EVERY - 1 {
            order.extend(restless.next());
        }
    }
    order.extend(restless);
    order
}

/// Tells the oracle of every session that is left, by the device's word or the broker's.
async fn escaped(
    stack: &Stack,
    scene: &Scene,
    devices: impl Iterator<Item = &Arc<Device>>,
) -> anyhow::Result<()> {
    let gone = wait::until_true("the end of every session", CLOSES_WITHIN, || {
        scene.oracle.lingering().is_empty()
    });
    if gone.await.is_err() {
        for device in scene.oracle.lingering() {
            scene.oracle.escaped(&device);
        }
    }
    for device in devices {
        if stack.broker.has_session(&device.id).await? {
            scene.oracle.escaped(&device.id);
        }
    }
    Ok(())
}

fn tell(figures: &Value) -> anyhow::Result<()> {
    for (name, value) in figures.as_object().into_iter().flatten() {
        if value.is_number() {
            print(&format!("{name:<36} {value}"))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restless_devices_are_revoked_among_the_settled_ones() {
        let folder = tempfile::tempdir().unwrap();
        let authority = chaos::device::Authority::make(folder.path()).unwrap();
        let some = |name: &str, count: usize| -> Vec<Arc<Device>> {
            let ids: Vec<String> = (0..count)
                .map(|number| format!("{name}-{number}"))
                .collect();
            let made = authority.devices(&ids).unwrap();
            made.into_iter().map(Arc::new).collect()
        };
        let order = mixed(&some("settled", 25), &some("restless", 4));
        assert_eq!(order.len(), 29);
        assert_eq!(order[10].id, "restless-0");
        assert_eq!(order[21].id, "restless-1");
        assert_eq!(order[28].id, "restless-3");
    }
}
