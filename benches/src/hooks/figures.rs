//! The figures that the targets are set for, by name. A figure that lacks a measurement is null.

use serde_json::{Map, Value, json};

use super::DEPTH;
use super::cell::{Cell, Subject};
use crate::fleet::Kind;
use crate::load::Outcome;
use crate::report::rounded;
use crate::statistics::Spread;

/// The p99 at half of the maximum rate may always be this high, milliseconds (design section 9).
const P99_MS: f64 = 1.0;

/// A ratio of the rounds of two cells.
struct Ratio {
    name: &'static str,
    kind: Kind,
    depth: usize,
    beside: Subject,
    of: fn(&Outcome) -> Option<f64>,
    /// The target, and whether less is better.
    target: Option<(f64, bool)>,
}

const RATIOS: &[Ratio] = &[
    Ratio {
        name: "authn_pipelined_vs_nginx",
        kind: Kind::AuthnCertificate,
        depth: DEPTH,
        beside: Subject::Nginx,
        of: rate,
        target: Some((1.8, false)),
    },
    Ratio {
        name: "authn_single_vs_nginx",
        kind: Kind::AuthnCertificate,
        depth: 1,
        beside: Subject::Nginx,
        of: rate,
        target: Some((0.85, false)),
    },
    Ratio {
        name: "authz_pipelined_vs_nginx",
        kind: Kind::Authz,
        depth: DEPTH,
        beside: Subject::Nginx,
        of: rate,
        target: Some((1.8, false)),
    },
    Ratio {
        name: "authn_cpu_vs_nginx",
        kind: Kind::AuthnCertificate,
        depth: DEPTH,
        beside: Subject::Nginx,
        of: Outcome::server_us,
        target: Some((0.55, true)),
    },
    Ratio {
        name: "authn_cpu_vs_hyper_constant",
        kind: Kind::AuthnCertificate,
        depth: DEPTH,
        beside: Subject::Constant,
        of: Outcome::server_us,
        target: Some((2.5, true)),
    },
    Ratio {
        name: "authz_cpu_vs_nginx",
        kind: Kind::Authz,
        depth: DEPTH,
        beside: Subject::Nginx,
        of: Outcome::server_us,
        target: Some((0.55, true)),
    },
    Ratio {
        name: "authz_cpu_vs_hyper_constant",
        kind: Kind::Authz,
        depth: DEPTH,
        beside: Subject::Constant,
        of: Outcome::server_us,
        target: Some((2.5, true)),
    },
    Ratio {
        name: "authn_pipelined_vs_floor",
        kind: Kind::AuthnCertificate,
        depth: DEPTH,
        beside: Subject::Floor,
        of: rate,
        target: None,
    },
];

#[expect(
    clippy::unnecessary_wraps,
    reason = "one shape for all that is taken of a round"
)]
fn rate(outcome: &Outcome) -> Option<f64> {
    Some(outcome.rate())
}

/// The figures of one run.
pub(super) fn figures(cells: &[Cell], refused: &[(String, String)]) -> Value {
    let (mut figures, mut spreads, mut missed) = (Map::new(), Map::new(), Vec::new());
    for ratio in RATIOS {
        let find = |subject| {
            let is = |cell: &&Cell| cell.is(subject, ratio.kind, ratio.depth);
            cells.iter().find(is)
        };
        let spread = find(Subject::Hooks)
            .zip(find(ratio.beside))
            .and_then(|(hooks, peer)| paired(hooks, peer, ratio.of));
        note(&mut figures, &mut spreads, ratio.name, spread);
        if let (Some(spread), Some((target, less))) = (spread, ratio.target)
            && (if less {
                spread.median > target
            } else {
                spread.median < target
            })
        {
            missed.push(ratio.name);
        }
    }
    let half = |subject| {
        let cell = |cell: &&Cell| cell.is_at_load(subject, Kind::AuthnCertificate, 50);
        let cell = cells.iter().find(cell)?;
        Spread::of(cell.each(|outcome| Some(outcome.latency_ms(0.99))))
    };
    let (hooks, nginx) = (half(Subject::Hooks), half(Subject::Nginx));
    note(&mut figures, &mut spreads, "p99_half_load_ms", hooks);
    note(&mut figures, &mut spreads, "p99_half_load_nginx_ms", nginx);
    let ok = hooks
        .zip(nginx)
        .map(|(hooks, nginx)| p99_ok(hooks.median, nginx.median));
    if ok == Some(false) {
        missed.push("p99_ok");
    }
    figures.insert("p99_ok".to_owned(), json!(ok));
    let rounds = cells.iter().filter(|cell| cell.load.is_none());
    let rounds = rounds.map(|cell| cell.samples.len()).min();
    figures.insert("rounds".to_owned(), json!(rounds));
    figures.insert("spread".to_owned(), Value::Object(spreads));
    figures.insert("missed".to_owned(), json!(missed));
    let refused: Vec<_> = refused
        .iter()
        .map(|(name, reason)| json!([name, reason]))
        .collect();
    figures.insert("refused".to_owned(), json!(refused));
    figures.insert("wrong_answers".to_owned(), json!(0)); // One would have ended the run.
    figures.insert("servers".to_owned(), servers(cells));
    Value::Object(figures)
}

/// The ratios of the rounds in which both were measured.
fn paired(one: &Cell, other: &Cell, of: fn(&Outcome) -> Option<f64>) -> Option<Spread> {
    let rounds = one.samples.iter().zip(&other.samples);
    Spread::of(rounds.filter_map(|(one, other)| {
        let (one, other) = (of(one.as_ref()?)?, of(other.as_ref()?)?);
        (other > 0.0).then_some(one / other)
    }))
}

/// Design section 9: at most twice nginx's, or a millisecond.
fn p99_ok(hooks_ms: f64, nginx_ms: f64) -> bool {
    hooks_ms <= (2.0 * nginx_ms).max(P99_MS)
}

fn note(
    figures: &mut Map<String, Value>,
    spreads: &mut Map<String, Value>,
    name: &str,
    spread: Option<Spread>,
) {
    let median = spread.map_or(Value::Null, |spread| rounded(spread.median));
    figures.insert(name.to_owned(), median);
    let range = spread.map(|spread| json!([rounded(spread.low), rounded(spread.high)]));
    spreads.insert(name.to_owned(), json!(range));
}

/// Rate and CPU of every measurement, medians.
fn servers(cells: &[Cell]) -> Value {
    let median = |values| Spread::of(values).map(|spread| rounded(spread.median));
    let of = |cell: &Cell| {
        json!({
            "per_second": median(cell.rates()),
            "server_us": median(cell.each(Outcome::server_us)),
            "generator_us": median(cell.each(|outcome| Some(outcome.generator_us()))),
            "p50_ms": median(cell.each(|outcome| Some(outcome.latency_ms(0.5)))),
            "p99_ms": median(cell.each(|outcome| Some(outcome.latency_ms(0.99)))),
        })
    };
    Value::Object(cells.iter().map(|cell| (cell.name(), of(cell))).collect())
}

#[cfg(test)]
mod tests {
    use super::super::cell;
    use super::*;
    use crate::load::histogram;

    #[expect(clippy::unnecessary_wraps, reason = "the shape of a round's outcome")]
    fn outcome(answers: u64, server_cpu: f64) -> Option<Outcome> {
        let mut latency = histogram();
        latency.record(2_000_000).unwrap();
        Some(Outcome {
            answers,
            seconds: 1.0,
            latency,
            lateness: histogram(),
            priority: crate::load::Priority::Normal,
            generator_cpu: 0.1,
            server_cpu: Some(server_cpu),
        })
    }

    fn cells() -> Vec<Cell> {
        let mut cells = cell::closed(true, &[Subject::OtherHooks]);
        cells.append(&mut cell::open(true, Some(1000.0), None, &[]));
        for cell in &mut cells {
            let (answers, cpu) = match cell.subject {
                Subject::Hooks => (300, 0.5),
                _ => (100, 1.0),
            };
            // The third round is ten times slower for everybody.
            cell.samples = vec![
                outcome(answers, cpu),
                outcome(answers, cpu),
                outcome(answers / 10, cpu),
            ];
        }
        cells
    }

    #[test]
    fn every_figure_that_the_targets_name_is_there() {
        let figures = figures(&cells(), &[]);
        for name in [
            "authn_pipelined_vs_nginx",
            "authn_single_vs_nginx",
            "authz_pipelined_vs_nginx",
            "authn_pipelined_vs_floor",
        ] {
            assert_eq!(figures[name], 3.0, "{name}");
            assert_eq!(figures["spread"][name], json!([3.0, 3.0]), "{name}");
        }
        // Half the CPU for three times the answers.
        for name in ["authn_cpu_vs_nginx", "authn_cpu_vs_hyper_constant"] {
            assert_eq!(figures[name], 0.167, "{name}");
        }
        let p99 = figures["p99_half_load_ms"].as_f64().unwrap();
        assert!((1.99..2.01).contains(&p99));
        assert_eq!(figures["p99_ok"], true);
        assert_eq!(figures["rounds"], 3);
        assert_eq!(figures["missed"], json!([]));
    }

    #[test]
    fn a_figure_without_its_peer_is_null_and_never_zero() {
        let mut cells = cells();
        cells.retain(|cell| cell.subject != Subject::Nginx);
        let refused = [("everything beside nginx".to_owned(), "not found".to_owned())];
        let figures = figures(&cells, &refused);
        for name in [
            "authn_pipelined_vs_nginx",
            "authn_cpu_vs_nginx",
            "p99_ok",
            "p99_half_load_nginx_ms",
        ] {
            assert_eq!(figures[name], Value::Null, "{name}");
        }
        assert_eq!(figures["authn_cpu_vs_hyper_constant"], 0.167);
        assert_eq!(figures["refused"][0][1], "not found");
    }

    #[test]
    fn a_refused_round_counts_for_neither_side() {
        let mut cells = cells();
        for cell in &mut cells {
            if cell.subject == Subject::Nginx {
                cell.samples[0] = None;
                cell.samples[1] = outcome(50, 1.0);
            }
        }
        let figures = figures(&cells, &[]);
        assert_eq!(
            figures["spread"]["authn_pipelined_vs_nginx"],
            json!([3.0, 6.0])
        );
    }

    #[test]
    fn a_missed_target_is_named() {
        let mut cells = cells();
        for cell in cells
            .iter_mut()
            .filter(|cell| cell.subject == Subject::Hooks)
        {
            cell.samples = vec![outcome(100, 1.0)];
        }
        let missed = figures(&cells, &[])["missed"].clone();
        assert!(
            missed
                .as_array()
                .unwrap()
                .contains(&json!("authn_pipelined_vs_nginx"))
        );
        assert!(
            missed
                .as_array()
                .unwrap()
                .contains(&json!("authn_cpu_vs_nginx"))
        );
        assert!(
            !missed
                .as_array()
                .unwrap()
                .contains(&json!("authn_single_vs_nginx"))
        );
    }

    #[test]
    fn the_tail_is_judged_by_nginx_or_by_a_millisecond() {
        assert!(p99_ok(0.9, 0.1) && p99_ok(3.9, 2.0));
        assert!(!p99_ok(1.1, 0.1) && !p99_ok(4.1, 2.0));
    }
}
