//! Evaluating an expression over what was scraped, as Prometheus does for this part of its language:
//! a comparison keeps the series for which it holds, and an alert fires for each that is kept.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::expression::{Aggregate, Expression, Operator};
use super::history::{History, Labels};

/// What an expression comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Scalar(f64),
    Vector(Vec<(Labels, f64)>),
}

impl Value {
    /// The series that are there: an alert fires for each.
    pub(super) fn series(self) -> Vec<(Labels, f64)> {
        match self {
            Self::Vector(series) => series,
            // A rule of scalars alone has no series; Prometheus refuses it.
            Self::Scalar(_) => Vec::new(),
        }
    }
}

/// When and how fast.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) now: Instant,
    /// The same on the wall.
    pub(super) wall: SystemTime,
    /// Windows are shortened by this.
    pub(super) faster: u32,
}

/// Evaluates.
pub(super) fn evaluate(expression: &Expression, history: &History, moment: Moment) -> Value {
    let window = |window: &Duration| *window / moment.faster;
    match expression {
        Expression::Number(number) => Value::Scalar(*number),
        Expression::Time => {
            let since = moment.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
            Value::Scalar(since.as_secs_f64())
        }
        Expression::Selector(selector) => Value::Vector(history.newest(selector, moment.now)),
        Expression::Increase(selector, over) => {
            Value::Vector(history.increase(selector, window(over), moment.now))
        }
        Expression::Rate(selector, over) => {
            let grown = history.increase(selector, window(over), moment.now);
            let seconds = window(over).as_secs_f64();
            let each = grown
                .into_iter()
                .map(|(labels, value)| (labels, value / seconds));
            Value::Vector(each.collect())
        }
        Expression::Absent(selector) => {
            let absent = history.newest(selector, moment.now).is_empty();
            let equal = selector.matchers.iter().filter(|(_, _, equal)| *equal);
            let labels = equal.map(|(label, value, _)| (label.clone(), value.clone()));
            let one = absent.then(|| (labels.collect(), 1.0));
            Value::Vector(one.into_iter().collect())
        }
        Expression::Scalar(inside) => {
            let mut series = evaluate(inside, history, moment).series();
            let only = (series.len() == 1).then(|| series.remove(0).1);
            Value::Scalar(only.unwrap_or(f64::NAN))
        }
        Expression::Aggregate(aggregate, by, inside) => {
            let series = evaluate(inside, history, moment).series();
            Value::Vector(aggregated(*aggregate, by, series))
        }
        Expression::Binary(operator, left, right) => binary(
            *operator,
            evaluate(left, history, moment),
            evaluate(right, history, moment),
        ),
    }
}

fn aggregated(
    aggregate: Aggregate,
    by: &[String],
    series: Vec<(Labels, f64)>,
) -> Vec<(Labels, f64)> {
    let mut groups: BTreeMap<Labels, f64> = BTreeMap::new();
    for (labels, value) in series {
        let kept = by
            .iter()
            .filter_map(|label| Some((label.clone(), labels.get(label)?.clone())));
        let value = if aggregate == Aggregate::Count {
            1.0
        } else {
            value
        };
        groups
            .entry(kept.collect())
            .and_modify(|so_far| {
                *so_far = match aggregate {
                    Aggregate::Sum | Aggregate::Count => *so_far + value,
                    Aggregate::Max => so_far.max(value),
                    Aggregate::Min => so_far.min(value),
                }
            })
            .or_insert(value);
    }
    groups.into_iter().collect()
}

fn binary(operator: Operator, left: Value, right: Value) -> Value {
    match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => {
            let computed = compute(operator, left, right);
            Value::Scalar(computed.unwrap_or(f64::NAN))
        }
        (Value::Vector(series), Value::Scalar(right)) => Value::Vector(
            series
                .into_iter()
                .filter_map(|(labels, left)| Some((labels, kept(operator, left, right, left)?)))
                .collect(),
        ),
        (Value::Scalar(left), Value::Vector(series)) => Value::Vector(
            series
                .into_iter()
                .filter_map(|(labels, right)| Some((labels, kept(operator, left, right, right)?)))
                .collect(),
        ),
        (Value::Vector(left), Value::Vector(right)) => {
            let right: BTreeMap<Labels, f64> = right.into_iter().collect();
            let matched = left.into_iter().filter_map(|(labels, left)| {
                let right = right.get(&labels)?;
                let value = kept(operator, left, *right, left)?;
                Some((labels, value))
            });
            Value::Vector(matched.collect())
        }
    }
}

/// The computed value, or the series' own where a comparison holds.
fn kept(operator: Operator, left: f64, right: f64, own: f64) -> Option<f64> {
    let computed = compute(operator, left, right)?;
    if operator.compares() {
        return (computed != 0.0).then_some(own);
    }
    Some(computed)
}

#[expect(
    clippy::float_cmp,
    clippy::unnecessary_wraps,
    reason = "PromQL compares so, and every operator has a value"
)]
fn compute(operator: Operator, left: f64, right: f64) -> Option<f64> {
    let truth = |holds: bool| if holds { 1.0 } else { 0.0 };
    Some(match operator {
        Operator::Less => truth(left < right),
        Operator::LessOrEqual => truth(left <= right),
        Operator::Greater => truth(left > right),
        Operator::GreaterOrEqual => truth(left >= right),
        Operator::Equal => truth(left == right),
        Operator::NotEqual => truth(left != right),
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::expression::read;

    /// Three replicas and a counter that grew by 3 in ten seconds.
    fn history(now: Instant) -> History {
        let mut history = History::default();
        for (replica, applied) in [("1", 10.0), ("2", 7.0), ("3", 10.0)] {
            let labels = Labels::from([
                ("job".to_owned(), "hook".to_owned()),
                ("instance".to_owned(), replica.to_owned()),
            ]);
            history.add(now, "applied", labels, applied);
        }
        history.add(
            now.checked_sub(Duration::from_secs(10)).unwrap(),
            "seen_total",
            Labels::new(),
            4.0,
        );
        history.add(now, "seen_total", Labels::new(), 7.0);
        history
    }

    fn values(text: &str) -> Vec<f64> {
        let now = Instant::now();
        let moment = Moment {
            now,
            wall: UNIX_EPOCH + Duration::from_secs(1_000),
            faster: 1,
        };
        let value = evaluate(&read(text).unwrap(), &history(now), moment);
        let mut values: Vec<f64> = value.series().into_iter().map(|(_, value)| value).collect();
        values.sort_by(f64::total_cmp);
        values
    }

    #[test]
    fn a_comparison_keeps_the_series_for_which_it_holds() {
        assert_eq!(values("applied < 10"), [7.0]);
        assert_eq!(values("applied{instance!=\"1\"} == 10"), [10.0]);
        assert_eq!(values("applied > 10"), [0.0; 0]);
        assert_eq!(values("8 > applied"), [7.0]);
    }

    #[test]
    fn the_one_that_is_behind_is_found_by_the_scalar_of_the_maximum() {
        assert_eq!(values("scalar(max(applied)) - applied > 0"), [3.0]);
    }

    #[test]
    fn aggregates_group_by_their_labels() {
        assert_eq!(values("sum(applied)"), [27.0]);
        assert_eq!(values("count by (job) (applied)"), [3.0]);
        assert_eq!(values("min(applied)"), [7.0]);
        assert_eq!(values("count(applied == 10) < count(applied)"), [2.0]);
    }

    #[test]
    fn counters_grow_within_their_window() {
        assert_eq!(values("increase(seen_total[1m])"), [3.0]);
        assert_eq!(values("increase(seen_total[5s])"), [0.0; 0]);
        let rate = values("rate(seen_total[1m])");
        assert!((rate[0] - 0.05).abs() < 1e-9);
        assert_eq!(
            values("increase(seen_total[1m]) / increase(seen_total[1m])"),
            [1.0]
        );
    }

    #[test]
    fn what_is_not_there_is_absent_and_time_is_the_wall_s() {
        assert_eq!(values("absent(nothing)"), [1.0]);
        assert_eq!(values("absent(applied)"), [0.0; 0]);
        assert_eq!(values("time() - applied{instance=\"1\"}"), [990.0]);
    }
}
