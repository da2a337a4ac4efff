//! One pipelined connection: requests out in order, answers back in order, again after a close.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::response::{self, Parsed};
use super::{HookFailure, Job};

/// A request is sent at most this often when connections close under it (seen on 5.8.9).
const SENDS: u8 = 3;
/// A connection that owes answers and stays silent this long is replaced (ehttpc `max_inactive`).
const MAX_INACTIVE: Duration = Duration::from_secs(10);

/// Serves jobs until the pool is dropped.
pub(super) async fn run(
    authority: String,
    connect_timeout: Duration,
    pipelining: usize,
    mut jobs: mpsc::Receiver<Job>,
) {
    let mut owed = VecDeque::new();
    loop {
        if owed.is_empty() {
            match jobs.recv().await {
                Some(job) => owed.push_back(job),
                None => return,
            }
        }
        let Ok(Ok(stream)) = timeout(connect_timeout, TcpStream::connect(&authority)).await else {
            fail(&mut owed, HookFailure::Unreachable);
            while let Ok(job) = jobs.try_recv() {
                answer(job, Err(HookFailure::Unreachable));
            }
            continue;
        };
        // A lost optimisation, never a reason to fail.
        let _ = stream.set_nodelay(true);
        if let Err(failure) = serve(stream, pipelining, &mut jobs, &mut owed).await {
            fail(&mut owed, failure);
        }
        for _ in 0..owed.len() {
            if let Some(job) = owed.pop_front() {
                if job.reply.is_closed() {
                    continue;
                }
                if job.sent >= SENDS {
                    answer(job, Err(HookFailure::Closed));
                } else {
                    owed.push_back(job);
                }
            }
        }
    }
}

/// Runs one connection. `Ok` means it closed: what is still owed may be sent again.
async fn serve(
    mut stream: TcpStream,
    pipelining: usize,
    jobs: &mut mpsc::Receiver<Job>,
    owed: &mut VecDeque<Job>,
) -> Result<(), HookFailure> {
    let (mut reader, mut writer) = stream.split();
    let mut outgoing = BytesMut::new();
    let mut incoming = BytesMut::with_capacity(8 * 1024);
    for job in owed.iter_mut() {
        job.sent += 1;
        outgoing.extend_from_slice(&job.bytes);
    }
    let mut heard = Instant::now();
    loop {
        tokio::select! {
            job = jobs.recv(), if owed.len() < pipelining => {
                let Some(mut job) = job else { return Ok(()) };
                if owed.is_empty() {
                    heard = Instant::now();
                }
                job.sent = 1;
                outgoing.extend_from_slice(&job.bytes);
                owed.push_back(job);
            }
            written = writer.write(&outgoing), if !outgoing.is_empty() => {
                match written {
                    Ok(count) if count > 0 => outgoing.advance(count),
                    _ => return Ok(()),
                }
            }
            read = reader.read_buf(&mut incoming) => {
                let closed = !matches!(read, Ok(count) if count > 0);
                heard = Instant::now();
                if !take_answers(&mut incoming, closed, owed)? || closed {
                    return Ok(());
                }
            }
            () = sleep_until(heard + MAX_INACTIVE), if !owed.is_empty() => return Ok(()),
        }
    }
}

/// Hands out the complete answers; false when the server asked to close.
fn take_answers(
    incoming: &mut BytesMut,
    closed: bool,
    owed: &mut VecDeque<Job>,
) -> Result<bool, HookFailure> {
    loop {
        match response::parse(incoming, closed).map_err(|_| HookFailure::Broken)? {
            Parsed::Partial => return Ok(true),
            Parsed::Complete {
                answer: said,
                keep_alive,
            } => {
                let Some(job) = owed.pop_front() else {
                    tracing::warn!("a hook answered a request that was never sent");
                    return Err(HookFailure::Broken);
                };
                answer(job, Ok(said));
                if !keep_alive {
                    return Ok(false);
                }
            }
        }
    }
}

fn fail(owed: &mut VecDeque<Job>, failure: HookFailure) {
    for job in owed.drain(..) {
        answer(job, Err(failure));
    }
}

fn answer(job: Job, outcome: Result<crate::answer::HttpAnswer, HookFailure>) {
    // The caller may have given up: a late answer is discarded, as on EMQX.
    let _ = job.reply.send(outcome);
}
