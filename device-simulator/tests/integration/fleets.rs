//! Fleets as tests want them: short waits, a state folder of their own.

use std::path::Path;
use std::time::Duration;

use device_simulator::device_id;
use device_simulator::enrolment::{Api, Patience, TokenSource};
use device_simulator::failure::Failure;
use device_simulator::fleet::{self, Connection, Fleet};
use device_simulator::report::{Output, Summary};
use device_simulator::session::Broker;
use device_simulator::state::StateFolder;
use device_simulator::trust::ServerTrust;
use tokio_util::sync::CancellationToken;

use crate::broker::FakeBroker;
use crate::factory::Factory;

/// No condition of any test takes this long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) fn patience() -> Patience {
    Patience {
        base: Duration::from_millis(1),
        cap: Duration::from_millis(20),
        total: Duration::from_secs(10),
    }
}

pub(crate) fn fleet(factory: &Factory, state: &Path, count: u32) -> Fleet {
    fleet_with(factory, state, count, None)
}

pub(crate) fn fleet_with(
    factory: &Factory,
    state: &Path,
    count: u32,
    tokens: Option<TokenSource>,
) -> Fleet {
    Fleet {
        ids: device_id::fleet("grow", count).unwrap(),
        model: "GC-1".into(),
        firmware_version: "1.0.0".into(),
        state: StateFolder::open(state).unwrap(),
        api: Api::new(&factory.url, tokens).unwrap(),
        patience: patience(),
        enrol_concurrency: 8,
        output: Output::Text,
        progress: false,
        status_file: None,
    }
}

pub(crate) fn connection(factory: &Factory, port: u16) -> Connection {
    Connection {
        broker: Broker::parse(&format!("127.0.0.1:{port}"), 60, 3_600).unwrap(),
        trust: ServerTrust::from_file(&factory.pki.server_trust()).unwrap(),
        interval: Duration::from_millis(20),
        seed: 7,
        backoff_base: Duration::from_millis(1),
        backoff_max: Duration::from_millis(20),
        connect_concurrency: 8,
        goodbye: Duration::from_secs(5),
        duration: None,
    }
}

pub(crate) async fn enrol(fleet: Fleet) -> Result<Summary, Failure> {
    within(fleet::run(fleet, None, CancellationToken::new())).await
}

/// Runs a fleet against the broker until `enough` of what the broker saw, then stops it.
pub(crate) async fn run_until(
    factory: &Factory,
    state: &Path,
    count: u32,
    broker: &FakeBroker,
    enough: impl Fn(&FakeBroker) -> bool,
) -> Summary {
    let stop = CancellationToken::new();
    let running = tokio::spawn(fleet::run(
        fleet(factory, state, count),
        Some(connection(factory, broker.port)),
        stop.clone(),
    ));
    broker.until(enough).await;
    stop.cancel();
    within(running).await.unwrap().unwrap()
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("the deadline of the test is far away")
}
