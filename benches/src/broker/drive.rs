//! The generator's thread: an epoll loop over the pool, phase after phase.

use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use rustix::event::epoll;
use rustix::event::{Timespec, epoll::EventFlags};
use rustix::fd::OwnedFd;

use super::connection::{Connection, Sent, State};
use super::seen::Seen;
use super::verdict::{Verdict, judge};
use super::{Phase, Plan};
use crate::cpu::Clock;
use crate::fleet::SplitMix;
use crate::load::{Arrival, Pacer};
use crate::{affinity, load};

/// Events taken at once.
const EVENTS: usize = 256;

/// Answers that are this late after the end are missing: EMQX waits 5 seconds at most.
const STRAGGLER_TIME_MAX: Duration = Duration::from_secs(5);

/// EMQX's client sends a request at most this often.
const SENT_TIMES_MAX: u32 = 3;

/// A connection can be made again within this time.
const RECONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// The loop looks at the time at least this often.
const LOOK_EVERY_NS: u64 = 20_000_000;

struct Driver<'a> {
    plan: &'a Plan<'a>,
    epoll: OwnedFd,
    connections: Vec<Connection<'a>>,
    watched_for_room: Vec<bool>,
    start: Instant,
    phase: Phase,
    phase_start_ns: u64,
    answers: u64,
    seen: Seen,
    own: Clock,
    cpu_before: (f64, f64),
}

/// Runs the plan on the calling thread.
pub(super) fn drive(plan: &Plan<'_>) -> anyhow::Result<Vec<Seen>> {
    if let Some(cpu) = plan.cpu {
        affinity::pin_to(cpu)?;
    }
    let mut random = SplitMix::new(plan.seed);
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).context("epoll_create1")?;
    let mut connections = Vec::with_capacity(plan.connections);
    for index in 0..plan.connections {
        let stream = connect(plan).with_context(|| format!("connecting to {}", plan.address))?;
        watch(&epoll, &stream, index)?;
        let first = random.below(plan.requests.len());
        connections.push(Connection::new(stream, plan.requests, first));
    }
    let first = *plan.phases.first().context("a plan has a phase")?;
    let mut driver = Driver {
        plan,
        epoll,
        watched_for_room: vec![false; connections.len()],
        connections,
        start: Instant::now(),
        phase: first,
        phase_start_ns: 0,
        answers: 0,
        seen: Seen::new(),
        own: Clock::of_this_process(),
        cpu_before: (0.0, 0.0),
    };
    let mut seen = Vec::with_capacity(plan.phases.len());
    for (number, phase) in plan.phases.iter().enumerate() {
        let last = number + 1 == plan.phases.len();
        driver.begin(*phase);
        driver.run(&mut random, last)?;
        seen.push(driver.end());
    }
    Ok(seen)
}

fn connect(plan: &Plan<'_>) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&plan.address, RECONNECT_TIME_MAX)?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

fn watch(epoll: &OwnedFd, stream: &TcpStream, index: usize) -> anyhow::Result<()> {
    let data = epoll::EventData::new_u64(index as u64);
    epoll::add(epoll, stream, data, EventFlags::IN).context("epoll_ctl")
}

impl Driver<'_> {
    fn begin(&mut self, phase: Phase) {
        self.phase = phase;
        self.phase_start_ns = self.now();
        self.cpu_before = self.cpu();
        self.seen = Seen::new();
    }

    fn end(&mut self) -> Seen {
        let (own, server) = self.cpu();
        let mut seen = std::mem::replace(&mut self.seen, Seen::new());
        seen.generator_cpu = own - self.cpu_before.0;
        seen.server_cpu = server - self.cpu_before.1;
        seen
    }

    fn cpu(&self) -> (f64, f64) {
        let server = self.plan.server.map(Clock::seconds);
        (self.own.seconds(), server.unwrap_or_default())
    }

    fn now(&self) -> u64 {
        nanos(self.start.elapsed())
    }

    #[expect(clippy::cast_precision_loss, reason = "a run lasts minutes")]
    fn run(&mut self, random: &mut SplitMix, last: bool) -> anyhow::Result<()> {
        let from = self.phase_start_ns;
        let to = from + nanos(self.phase.lasts);
        let mut pacer = match self.phase.arrival {
            Arrival::Closed { .. } => None,
            Arrival::Open { per_second, .. } => Some(Pacer::new(per_second, random.next())),
        };
        if pacer.is_none() {
            for index in 0..self.connections.len() {
                if self.connections[index].in_flight.is_empty() {
                    self.burst(index)?;
                }
            }
        }
        let mut ended = None;
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            let now = self.now();
            let mut wait_ns = LOOK_EVERY_NS;
            if let Some(pacer) = pacer.as_mut().filter(|_| ended.is_none()) {
                // However late this looks: what was due before the end is offered.
                self.offer_what_is_due(pacer, random, now.min(to))?;
                wait_ns = (from + pacer.next_ns()).saturating_sub(self.now());
            }
            if ended.is_none() && (now >= to || self.plan.stop.load(Ordering::Relaxed)) {
                ended = Some(now);
                self.seen.seconds = (now - from) as f64 / 1e9;
                // Whoever waited for a place has given up by the time there is one.
                for connection in &mut self.connections {
                    self.seen.unsent += connection.waiting.len() as u64;
                    connection.waiting.clear();
                }
            }
            if let Some(ended) = ended {
                wait_ns = LOOK_EVERY_NS;
                let in_flight: usize = self.connections.iter().map(|c| c.in_flight.len()).sum();
                if !last || in_flight == 0 {
                    return Ok(());
                }
                if now > ended + nanos(STRAGGLER_TIME_MAX) {
                    self.seen.failed += in_flight as u64;
                    return Ok(());
                }
            }
            events.clear();
            let timeout = Timespec {
                tv_sec: 0,
                tv_nsec: i64::try_from(wait_ns.min(LOOK_EVERY_NS)).expect("below a second"),
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
                self.happened(index, event.flags, ended.is_none())?;
            }
        }
    }

    /// Gives every request whose time has come to a connection chosen at random, as EMQX does.
    fn offer_what_is_due(
        &mut self,
        pacer: &mut Pacer,
        random: &mut SplitMix,
        now: u64,
    ) -> anyhow::Result<()> {
        let mut touched = vec![false; self.connections.len()];
        let mut any = false;
        while let Some(after_start) = pacer.due(now - self.phase_start_ns) {
            let intended = self.phase_start_ns + after_start;
            self.seen
                .lateness
                .saturating_record((now - intended).max(1));
            self.seen.offered += 1;
            let index = random.below(self.connections.len());
            self.connections[index].waiting.push_back(intended);
            (touched[index], any) = (true, true);
        }
        if any {
            for (index, touched) in touched.into_iter().enumerate() {
                if touched {
                    self.send(index)?;
                }
            }
        }
        Ok(())
    }

    fn burst(&mut self, index: usize) -> anyhow::Result<()> {
        let now = self.now();
        let depth = self.phase.arrival.depth();
        let waiting = &mut self.connections[index].waiting;
        waiting.extend(std::iter::repeat_n(now, depth));
        self.seen.offered += depth as u64;
        self.send(index)
    }

    fn send(&mut self, index: usize) -> anyhow::Result<()> {
        let now = self.now();
        let depth = self.phase.arrival.depth();
        match self.connections[index].send(depth, now) {
            State::Open => self.watch_for_room(index),
            State::Closed => self.reconnect(index),
        }
    }

    fn happened(&mut self, index: usize, flags: EventFlags, running: bool) -> anyhow::Result<()> {
        if flags.contains(EventFlags::OUT) {
            match self.connections[index].flush() {
                State::Open => self.watch_for_room(index)?,
                State::Closed => return self.reconnect(index),
            }
        }
        if !flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            return Ok(());
        }
        if self.receive(index)? == State::Closed {
            return self.reconnect(index);
        }
        match self.phase.arrival {
            Arrival::Open { .. } => self.send(index),
            Arrival::Closed { .. } => {
                if running && self.connections[index].in_flight.is_empty() {
                    self.burst(index)?;
                }
                Ok(())
            }
        }
    }

    fn receive(&mut self, index: usize) -> anyhow::Result<State> {
        let now = self.now();
        let requests = self.plan.requests;
        let (seen, answers) = (&mut self.seen, &mut self.answers);
        let ms = usize::try_from((now - self.phase_start_ns) / 1_000_000).unwrap_or(usize::MAX);
        let received = self.connections[index].receive(|sent: Sent, body| {
            *answers += 1;
            let verdict = judge(requests, sent.index, body, *answers)?;
            let since_written = now.saturating_sub(sent.written_ns).max(1);
            let since_intended = now.saturating_sub(sent.intended_ns).max(1);
            seen.latency.saturating_record(since_intended);
            match verdict {
                Verdict::Allowed => {
                    seen.allowed += 1;
                    seen.allow_latency.saturating_record(since_written);
                }
                Verdict::Denied => seen.denied += 1,
                Verdict::Shed => {
                    seen.shed += 1;
                    seen.shed_latency.saturating_record(since_written);
                    if seen.shed_by_ms.len() <= ms {
                        seen.shed_by_ms.resize(ms + 1, 0);
                    }
                    seen.shed_by_ms[ms] += 1;
                }
                Verdict::WrongAllow => seen.wrong_allows += 1,
                Verdict::OutOfOrder => seen.out_of_order += 1,
            }
            Ok(())
        });
        received.map_err(|what| {
            anyhow!(what).context(format!("{} answered wrongly", self.plan.address))
        })
    }

    /// Makes a closed connection again, and sends again what was in flight on it.
    fn reconnect(&mut self, index: usize) -> anyhow::Result<()> {
        let begun = Instant::now();
        let stream = loop {
            match connect(self.plan) {
                Ok(stream) => break stream,
                Err(error) => {
                    self.seen.refused += 1;
                    if begun.elapsed() > RECONNECT_TIME_MAX {
                        return Err(error).context("connecting again");
                    }
                    load::wait_until(Instant::now() + Duration::from_millis(1));
                }
            }
        };
        watch(&self.epoll, &stream, index)?;
        self.watched_for_room[index] = false;
        let now = self.now();
        let (repeated, failed) = self.connections[index].renew(stream, now, SENT_TIMES_MAX);
        self.seen.reconnects += 1;
        self.seen.repeated += repeated;
        self.seen.failed += failed;
        // A stream that is closed at once is noticed by the next event on it.
        let _ = self.connections[index].flush();
        self.watch_for_room(index)
    }

    /// Watches for room only while something waits for it.
    fn watch_for_room(&mut self, index: usize) -> anyhow::Result<()> {
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
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
