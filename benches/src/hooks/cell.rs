//! What is measured: one server, one kind of request, one way of arriving.

use serde_json::{Value, json};

use super::{DEPTH, OPEN_DEPTH};
use crate::fleet::Kind;
use crate::load::{Arrival, Outcome};
use crate::report::rounded;

/// The server that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// hook-service.
    Hooks,
    /// hook-service of another build.
    OtherHooks,
    /// hook-service with TLS and a client certificate.
    HooksTls,
    /// nginx with a constant.
    Nginx,
    /// The same hyper stack with a constant.
    Constant,
    /// The least that one can do.
    Floor,
}

impl Subject {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Hooks => "hook-service",
            Self::OtherHooks => "hook-service, other build",
            Self::HooksTls => "hook-service, TLS",
            Self::Nginx => "nginx, constant",
            Self::Constant => "hyper, constant",
            Self::Floor => "no-op server",
        }
    }
}

/// One measurement with the outcome of each of its rounds.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) subject: Subject,
    pub(super) kind: Kind,
    pub(super) arrival: Arrival,
    /// Share of the maximum, percent; of open ones only.
    pub(super) load: Option<u32>,
    /// One for each round; `None` where the generator could not keep up.
    pub(super) samples: Vec<Option<Outcome>>,
    /// Why the last refused round was refused.
    pub(super) refusal: Option<String>,
}

impl Cell {
    fn new(subject: Subject, kind: Kind, arrival: Arrival, load: Option<u32>) -> Self {
        Self {
            subject,
            kind,
            arrival,
            load,
            samples: Vec::new(),
            refusal: None,
        }
    }

    /// Whether this is the closed measurement of this server, kind and depth.
    pub(super) fn is(&self, subject: Subject, kind: Kind, depth: usize) -> bool {
        self.subject == subject && self.kind == kind && self.arrival == Arrival::Closed { depth }
    }

    /// Whether this is the open measurement of this server and kind at this share of the maximum.
    pub(super) fn is_at_load(&self, subject: Subject, kind: Kind, load: u32) -> bool {
        self.subject == subject && self.kind == kind && self.load == Some(load)
    }

    /// Answers per second of the rounds that count.
    pub(super) fn rates(&self) -> Vec<f64> {
        self.samples.iter().flatten().map(Outcome::rate).collect()
    }

    /// Something of every round that counts.
    pub(super) fn each(&self, of: impl Fn(&Outcome) -> Option<f64>) -> Vec<f64> {
        self.samples.iter().flatten().filter_map(of).collect()
    }

    pub(super) fn name(&self) -> String {
        let arrival = match (self.arrival, self.load) {
            (Arrival::Closed { depth }, _) => format!("{depth} deep"),
            (Arrival::Open { .. }, Some(load)) => format!("at {load} %"),
            (Arrival::Open { per_second, .. }, None) => format!("at {per_second:.0}/s"),
        };
        format!(
            "{}, {}, {arrival}",
            self.subject.as_str(),
            self.kind.as_str()
        )
    }

    /// Everything about it, with a histogram of all rounds: pairs of nanoseconds and count.
    pub(super) fn to_json(&self) -> Value {
        let mut all = crate::load::histogram();
        for sample in self.samples.iter().flatten() {
            all += &sample.latency;
        }
        let histogram: Vec<(u64, u64)> = all
            .iter_recorded()
            .map(|step| (step.value_iterated_to(), step.count_at_value()))
            .collect();
        let rounds = self.samples.iter().map(|sample| {
            sample.as_ref().map(|sample| {
                json!({
                    "per_second": rounded(sample.rate()),
                    "server_us": sample.server_us().map(rounded),
                    "generator_us": rounded(sample.generator_us()),
                    "p50_ms": rounded(sample.latency_ms(0.5)),
                    "p99_ms": rounded(sample.latency_ms(0.99)),
                    "generator_late_p99_ms": rounded(sample.late_p99_ms()),
                    "generator_priority": sample.priority.as_str(),
                })
            })
        });
        json!({
            "name": self.name(), "refusal": self.refusal,
            "intended_per_second": match self.arrival {
                Arrival::Open { per_second, .. } => rounded(per_second),
                Arrival::Closed { .. } => Value::Null,
            },
            "rounds": rounds.collect::<Vec<_>>(), "latency_ns_counts": histogram,
        })
    }
}

/// The closed measurements, in the order of one round.
pub(super) fn closed(quick: bool, missing: &[Subject]) -> Vec<Cell> {
    use Subject::{Constant, Floor, Hooks, HooksTls, Nginx};
    let all: &[(Kind, usize, &[Subject])] = if quick {
        &[
            (
                Kind::AuthnCertificate,
                DEPTH,
                &[Hooks, Nginx, Constant, Floor, HooksTls],
            ),
            (Kind::AuthnCertificate, 1, &[Hooks, Nginx, Constant]),
            (Kind::AuthnCertificate, 100, &[Hooks, Nginx]),
            (Kind::AuthnPassword, DEPTH, &[Hooks]),
            (Kind::Authz, DEPTH, &[Hooks, Nginx, Constant]),
        ]
    } else {
        &[
            (
                Kind::AuthnCertificate,
                1,
                &[Hooks, Nginx, Constant, Floor, HooksTls],
            ),
            (
                Kind::AuthnCertificate,
                DEPTH,
                &[Hooks, Nginx, Constant, Floor, HooksTls],
            ),
            (
                Kind::AuthnCertificate,
                100,
                &[Hooks, Nginx, Constant, Floor, HooksTls],
            ),
            (Kind::AuthnPassword, 1, &[Hooks, Nginx]),
            (Kind::AuthnPassword, DEPTH, &[Hooks, Nginx]),
            (Kind::AuthnPassword, 100, &[Hooks, Nginx]),
            (Kind::Authz, 1, &[Hooks, Nginx, Constant, Floor]),
            (Kind::Authz, DEPTH, &[Hooks, Nginx, Constant, Floor]),
            (Kind::Authz, 100, &[Hooks, Nginx, Constant, Floor]),
        ]
    };
    let cells = all.iter().flat_map(|(kind, depth, subjects)| {
        let arrival = Arrival::Closed { depth: *depth };
        subjects
            .iter()
            .map(move |subject| Cell::new(*subject, *kind, arrival, None))
    });
    let mut cells: Vec<Cell> = cells.collect();
    // The other build is measured wherever this one is, right after it.
    for index in (0..cells.len()).rev() {
        let cell = &cells[index];
        if cell.subject == Subject::Hooks {
            let other = Cell::new(Subject::OtherHooks, cell.kind, cell.arrival, None);
            cells.insert(index + 1, other);
        }
    }
    cells.retain(|cell| !missing.contains(&cell.subject));
    cells
}

/// The open measurements: shares of the maxima that hook-service showed.
pub(super) fn open(
    quick: bool,
    connects: Option<f64>,
    topics: Option<f64>,
    missing: &[Subject],
) -> Vec<Cell> {
    let loads: &[u32] = if quick { &[50] } else { &[25, 50, 75] };
    let mut kinds = Vec::new();
    kinds.extend(connects.map(|connects| (Kind::AuthnCertificate, connects)));
    if !quick {
        kinds.extend(topics.map(|topics| (Kind::Authz, topics)));
    }
    let mut cells = Vec::new();
    for (kind, maximum) in kinds {
        for load in loads {
            let per_second = maximum * f64::from(*load) / 100.0;
            let arrival = Arrival::Open {
                per_second,
                depth: OPEN_DEPTH,
            };
            for subject in [Subject::Hooks, Subject::Nginx] {
                cells.push(Cell::new(subject, kind, arrival, Some(*load)));
            }
        }
    }
    cells.retain(|cell| !missing.contains(&cell.subject));
    cells
}
