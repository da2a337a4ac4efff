//! One kind of request: the service and pgbench in alternation.

use std::time::Duration;

use serde_json::json;

use super::pgbench::Pgbench;
use super::record::record;
use super::script::script;
use super::stack::Stack;
use super::traffic::{CONNECTIONS, Traffic};
use super::{Figures, rounded};
use crate::load::{self, Arrival, Dial, Plan, fetch};
use crate::machine;
use crate::report::say;
use crate::statistics::Spread;

/// A round that says nothing of the service is made again so often before it is left out.
const ATTEMPTS: usize = 3;

/// Threads of the generator.
const THREADS: usize = 1;

/// A pgbench thread that is busy for more than this share of the time is at its limit.
const BUSY_MAX: f64 = 0.95;

/// A kind of request with the figures of its rounds.
#[derive(Debug)]
pub(super) struct Cell {
    traffic: Traffic,
    pgbench: Pgbench,
    statements: usize,
    ratios: Vec<f64>,
    per_second: Vec<f64>,
    pgbench_per_second: Vec<f64>,
    p99_ms: Vec<f64>,
    service_us: Vec<f64>,
    database_us: Vec<f64>,
    generator_us: Vec<f64>,
    pgbench_us: Vec<f64>,
    pgbench_database_us: Vec<f64>,
    pgbench_cpu: f64,
    refused: Vec<String>,
}

impl Cell {
    /// Records what each asker's request takes, and writes the scripts.
    pub(super) fn new(stack: &Stack, traffic: Traffic) -> anyhow::Result<Self> {
        let mut scripts = Vec::new();
        let mut statements = 0;
        for (index, (one, drawn)) in traffic.askers.iter().enumerate() {
            let recorded = record(&stack.database.log, || fetch(stack.api, one).map(drop))?;
            statements = recorded.len();
            scripts.push(script(&format!("o{index}"), &recorded, drawn)?);
        }
        Ok(Self {
            pgbench: Pgbench::new(stack, traffic.name, &scripts)?,
            traffic,
            statements,
            ratios: Vec::new(),
            per_second: Vec::new(),
            pgbench_per_second: Vec::new(),
            p99_ms: Vec::new(),
            service_us: Vec::new(),
            database_us: Vec::new(),
            generator_us: Vec::new(),
            pgbench_us: Vec::new(),
            pgbench_database_us: Vec::new(),
            pgbench_cpu: 0.0,
            refused: Vec::new(),
        })
    }

    pub(super) fn is_write(&self) -> bool {
        self.traffic.is_write
    }

    /// CPU seconds of all runs of pgbench.
    pub(super) fn pgbench_cpu(&self) -> f64 {
        self.pgbench_cpu
    }

    /// Measures both once, the one that comes first in turn. One in which a generator was the limit is
    /// made again, and after three attempts left out.
    pub(super) fn round(
        &mut self,
        stack: &Stack,
        measure: Duration,
        round: usize,
    ) -> anyhow::Result<()> {
        for attempt in 0..ATTEMPTS {
            let pgbench_first = !round.is_multiple_of(2);
            let mut pgbench = None;
            if pgbench_first {
                stack.settle()?;
                pgbench = Some(self.pgbench.run(stack, measure, round)?);
            }
            stack.settle()?;
            let http = self.http(stack, measure, round)?;
            let pgbench = match pgbench {
                Some(pgbench) => pgbench,
                None => {
                    stack.settle()?;
                    self.pgbench.run(stack, measure, round)?
                }
            };
            self.pgbench_cpu += pgbench.own_seconds;
            let refusal = match http.refusal {
                None if pgbench.busy > BUSY_MAX => Some("pgbench was at its limit".to_owned()),
                refusal => refusal,
            };
            if let Some(refusal) = refusal {
                say(&format!(
                    "{} attempt {attempt}: {refusal}",
                    self.traffic.name
                ));
                self.refused.push(refusal);
                continue;
            }
            say(&format!(
                "{} round {round}: {:.0}/s, pgbench {:.0}/s",
                self.traffic.name, http.per_second, pgbench.per_second
            ));
            self.ratios.push(http.per_second / pgbench.per_second);
            self.per_second.push(http.per_second);
            self.pgbench_per_second.push(pgbench.per_second);
            self.p99_ms.push(http.p99_ms);
            self.service_us.push(http.service_us);
            self.database_us.push(http.database_us);
            self.generator_us.push(http.generator_us);
            self.pgbench_us.push(pgbench.own_us);
            self.pgbench_database_us.push(pgbench.database_us);
            return Ok(());
        }
        Ok(())
    }

    fn http(&self, stack: &Stack, measure: Duration, round: usize) -> anyhow::Result<Http> {
        let plan = Plan {
            address: stack.api,
            dial: Dial::default(),
            requests: &self.traffic.requests,
            expect: &self.traffic.expect,
            arrival: Arrival::Closed { depth: 1 },
            connections: CONNECTIONS,
            threads: THREADS,
            warm_up: Duration::from_millis(500),
            measure,
            seed: round as u64 + 1,
        };
        let (service, both) = (stack.service_clock(), stack.clock());
        let before = (service.seconds(), both.seconds());
        let outcome = load::run(&plan, Some(&both))?;
        let used = (service.seconds() - before.0, both.seconds() - before.1);
        // The whole run divides the measured part of it between the two.
        let share = used.0 / used.1.max(f64::EPSILON);
        let both_us = outcome.server_us().unwrap_or_default();
        Ok(Http {
            per_second: outcome.rate(),
            p99_ms: outcome.latency_ms(0.99),
            service_us: both_us * share,
            database_us: both_us * (1.0 - share),
            generator_us: outcome.generator_us(),
            refusal: load::judge(&plan, &outcome, machine::cores())
                .err()
                .map(|refusal| refusal.to_string()),
        })
    }

    /// The median of the rounds' ratios.
    pub(super) fn ratio(&self) -> Option<f64> {
        Spread::of(self.ratios.iter().copied()).map(|spread| spread.median)
    }

    /// Notes the figures; the ratio is refused if most rounds were.
    pub(super) fn note(&self, found: &mut Figures, rounds: usize) {
        let name = self.traffic.name;
        let ratio = format!("{name}_vs_pgbench");
        if self.ratios.len() * 2 <= rounds {
            found.refused.push(ratio);
            return;
        }
        found.spread(&ratio, &self.ratios);
        for (suffix, values) in [
            ("per_s", &self.per_second),
            ("pgbench_per_s", &self.pgbench_per_second),
            ("p99_ms", &self.p99_ms),
            ("service_us", &self.service_us),
            ("database_us", &self.database_us),
            ("generator_us", &self.generator_us),
            ("pgbench_us", &self.pgbench_us),
            ("pgbench_database_us", &self.pgbench_database_us),
        ] {
            found.spread(&format!("{name}_{suffix}"), values);
        }
        found.note(&format!("{name}_statements"), json!(self.statements));
    }

    pub(super) fn line(&self) -> String {
        let middle = |values: &[f64]| {
            let spread = Spread::of(values.iter().copied());
            spread.map_or_else(|| "-".to_owned(), |s| rounded(s.median).to_string())
        };
        format!(
            "{:<12} {} of pgbench: {}/s and {}/s; CPU us each: service {}, its database {}, generator {}; \
             pgbench {}, its database {}; {} statements",
            self.traffic.name,
            middle(&self.ratios),
            middle(&self.per_second),
            middle(&self.pgbench_per_second),
            middle(&self.service_us),
            middle(&self.database_us),
            middle(&self.generator_us),
            middle(&self.pgbench_us),
            middle(&self.pgbench_database_us),
            self.statements,
        )
    }
}

/// What one half of a round found of the service.
struct Http {
    per_second: f64,
    p99_ms: f64,
    service_us: f64,
    database_us: f64,
    generator_us: f64,
    refusal: Option<String>,
}
