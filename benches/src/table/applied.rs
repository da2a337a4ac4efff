//! From a commit to the first answer that knows it: 100 transactions a second of 5 devices each.
//!
//! Measured where it counts, in the answers: after each commit its devices are asked for again
//! and again until every answer has turned. Meanwhile other devices are asked for, and every
//! answer about them is judged.

use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use hdrhistogram::Histogram;
use tokio_postgres::{Client, NoTls};

use super::Found;
use super::ask::Asker;
use super::stack::{HookService, Stack};
use crate::fleet::{self, Kind, Requests};
use crate::load::{self, Arrival, Dial, Expect, Plan};
use crate::report::{rounded, say};

const TRANSACTIONS_PER_SECOND: u32 = 100;
const DEVICES_PER_TRANSACTION: usize = 5;
const WRITERS: u32 = 8;

/// Questions a second about devices that do not change.
const ASKED_PER_SECOND: f64 = 2000.0;

/// Between two questions about the same device; asking without a pause would be a load of its own.
const ASK_AGAIN_AFTER: Duration = Duration::from_micros(500);

/// An answer that has not turned after this time is wrong.
const APPLIED_TIME_MAX: Duration = Duration::from_secs(10);

pub(super) fn measure(
    stack: &Stack,
    hooks: &HookService,
    quick: bool,
    found: &mut Found,
) -> anyhow::Result<()> {
    let seconds = if quick { 10 } else { 60 };
    let requests = Requests::new(Kind::AuthnCertificate, stack.devices);
    let changing = changing(stack.devices, &requests);
    say(&format!(
        "{TRANSACTIONS_PER_SECOND} transactions a second for {seconds} s"
    ));
    let plan = Plan {
        address: hooks.hooks,
        dial: Dial::default(),
        requests: &requests,
        expect: &Expect::Decision,
        arrival: Arrival::Open {
            per_second: ASKED_PER_SECOND,
            depth: 100,
        },
        connections: 8,
        threads: 1,
        warm_up: Duration::ZERO,
        measure: Duration::from_secs(seconds),
        seed: 1,
    };
    let start = Instant::now() + Duration::from_millis(200);
    let end = start + Duration::from_secs(seconds);
    let (written, asked) = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (url, hooks, changing) = (&stack.url, hooks.hooks, &changing);
                scope.spawn(move || Writer::connect(url, hooks)?.run(writer, changing, start, end))
            })
            .collect();
        let asked = load::run(&plan, None);
        let written: Vec<_> = writers
            .into_iter()
            .map(|writer| writer.join().expect("a writer does not panic"))
            .collect();
        (written, asked)
    });
    let asked = asked?;
    let mut applied = load::histogram();
    let mut commits = load::histogram();
    for written in written {
        let written = written?;
        applied += written.applied;
        commits += written.commits;
        found.wrong_answers += written.wrong;
    }
    let due = u64::from(TRANSACTIONS_PER_SECOND) * seconds;
    anyhow::ensure!(
        applied.len() * 100 >= due * 95,
        "refused: {} transactions were made where {due} were meant; the database could not keep \
         the rate of this measurement",
        applied.len()
    );
    found.note("commit_to_applied_p50_ms", ms(&applied, 0.5));
    found.note("commit_to_applied_p99_ms", ms(&applied, 0.99));
    found.note("commit_to_applied_max_ms", ms(&applied, 1.0));
    found.note("commit_p99_ms", ms(&commits, 0.99));
    found.note("transactions", applied.len());
    found.note("answers_meanwhile", asked.answers);
    found.note("p99_meanwhile_ms", rounded(asked.latency_ms(0.99)));
    Ok(())
}

/// Active devices that nobody else asks for.
fn changing(devices: u32, requests: &Requests) -> Vec<u32> {
    let asked: HashSet<u32> = (0..requests.len())
        .map(|index| requests.device(index))
        .collect();
    (0..devices)
        .filter(|number| fleet::is_active(*number) && !asked.contains(number))
        .take(20_000)
        .collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "minutes of nanoseconds stay below 2^53"
)]
fn ms(histogram: &Histogram<u64>, quantile: f64) -> serde_json::Value {
    rounded(histogram.value_at_quantile(quantile) as f64 / 1e6)
}

struct Written {
    applied: Histogram<u64>,
    commits: Histogram<u64>,
    wrong: u64,
}

struct Writer {
    runtime: tokio::runtime::Runtime,
    client: Client,
    asker: Asker,
}

impl Writer {
    fn connect(url: &str, hooks: std::net::SocketAddr) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let client = runtime.block_on(connect(url))?;
        Ok(Self {
            runtime,
            client,
            asker: Asker::connect(hooks)?,
        })
    }

    /// Makes this writer's share of the transactions, each at its own intended time.
    fn run(
        mut self,
        writer: u32,
        changing: &[u32],
        start: Instant,
        end: Instant,
    ) -> anyhow::Result<Written> {
        let mut written = Written {
            applied: load::histogram(),
            commits: load::histogram(),
            wrong: 0,
        };
        let groups: Vec<&[u32]> = changing.chunks_exact(DEVICES_PER_TRANSACTION).collect();
        anyhow::ensure!(!groups.is_empty(), "the fleet is too small");
        for number in (writer..).step_by(WRITERS as usize) {
            let at = start + Duration::from_secs(1) * number / TRANSACTIONS_PER_SECOND;
            if at >= end {
                break;
            }
            load::wait_until(at);
            let group = groups[number as usize % groups.len()];
            // Each pass over the groups turns them the other way.
            let suspend = (number as usize / groups.len()).is_multiple_of(2);
            let begun = Instant::now();
            self.runtime
                .block_on(suspend_all(&self.client, group, suspend))?;
            let committed = Instant::now();
            written.commits.saturating_record(nanos(committed - begun));
            // Devices turn one after the other: a change is applied shard by shard.
            for device in group {
                while self.asker.is_allowed(*device)? == suspend {
                    if committed.elapsed() > APPLIED_TIME_MAX {
                        written.wrong += 1;
                        break;
                    }
                    thread::park_timeout(ASK_AGAIN_AFTER);
                }
            }
            written
                .applied
                .saturating_record(nanos(committed.elapsed()));
            // What has turned once stays so.
            for device in group {
                written.wrong += u64::from(self.asker.is_allowed(*device)? == suspend);
            }
        }
        Ok(written)
    }
}

/// A connection as the owner, driven by the runtime that it is made in.
pub(super) async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .context("connecting to PostgreSQL")?;
    tokio::spawn(connection);
    Ok(client)
}

/// One transaction; rows are locked in the order of their ids.
pub(super) async fn suspend_all(
    client: &Client,
    numbers: &[u32],
    suspended: bool,
) -> anyhow::Result<()> {
    let ids: Vec<String> = numbers.iter().map(|number| fleet::id(*number)).collect();
    let sql = "UPDATE device SET suspended = $2 WHERE device_id = ANY($1)";
    let changed = client
        .execute(sql, &[&ids, &suspended])
        .await
        .context("changing devices")?;
    anyhow::ensure!(
        changed == ids.len() as u64,
        "{changed} of {} devices exist",
        ids.len()
    );
    Ok(())
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos())
        .unwrap_or(u64::MAX)
        .max(1)
}
