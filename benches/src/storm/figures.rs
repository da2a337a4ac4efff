//! The figures of a storm by name, and the table that people read. What lacks a measurement is null.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::comparison::{Authentication, Comparison, Side};
use super::outcome::Outcome;
use crate::report::rounded;
use crate::statistics::Spread;

/// The hook may take this share of the broker's CPU for each connect (design section 9) ...
const CPU_SHARE_MAX: f64 = 0.05;
/// ... or else the rate with it must be at least this share of the rate without authentication.
const RATE_SHARE_MIN: f64 = 0.9;

/// Adds the figures of one broker, each with the comparison's prefix.
pub(super) fn add(figures: &mut Map<String, Value>, comparison: &Comparison) {
    let mut note = |name: &str, value: Value| {
        figures.insert(format!("{}{name}", comparison.prefix), value);
    };
    let side = |way| comparison.side(way);
    let (nobody, hook) = (side(Authentication::Nobody), side(Authentication::Hook));
    let floor = side(Authentication::Floor);
    let versus = |beside: Option<&Side>| {
        let (hook, beside) = hook.zip(beside)?;
        paired(hook, beside, |outcome| Some(outcome.rate()))
    };
    let rate = versus(nobody);
    note("connects_vs_noauth", median(rate));
    note("connects_vs_noauth_spread", range(rate));
    if side(Authentication::BuiltIn).is_some() {
        let rate = versus(side(Authentication::BuiltIn));
        note("connects_vs_builtin", median(rate));
        note("connects_vs_builtin_spread", range(rate));
    }
    let share = |outcome: &Outcome| Some(outcome.hook_us()? / outcome.broker_us()?);
    let shares = |side: Option<&Side>| Spread::of(side?.closed.iter().flatten().filter_map(share));
    let cpu = shares(hook);
    note("hook_cpu_vs_broker_cpu", median(cpu));
    note("hook_cpu_vs_broker_cpu_spread", range(cpu));
    if floor.is_some() {
        // What being asked costs anybody here, and how much more our hook takes than that.
        note("floor_cpu_vs_broker_cpu", median(shares(floor)));
        note("floor_cpu_vs_broker_cpu_spread", range(shares(floor)));
        let more = hook.zip(floor);
        let more = more.and_then(|(hook, floor)| paired(hook, floor, Outcome::hook_us));
        note("hook_cpu_vs_floor", median(more));
        note("hook_cpu_vs_floor_spread", range(more));
    }
    // What the broker itself pays for asking: rendering, HTTP, reading the answer and its rules.
    let asking = hook.zip(nobody);
    let asking = asking.and_then(|(hook, nobody)| paired(hook, nobody, Outcome::broker_us));
    note("broker_cpu_vs_noauth", median(asking));
    note("storm_ok", json!(storm_ok(cpu, rate)));
    // Which of the two targets it rests on.
    note("storm_ok_by_cpu", json!(is_cheap(cpu)));
    note("storm_ok_by_rate", json!(is_fast(rate)));
    for side in &comparison.sides {
        let name = side.way.as_str();
        let of = |of: fn(&Outcome) -> Option<f64>| median(spread(&side.closed, of));
        let rate = spread(&side.closed, |outcome| Some(outcome.rate()));
        note(&format!("{name}_connects_per_s"), median(rate));
        note(&format!("{name}_connects_per_s_spread"), range(rate));
        note(&format!("{name}_broker_us"), of(Outcome::broker_us));
        note(&format!("{name}_hook_us"), of(Outcome::hook_us));
        let own = of(|outcome| Some(outcome.generator_us()));
        note(&format!("{name}_generator_us"), own);
        let half = |quantile: f64| {
            let ms = |outcome: &Outcome| Some(outcome.latency_ms(quantile));
            median(spread(&side.half, ms))
        };
        note(&format!("{name}_half_load_p50_ms"), half(0.5));
        note(&format!("{name}_half_load_p99_ms"), half(0.99));
    }
}

/// Met if either of the two targets is; `None` while neither is met and one is not known.
fn storm_ok(cpu: Option<Spread>, rate: Option<Spread>) -> Option<bool> {
    match (is_cheap(cpu), is_fast(rate)) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

fn is_cheap(cpu: Option<Spread>) -> Option<bool> {
    cpu.map(|cpu| cpu.median <= CPU_SHARE_MAX)
}

fn is_fast(rate: Option<Spread>) -> Option<bool> {
    rate.map(|rate| rate.low >= RATE_SHARE_MIN)
}

fn spread(rounds: &[Option<Outcome>], of: impl Fn(&Outcome) -> Option<f64>) -> Option<Spread> {
    Spread::of(rounds.iter().flatten().filter_map(of))
}

/// The ratios of the rounds that both have.
fn paired(one: &Side, other: &Side, of: impl Fn(&Outcome) -> Option<f64>) -> Option<Spread> {
    let rounds = one.closed.iter().zip(&other.closed);
    let ratio = |(one, other): (&Option<Outcome>, &Option<Outcome>)| {
        Some(of(one.as_ref()?)? / of(other.as_ref()?)?)
    };
    Spread::of(rounds.filter_map(ratio))
}

fn median(spread: Option<Spread>) -> Value {
    spread.map_or(Value::Null, |spread| rounded(spread.median))
}

fn range(spread: Option<Spread>) -> Value {
    spread.map_or(
        Value::Null,
        |spread| json!({ "low": rounded(spread.low), "high": rounded(spread.high) }),
    )
}

/// One line for each way to authenticate: medians of the rounds, the rate with its spread.
pub(super) fn table(comparison: &Comparison) -> String {
    let mut out = format!(
        "\n{:<24} {:>10} {:>17} {:>9} {:>9} {:>9} {:>8} {:>8}\n",
        "broker, authentication",
        "connects/s",
        "lowest to highest",
        "broker us",
        "hook us",
        "gener. us",
        "half p50",
        "half p99",
    );
    let broker = if comparison.prefix.is_empty() {
        "dev-broker"
    } else {
        "EMQX"
    };
    for side in &comparison.sides {
        let name = format!("{broker}, {}", side.way.as_str());
        let Some(rate) = spread(&side.closed, |outcome| Some(outcome.rate())) else {
            writeln!(out, "{name:<24} refused").expect("writing to memory succeeds");
            continue;
        };
        let show = |rounds: &[Option<Outcome>], of: &dyn Fn(&Outcome) -> Option<f64>| {
            spread(rounds, of).map_or_else(|| "-".to_owned(), |all| format!("{:.1}", all.median))
        };
        writeln!(
            out,
            "{name:<24} {:>10.0} {:>8.0} {:>8.0} {:>9} {:>9} {:>9} {:>8} {:>8}",
            rate.median,
            rate.low,
            rate.high,
            show(&side.closed, &Outcome::broker_us),
            show(&side.closed, &Outcome::hook_us),
            show(&side.closed, &|outcome| Some(outcome.generator_us())),
            show(&side.half, &|outcome| Some(outcome.latency_ms(0.5))),
            show(&side.half, &|outcome| Some(outcome.latency_ms(0.99))),
        )
        .expect("writing to memory succeeds");
    }
    out
}

/// Everything about one broker's rounds, for the file.
pub(super) fn details(comparison: &Comparison) -> Value {
    let rounds = |rounds: &[Option<Outcome>]| -> Vec<Value> {
        let all = rounds.iter().map(|outcome| {
            outcome.as_ref().map(|outcome| {
                json!({
                    "connects": outcome.connects, "denied": outcome.denied, "wrong": outcome.wrong,
                    "seconds": rounded(outcome.seconds),
                    "broker_us": outcome.broker_us().map(rounded),
                    "hook_us": outcome.hook_us().map(rounded),
                    "generator_us": rounded(outcome.generator_us()),
                    "generator_late_p99_ms": rounded(outcome.late_p99_ms()),
                    "latency_ns": outcome.latency.iter_recorded()
                        .map(|bucket| json!([
                            bucket.value_iterated_to(), bucket.count_since_last_iteration()
                        ]))
                        .collect::<Vec<_>>(),
                })
            })
        });
        all.map(|round| json!(round)).collect()
    };
    let sides = comparison.sides.iter().map(|side| {
        json!({
            "authentication": side.way.as_str(),
            "closed": rounds(&side.closed), "half_load": rounds(&side.half),
        })
    });
    json!({ "broker": comparison.prefix, "sides": sides.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::super::outcome::tests::outcome;
    use super::*;

    fn comparison(hook: Vec<Option<Outcome>>, nobody: Vec<Option<Outcome>>) -> Comparison {
        let side = |way, closed| Side {
            way,
            closed,
            half: Vec::new(),
        };
        Comparison {
            prefix: "emqx_",
            sides: vec![
                side(Authentication::Nobody, nobody),
                side(Authentication::Hook, hook),
            ],
            refused: Vec::new(),
        }
    }

    #[test]
    fn ratios_are_those_of_the_rounds_and_carry_the_prefix() {
        let round = |connects| Some(outcome(connects, 0.8, 0.032, 0.6));
        let nobody = vec![round(1000), round(1000), None, round(500)];
        let hook = vec![round(900), round(950), round(10), round(500)];
        let mut figures = Map::new();
        add(&mut figures, &comparison(hook, nobody));
        assert_eq!(figures["emqx_connects_vs_noauth"], 0.95);
        assert_eq!(
            figures["emqx_connects_vs_noauth_spread"],
            json!({ "low": 0.9, "high": 1.0 })
        );
        assert_eq!(figures["emqx_hook_cpu_vs_broker_cpu"], 0.04);
        assert_eq!(figures["emqx_storm_ok"], true);
        assert_eq!(figures["emqx_storm_ok_by_cpu"], true);
        assert_eq!(figures["emqx_noauth_connects_per_s"], 1000.0);
        assert!(!figures.contains_key("emqx_connects_vs_builtin"));
        assert!(figures["emqx_hook_half_load_p99_ms"].is_null());
    }

    #[test]
    fn either_target_is_enough_and_ignorance_is_not_a_verdict() {
        let at = |value| {
            Some(Spread {
                median: value,
                low: value,
                high: value,
            })
        };
        for (cpu, rate, expected) in [
            (at(0.05), at(0.5), Some(true)),
            (at(0.06), at(0.9), Some(true)),
            (at(0.06), at(0.89), Some(false)),
            (None, at(0.95), Some(true)),
            (None, at(0.5), None),
            (at(0.06), None, None),
            (None, None, None),
        ] {
            assert_eq!(storm_ok(cpu, rate), expected, "{cpu:?} {rate:?}");
        }
    }

    #[test]
    fn a_refused_side_is_said_and_its_figures_are_null() {
        let comparison = comparison(vec![None], vec![Some(outcome(10, 0.1, 0.0, 0.1))]);
        assert!(table(&comparison).contains("EMQX, hook               refused"));
        let mut figures = Map::new();
        add(&mut figures, &comparison);
        assert!(figures["emqx_connects_vs_noauth"].is_null());
        assert!(figures["emqx_storm_ok"].is_null());
        assert!(details(&comparison)["sides"][1]["closed"][0].is_null());
    }
}
