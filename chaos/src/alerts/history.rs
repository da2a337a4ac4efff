//! What was scraped, series by series. Old values are forgotten.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::expression::Selector;

pub(super) type Labels = BTreeMap<String, String>;

/// A series without news for this long has ended, as for Prometheus (there 5 minutes).
const LOOK_BACK: Duration = Duration::from_secs(3);
/// Nothing older is kept: longer than every window in a run.
const KEPT: Duration = Duration::from_secs(120);

/// All series.
#[derive(Debug, Default)]
pub(super) struct History(HashMap<String, HashMap<Labels, Series>>);

#[derive(Debug, Default)]
struct Series(VecDeque<(Instant, f64)>);

impl History {
    pub(super) fn add(&mut self, at: Instant, name: &str, labels: Labels, value: f64) {
        let series = self.0.entry(name.to_owned()).or_default();
        let values = &mut series.entry(labels).or_default().0;
        while values
            .front()
            .is_some_and(|(old, _)| at.saturating_duration_since(*old) > KEPT)
        {
            values.pop_front();
        }
        values.push_back((at, value));
    }

    /// The newest value of each series that is alive at `now`.
    pub(super) fn newest(&self, selector: &Selector, now: Instant) -> Vec<(Labels, f64)> {
        self.matching(selector)
            .filter_map(|(labels, series)| {
                let (at, value) = series.0.back()?;
                (now.saturating_duration_since(*at) <= LOOK_BACK).then(|| (labels.clone(), *value))
            })
            .collect()
    }

    /// By how much each counter grew within `window`; a counter that began anew counts from 0.
    /// Nothing for a series with fewer than two values in it. Prometheus extrapolates to the
    /// window's ends, which multiplies by a number above 0: the same is 0, and the same is not.
    pub(super) fn increase(
        &self,
        selector: &Selector,
        window: Duration,
        now: Instant,
    ) -> Vec<(Labels, f64)> {
        self.matching(selector)
            .filter_map(|(labels, series)| {
                let within = series
                    .0
                    .iter()
                    .filter(|(at, _)| now.saturating_duration_since(*at) <= window);
                let values: Vec<f64> = within.map(|(_, value)| *value).collect();
                let steps = values.windows(2).map(|pair| {
                    let grown = pair[1] - pair[0];
                    if grown < 0.0 { pair[1] } else { grown }
                });
                (values.len() >= 2).then(|| (labels.clone(), steps.sum()))
            })
            .collect()
    }

    fn matching(&self, selector: &Selector) -> impl Iterator<Item = (&Labels, &Series)> {
        let of_name = self.0.get(&selector.name).into_iter().flatten();
        let matchers = selector.matchers.clone();
        of_name.filter(move |(labels, _)| {
            matchers.iter().all(|(label, value, equal)| {
                let found = labels.get(label).map_or("", String::as_str);
                (found == value) == *equal
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(name: &str) -> Selector {
        Selector {
            name: name.to_owned(),
            matchers: Vec::new(),
        }
    }

    #[test]
    fn a_counter_that_began_anew_counts_from_zero() {
        let (mut history, start) = (History::default(), Instant::now());
        for (second, value) in [(0, 5.0), (1, 7.0), (2, 1.0), (3, 2.0)] {
            let at = start + Duration::from_secs(second);
            history.add(at, "a", Labels::new(), value);
        }
        let now = start + Duration::from_secs(3);
        let grown = history.increase(&selector("a"), Duration::from_secs(9), now);
        assert!((grown[0].1 - 4.0).abs() < f64::EPSILON, "{grown:?}");
        let short = history.increase(&selector("a"), Duration::ZERO, now);
        assert!(short.is_empty(), "one value is no increase");
    }

    #[test]
    fn a_series_without_news_has_ended() {
        let (mut history, start) = (History::default(), Instant::now());
        history.add(start, "a", Labels::new(), 1.0);
        assert_eq!(history.newest(&selector("a"), start + LOOK_BACK).len(), 1);
        let later = start + LOOK_BACK + Duration::from_millis(1);
        assert!(history.newest(&selector("a"), later).is_empty());
    }

    #[test]
    fn a_matcher_takes_a_missing_label_for_an_empty_one() {
        let (mut history, now) = (History::default(), Instant::now());
        history.add(now, "a", Labels::from([("x".into(), "1".into())]), 1.0);
        history.add(now, "a", Labels::new(), 2.0);
        let mut wanted = selector("a");
        wanted
            .matchers
            .push(("x".to_owned(), "1".to_owned(), false));
        let found = history.newest(&wanted, now);
        assert!(found.len() == 1 && found[0].0.is_empty());
    }
}
