//! One generator thread: an epoll loop over its connections.

use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use hdrhistogram::Histogram;
use rustix::event::epoll;
use rustix::event::{Timespec, epoll::EventFlags};
use rustix::fd::OwnedFd;

use super::connection::Connection;
use super::stream::Stream;
use super::{Arrival, Pacer, Plan, Priority, histogram};
use crate::fleet::SplitMix;

/// Events taken at once.
const EVENTS: usize = 64;

/// In open loop the generator looks this often at what is due and what came, nanoseconds. One look
/// for each request would take a processor for itself, which is the server's here. What a request or
/// an answer waits for the next look counts, like everything after the intended time.
const LOOK_NS: u64 = 250_000;

/// Answers that are this late after the end are missing.
const STRAGGLER_TIME_MAX: Duration = Duration::from_secs(10);

/// What one thread saw.
#[derive(Debug)]
pub(super) struct Driven {
    pub(super) answers: u64,
    pub(super) latency: Histogram<u64>,
    pub(super) lateness: Histogram<u64>,
    pub(super) priority: Priority,
}

struct Driver<'a> {
    plan: &'a Plan<'a>,
    epoll: OwnedFd,
    connections: Vec<Connection<'a>>,
    watched_for_room: Vec<bool>,
    start: Instant,
    /// Measured is what happens from here ...
    from_ns: u64,
    /// ... to here, in nanoseconds after `start`.
    to_ns: u64,
    driven: Driven,
}

/// Runs one thread's share of a plan.
pub(super) fn drive(
    plan: &Plan<'_>,
    streams: Vec<Stream>,
    start: Instant,
    seed: u64,
) -> anyhow::Result<Driven> {
    let mut random = SplitMix::new(seed);
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).context("epoll_create1")?;
    let mut connections = Vec::with_capacity(streams.len());
    for (index, stream) in streams.into_iter().enumerate() {
        let data = epoll::EventData::new_u64(index as u64);
        epoll::add(&epoll, &stream, data, EventFlags::IN).context("epoll_ctl")?;
        let first = random.below(plan.requests.len());
        connections.push(Connection::new(stream, plan.requests, plan.expect, first));
    }
    let warm_up = nanos(plan.warm_up);
    let mut driver = Driver {
        plan,
        epoll,
        watched_for_room: vec![false; connections.len()],
        connections,
        start,
        from_ns: warm_up,
        to_ns: warm_up + nanos(plan.measure),
        driven: Driven {
            answers: 0,
            latency: histogram(),
            lateness: histogram(),
            priority: match plan.arrival {
                Arrival::Closed { .. } => Priority::Normal,
                Arrival::Open { .. } => Priority::raise(),
            },
        },
    };
    super::wait_until(start);
    driver.run(random)?;
    Ok(driver.driven)
}

impl Driver<'_> {
    #[expect(clippy::cast_precision_loss, reason = "connection counts are small")]
    fn run(&mut self, mut random: SplitMix) -> anyhow::Result<()> {
        let mut pacer = match self.plan.arrival {
            Arrival::Closed { .. } => None,
            Arrival::Open { per_second, .. } => {
                let share = self.connections.len() as f64 / self.plan.connections as f64;
                Some(Pacer::new(per_second * share, random.next()))
            }
        };
        if pacer.is_none() {
            for index in 0..self.connections.len() {
                self.burst(index)?;
            }
        }
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            let now = self.now();
            // Closed: as soon as something comes. Open: what has come, at every look.
            let mut wait_ns = 100_000_000;
            if let Some(pacer) = &mut pacer {
                self.owe_what_is_due(pacer, &mut random, now)?;
                let next = (now / LOOK_NS + 1) * LOOK_NS;
                super::wait_until(self.start + Duration::from_nanos(next));
                wait_ns = 0;
            }
            if now >= self.to_ns {
                if self.connections.iter().all(Connection::is_idle) {
                    return Ok(());
                }
                if now > self.to_ns + nanos(STRAGGLER_TIME_MAX) {
                    bail!("answers are missing {STRAGGLER_TIME_MAX:?} after the last request");
                }
            }
            events.clear();
            let timeout = Timespec {
                tv_sec: 0,
                tv_nsec: wait_ns,
            };
            match epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut events),
                Some(&timeout),
            ) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error).context("epoll_wait"),
            }
            for event in &events {
                let index = usize::try_from(event.data.u64()).expect("an index was stored");
                self.happened(index, event.flags)?;
            }
        }
    }

    fn now(&self) -> u64 {
        nanos(self.start.elapsed())
    }

    /// Gives every request whose time has come to a connection chosen at random, as EMQX does.
    fn owe_what_is_due(
        &mut self,
        pacer: &mut Pacer,
        random: &mut SplitMix,
        now: u64,
    ) -> anyhow::Result<()> {
        let mut touched = 0_u64;
        while let Some(intended) = pacer.due(now.min(self.to_ns)) {
            if intended >= self.from_ns {
                self.driven.lateness.saturating_record(now - intended);
            }
            let index = random.below(self.connections.len());
            self.connections[index].owe(intended);
            // More connections than bits share bits; one too many is looked at, never one too few.
            touched |= 1 << (index % 64);
        }
        if touched != 0 {
            for index in 0..self.connections.len() {
                if touched & 1 << (index % 64) != 0 {
                    self.send(index)?;
                }
            }
        }
        Ok(())
    }

    fn burst(&mut self, index: usize) -> anyhow::Result<()> {
        let now = self.now();
        for _ in 0..self.plan.arrival.depth() {
            self.connections[index].owe(now);
        }
        self.send(index)
    }

    fn send(&mut self, index: usize) -> anyhow::Result<()> {
        let depth = self.plan.arrival.depth();
        self.connections[index]
            .send(depth)
            .map_err(|what| self.wrong(what))?;
        self.watch(index)
    }

    fn happened(&mut self, index: usize, flags: EventFlags) -> anyhow::Result<()> {
        let connection = &mut self.connections[index];
        if flags.contains(EventFlags::OUT) {
            let flushed = connection.flush();
            flushed.map_err(|what| self.wrong(what))?;
            self.watch(index)?;
        }
        if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            self.receive(index)?;
        }
        Ok(())
    }

    fn receive(&mut self, index: usize) -> anyhow::Result<()> {
        let (from, to) = (self.from_ns, self.to_ns);
        let open = matches!(self.plan.arrival, Arrival::Open { .. });
        let start = self.start;
        let mut now = None;
        let driven = &mut self.driven;
        let received = self.connections[index].receive(|intended| {
            let now = *now.get_or_insert_with(|| nanos(start.elapsed()));
            // Closed: what was answered in the time. Open: what was meant for it, however late.
            let counts = if open {
                intended >= from && intended < to
            } else {
                now >= from && now < to
            };
            if counts {
                driven.answers += 1;
                driven
                    .latency
                    .saturating_record(now.saturating_sub(intended).max(1));
            }
        });
        received.map_err(|what| self.wrong(what))?;
        if open {
            return self.send(index);
        }
        if self.connections[index].is_idle() && self.now() < to {
            return self.burst(index);
        }
        Ok(())
    }

    /// Watches for room only while something waits for it.
    fn watch(&mut self, index: usize) -> anyhow::Result<()> {
        let wanted = self.connections[index].wants_room();
        if wanted != self.watched_for_room[index] {
            let flags = if wanted {
                EventFlags::IN | EventFlags::OUT
            } else {
                EventFlags::IN
            };
            let data = epoll::EventData::new_u64(index as u64);
            epoll::modify(&self.epoll, &self.connections[index].stream, data, flags)
                .context("epoll_ctl")?;
            self.watched_for_room[index] = wanted;
        }
        Ok(())
    }

    fn wrong(&self, what: String) -> anyhow::Error {
        anyhow!(what).context(format!("{} answered wrongly", self.plan.address))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
