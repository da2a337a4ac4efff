//! One device's life on MQTT: connect, report, listen, and come back after every loss.
//!
//! A refused connect is a reason to wait, never to die. The event loop's future is always polled to
//! its end (it is pinned, and what else happens is selected beside it), because dropping it half way
//! through a write could lose an acknowledgement.

mod amnesia;
mod connected;
mod options;
pub mod refusal;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rumqttc::AsyncClient;
use rustls::pki_types::CertificateDer;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::device_id::DeviceId;
use crate::report::{Board, DeviceCounters, Event, Telling};
use crate::secure_element::SecureElement;
use crate::telemetry::{BootId, MessageIds};
use crate::tent::Tent;
use crate::trust::ServerTrust;

use connected::Ended;
pub use options::Broker;

/// Telemetry that may wait for its acknowledgement at once. More readings than this are skipped
/// and counted: an old reading is worth less than the next one.
pub const MAX_IN_FLIGHT: u16 = 16;

/// A connection that lasted this long was a good one: the next wait starts from the base. A
/// revoked device that is accepted and thrown out at once keeps backing off.
const STEADY: Duration = Duration::from_secs(10);

/// What all sessions of a process share.
#[derive(Debug)]
pub struct Shared {
    /// Where to connect.
    pub broker: Broker,
    /// Whom to believe there.
    pub trust: ServerTrust,
    /// How often each device reports.
    pub interval: Duration,
    /// Bound of the first wait after a loss.
    pub backoff_base: Duration,
    /// Bound of every wait after a loss.
    pub backoff_max: Duration,
    /// How long a stopping device may take to say goodbye.
    pub goodbye: Duration,
    /// Connects at the same time.
    pub connecting: Semaphore,
    /// The counters.
    pub board: Arc<Board>,
    /// The events.
    pub telling: Telling,
    /// Says that the run is ending.
    pub stop: CancellationToken,
}

/// One enrolled device, ready to connect.
#[derive(Debug)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// What it says it is in its online message.
    pub model: String,
    /// Likewise.
    pub firmware_version: String,
    /// Its key.
    pub element: Arc<SecureElement>,
    /// Its certificate and issuers.
    pub chain: Vec<CertificateDer<'static>>,
    /// Of its certificate.
    pub fingerprint: String,
    /// This start.
    pub boot: BootId,
    /// Its world.
    pub tent: Tent,
    /// When within the interval it reports, so that a fleet does not report in one beat.
    pub phase: Duration,
}

/// Keeps the device connected until the run stops.
pub async fn run(device: Device, shared: &Shared) {
    let counters = shared.board.device(&device.id);
    let options = options::of(&device, &shared.broker, &shared.trust);
    let (client, mut eventloop) = AsyncClient::builder(options)
        .capacity(usize::from(MAX_IN_FLIGHT) + 8)
        .build();
    let mut backoff = Backoff::new(shared.backoff_base, shared.backoff_max);
    let mut life = connected::Life::new(device, shared.interval);

    while !shared.stop.is_cancelled() {
        let opened = tokio::select! {
            () = shared.stop.cancelled() => return,
            opened = open(&mut eventloop, &shared.connecting) => opened,
        };
        let wait = match opened {
            Err(refusal) => {
                let wait = backoff.next(rand::random());
                shared.board.refused(&counters, &refusal.reason);
                shared.telling.tell(Event::Refused {
                    device: life.id().to_string(),
                    reason: refusal.reason,
                    code: refusal.code,
                    wait_ms: millis(wait),
                });
                wait
            }
            Ok(session_present) => {
                let since = Instant::now();
                arrived(&counters, shared, life.id(), session_present);
                let ended = life.live(&client, &mut eventloop, &counters, shared).await;
                counters.connected.store(false, Ordering::Relaxed);
                let Ended::Lost(refusal) = ended else { return };
                if since.elapsed() >= STEADY {
                    backoff.reset();
                }
                let wait = backoff.next(rand::random());
                shared.board.disconnected(&refusal.reason);
                shared.telling.tell(Event::Disconnected {
                    device: life.id().to_string(),
                    reason: refusal.reason,
                    code: refusal.code,
                    lasted_ms: millis(since.elapsed()),
                    wait_ms: millis(wait),
                });
                wait
            }
        };
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Connects, one of a bounded number at a time, up to the CONNACK. Returns whether the broker had
/// kept the session.
async fn open(
    eventloop: &mut rumqttc::EventLoop,
    connecting: &Semaphore,
) -> Result<bool, refusal::Refusal> {
    let _permit = connecting
        .acquire()
        .await
        .expect("the semaphore is never closed");
    loop {
        match eventloop.poll().await {
            Ok(rumqttc::Event::Incoming(rumqttc::Packet::ConnAck(answer))) => {
                return Ok(answer.session_present);
            }
            Ok(_) => {}
            Err(error) => return Err(refusal::of(&error)),
        }
    }
}

fn arrived(counters: &DeviceCounters, shared: &Shared, id: &DeviceId, session_present: bool) {
    let connect = counters.connects.fetch_add(1, Ordering::Relaxed) + 1;
    counters.connected.store(true, Ordering::Relaxed);
    shared.telling.tell(Event::Connected {
        device: id.to_string(),
        session_present,
        connect,
    });
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The message ids of a device's start.
fn message_ids(boot: &BootId) -> MessageIds {
    MessageIds::new(boot.clone())
}
