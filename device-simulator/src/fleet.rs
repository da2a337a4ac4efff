//! N devices in one process: one task each, sharing what can be shared.

mod prepare;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::device_id::DeviceId;
use crate::enrolment::{Api, Patience};
use crate::failure::Failure;
use crate::noise::Noise;
use crate::report::{Board, Event, Output, Printer, Progress, StatusFile, Summary};
use crate::session::{self, Broker, Device, Shared};
use crate::state::StateFolder;
use crate::telemetry::BootId;
use crate::tent::Tent;
use crate::trust::ServerTrust;

use prepare::Prepared;

/// What every run needs: who the devices are, where they are kept, how they get certificates.
#[derive(Debug)]
pub struct Fleet {
    /// The devices' ids.
    pub ids: Vec<DeviceId>,
    /// Sent at enrolment, 1 to 64 characters.
    pub model: String,
    /// Likewise.
    pub firmware_version: String,
    /// Their folder, locked.
    pub state: StateFolder,
    /// Where they are enrolled.
    pub api: Api,
    /// How long each enrolment is tried.
    pub patience: Patience,
    /// Enrolments at the same time.
    pub enrol_concurrency: usize,
    /// What goes to stdout.
    pub output: Output,
    /// A bar on the terminal.
    pub progress: bool,
    /// A file of live counters.
    pub status_file: Option<PathBuf>,
}

/// What a run adds to an enrolment.
#[derive(Debug)]
pub struct Connection {
    /// Where the devices connect.
    pub broker: Broker,
    /// Whom to believe there.
    pub trust: ServerTrust,
    /// How often each reports.
    pub interval: Duration,
    /// Seed of the simulated worlds.
    pub seed: u64,
    /// Bound of the first wait after a loss.
    pub backoff_base: Duration,
    /// Bound of every wait after a loss.
    pub backoff_max: Duration,
    /// Connects at the same time.
    pub connect_concurrency: usize,
    /// How long a stopping device may take to say goodbye.
    pub goodbye: Duration,
    /// How long to run; without it, until a signal.
    pub duration: Option<Duration>,
}

/// Enrols the fleet and, with a `connection`, keeps it connected until the time is up or `stop` is
/// cancelled. A device that cannot be enrolled does not hold up the others.
pub async fn run(
    fleet: Fleet,
    connection: Option<Connection>,
    stop: CancellationToken,
) -> Result<Summary, Failure> {
    let started = Instant::now();
    let board = Arc::new(Board::new(&fleet.ids));
    let printer = Printer::start(fleet.output);
    let done = CancellationToken::new();
    let mut watchers = JoinSet::new();
    if let Some(path) = &fleet.status_file {
        watchers.spawn(StatusFile::create(path, Arc::clone(&board))?.keep(done.clone()));
    }
    if let Some(progress) = fleet
        .progress
        .then(|| Progress::on_terminal(Arc::clone(&board)))
        .flatten()
    {
        watchers.spawn(progress.keep(done.clone()));
    }

    let telling = printer.telling();
    // The devices hear of the end from us, after the connected ones were counted: a device that
    // heard it from `stop` itself could be gone before.
    let leave = CancellationToken::new();
    let duration = connection
        .as_ref()
        .and_then(|connection| connection.duration);
    let seed = connection.as_ref().map_or(0, |connection| connection.seed);
    let shared = connection.map(|connection| {
        Arc::new(Shared {
            broker: connection.broker,
            trust: connection.trust,
            interval: connection.interval,
            backoff_base: connection.backoff_base,
            backoff_max: connection.backoff_max,
            goodbye: connection.goodbye,
            connecting: Semaphore::new(connection.connect_concurrency),
            board: Arc::clone(&board),
            telling: telling.clone(),
            stop: leave.clone(),
        })
    });
    let enrolling = Arc::new(Semaphore::new(fleet.enrol_concurrency));
    let fleet = Arc::new(fleet);
    let mut devices = JoinSet::new();
    for id in fleet.ids.clone() {
        let (fleet, shared, enrolling) =
            (Arc::clone(&fleet), shared.clone(), Arc::clone(&enrolling));
        let (board, telling, leave) = (Arc::clone(&board), telling.clone(), leave.clone());
        devices.spawn(async move {
            let prepared = tokio::select! {
                () = leave.cancelled() => return Ok(()),
                prepared = prepare::device(&fleet, id.clone(), &enrolling, &board, &telling) => prepared?,
            };
            if let (Some(prepared), Some(shared)) = (prepared, shared) {
                let device = assemble(id, prepared, seed, shared.interval);
                session::run(device, &shared).await;
            }
            Ok(())
        });
    }

    let mut fatal: Option<Failure> = None;
    let mut because = "finished";
    let mut connected_at_stop = None;
    let time_up = async {
        match duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(time_up);
    loop {
        tokio::select! {
            ended = devices.join_next() => match ended {
                None => break,
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(failure))) => {
                    fatal.get_or_insert(failure);
                    stop.cancel();
                }
                Some(Err(panic)) => {
                    fatal.get_or_insert(Failure::other(format!("a device's task failed: {panic}")));
                    stop.cancel();
                }
            },
            () = &mut time_up, if connected_at_stop.is_none() => {
                because = "duration";
                connected_at_stop = Some(board.totals().connected);
                telling.tell(Event::Stopping { because });
                leave.cancel();
            }
            () = stop.cancelled(), if connected_at_stop.is_none() => {
                because = "signal";
                connected_at_stop = Some(board.totals().connected);
                telling.tell(Event::Stopping { because });
                leave.cancel();
            }
        }
    }
    let lasted = started.elapsed();
    tracing::debug!(because, "every device has ended");
    done.cancel();
    while watchers.join_next().await.is_some() {}
    drop((telling, shared, fleet));
    let events_dropped = printer.finish().await;
    if let Some(failure) = fatal {
        return Err(failure);
    }
    let connected = connected_at_stop.unwrap_or_else(|| board.totals().connected);
    Ok(Summary::new(&board, connected, events_dropped, lasted))
}

fn assemble(id: DeviceId, prepared: Prepared, seed: u64, interval: Duration) -> Device {
    let phase = interval.mul_f64(Noise::of(seed, id.as_str(), "phase").unit());
    let tent = Tent::new(
        Noise::of(seed, id.as_str(), "tent"),
        OffsetDateTime::now_utc(),
    );
    Device {
        id,
        model: prepared.enrolment.record.model,
        firmware_version: prepared.enrolment.record.firmware_version,
        element: prepared.element,
        chain: prepared.enrolment.chain,
        fingerprint: prepared.enrolment.record.fingerprint,
        boot: BootId::new(prepared.boot, rand::random()),
        tent,
        phase,
    }
}

/// Marks a device as holding a certificate.
fn count_enrolled(board: &Board, id: &DeviceId, now: bool) {
    let counters = board.device(id);
    counters.enrolled.store(true, Ordering::Relaxed);
    counters.enrolled_now.store(now, Ordering::Relaxed);
}
