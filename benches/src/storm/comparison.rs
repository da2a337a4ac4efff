//! The measurements of one broker: rounds that alternate over its ways to authenticate.

use std::time::Duration;

use super::client::Target;
use super::generator::{Arrival, Clocks, Generator, Plan};
use super::outcome::{Outcome, judge};
use crate::machine;
use crate::report::say;
use crate::statistics::Spread;

/// Who decides about a connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Authentication {
    /// Nobody: everybody is let in.
    Nobody,
    /// hook-service, asked over HTTP.
    Hook,
    /// The floor, asked as the hook is: it allows everybody without a look.
    Floor,
    /// EMQX's built-in database.
    BuiltIn,
}

impl Authentication {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Nobody => "noauth",
            Self::Hook => "hook",
            Self::Floor => "floor",
            Self::BuiltIn => "builtin",
        }
    }
}

/// A broker whose way to authenticate can be chosen.
pub(super) trait Broker {
    /// The ways that are compared.
    fn ways(&self) -> &'static [Authentication];
    /// Makes this way the one in force, and says where to connect and which clocks count.
    fn prepare(&mut self, way: Authentication) -> anyhow::Result<(Target, Clocks)>;
}

/// How long and how often.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    pub(super) clients: usize,
    pub(super) rounds: usize,
    /// Rounds of the open loop.
    pub(super) open_rounds: usize,
    pub(super) warm_up: Duration,
    pub(super) measure: Duration,
}

/// One way to authenticate and what it gave, a place for each round; empty where it was refused.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) way: Authentication,
    pub(super) closed: Vec<Option<Outcome>>,
    /// At half of the hook's maximum.
    pub(super) half: Vec<Option<Outcome>>,
}

/// What one broker gave.
#[derive(Debug)]
pub(super) struct Comparison {
    /// Stands before the names of its figures.
    pub(super) prefix: &'static str,
    pub(super) sides: Vec<Side>,
    /// What could not be measured, and why.
    pub(super) refused: Vec<(String, String)>,
}

impl Comparison {
    /// Measures `broker` in closed loop, then at half of the rate that it reached with our hook.
    pub(super) fn measure(
        prefix: &'static str,
        broker: &mut impl Broker,
        generator: &Generator,
        effort: &Effort,
    ) -> anyhow::Result<Self> {
        let side = |way: &Authentication| Side {
            way: *way,
            closed: Vec::new(),
            half: Vec::new(),
        };
        let mut comparison = Self {
            prefix,
            sides: broker.ways().iter().map(side).collect(),
            refused: Vec::new(),
        };
        let clients = effort.clients;
        let closed = |_: usize| Arrival::Closed { clients };
        let run = |side: &mut Side, outcome| side.closed.push(outcome);
        comparison.rounds(broker, generator, effort, effort.rounds, closed, run)?;
        let hook = comparison.side(Authentication::Hook);
        if let Some(half) = hook.and_then(|side| Spread::of(side.rates())) {
            let per_second = half.median / 2.0;
            let open = |round: usize| Arrival::Open {
                per_second,
                seed: round as u64,
            };
            let run = |side: &mut Side, outcome| side.half.push(outcome);
            comparison.rounds(broker, generator, effort, effort.open_rounds, open, run)?;
        }
        Ok(comparison)
    }

    fn rounds(
        &mut self,
        broker: &mut impl Broker,
        generator: &Generator,
        effort: &Effort,
        rounds: usize,
        arrival: impl Fn(usize) -> Arrival,
        keep: impl Fn(&mut Side, Option<Outcome>),
    ) -> anyhow::Result<()> {
        let (mut lost, mut reasons) = (vec![0; self.sides.len()], vec![None; self.sides.len()]);
        for round in 0..rounds {
            let plan = Plan {
                arrival: arrival(round),
                warm_up: effort.warm_up,
                measure: effort.measure,
            };
            for (index, side) in self.sides.iter_mut().enumerate() {
                let (target, clocks) = broker.prepare(side.way)?;
                let outcome = match once_or_twice(generator, &target, &plan, &clocks)? {
                    Ok(outcome) => Some(outcome),
                    Err(reason) => {
                        lost[index] += 1;
                        reasons[index] = Some(reason);
                        None
                    }
                };
                keep(side, outcome);
            }
            let what = match plan.arrival {
                Arrival::Closed { .. } => "closed loop",
                Arrival::Open { .. } => "open loop at half",
            };
            say(&format!(
                "{}{what}, round {} of {rounds}",
                self.prefix,
                round + 1
            ));
        }
        let what = match arrival(0) {
            Arrival::Closed { .. } => "closed",
            Arrival::Open { .. } => "half load",
        };
        for (side, (lost, reason)) in self.sides.iter_mut().zip(lost.into_iter().zip(reasons)) {
            if let Some(reason) = reason.filter(|_| lost * 2 > rounds) {
                let name = format!("{}{}, {what}", self.prefix, side.way.as_str());
                self.refused.push((name, reason));
                let kept = match arrival(0) {
                    Arrival::Closed { .. } => &mut side.closed,
                    Arrival::Open { .. } => &mut side.half,
                };
                kept.fill_with(|| None);
            }
        }
        Ok(())
    }

    /// The side with this way, if it was measured.
    pub(super) fn side(&self, way: Authentication) -> Option<&Side> {
        self.sides.iter().find(|side| side.way == way)
    }

    /// Wrong answers of all rounds that were kept.
    pub(super) fn wrong(&self) -> u64 {
        let outcomes = |side: &Side| {
            let all = side.closed.iter().chain(&side.half).flatten();
            all.map(|outcome| outcome.wrong).sum::<u64>()
        };
        self.sides.iter().map(outcomes).sum()
    }
}

/// A round that the generator could not keep is repeated once.
fn once_or_twice(
    generator: &Generator,
    target: &Target,
    plan: &Plan,
    clocks: &Clocks,
) -> anyhow::Result<Result<Outcome, String>> {
    let mut reason = String::new();
    for _ in 0..2 {
        let outcome = generator.run(target, plan, clocks)?;
        match judge(plan.arrival, &outcome, generator.threads, machine::cores()) {
            Ok(()) => return Ok(Ok(outcome)),
            // A wrong answer counts whatever the generator did.
            Err(_) if outcome.wrong > 0 => return Ok(Ok(outcome)),
            Err(refusal) => reason = refusal.to_string(),
        }
    }
    Ok(Err(reason))
}

impl Side {
    /// Connects in a second of every closed round that counts.
    pub(super) fn rates(&self) -> Vec<f64> {
        self.closed.iter().flatten().map(Outcome::rate).collect()
    }
}
