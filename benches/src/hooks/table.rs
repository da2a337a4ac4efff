//! The table that people read.

use std::fmt::Write as _;

use super::cell::Cell;
use crate::load::Outcome;
use crate::statistics::Spread;

/// One line for each measurement: medians of the rounds, the rate with its spread.
pub(super) fn table(devices: u32, cells: &[Cell], remote: bool) -> String {
    let mut out = format!(
        "\n{devices} devices{}\n{:<46} {:>10} {:>21} {:>9} {:>9} {:>8} {:>8} {:>8}\n",
        if remote {
            ", a server on another machine"
        } else {
            ""
        },
        "server, request, arrival",
        "answers/s",
        "lowest to highest",
        "server us",
        "gener. us",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
    );
    for cell in cells {
        let line = line(cell).unwrap_or_else(|| format!("{:<46} refused", cell.name()));
        writeln!(out, "{line}").expect("writing to memory succeeds");
    }
    out
}

fn line(cell: &Cell) -> Option<String> {
    let rate = Spread::of(cell.rates())?;
    let median = |values: Vec<f64>| Spread::of(values).map(|spread| spread.median);
    let show = |value: Option<f64>, digits| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
    };
    let latency = |quantile| median(cell.each(|outcome| Some(outcome.latency_ms(quantile))));
    Some(format!(
        "{:<46} {:>10.0} {:>10.0} {:>10.0} {:>9} {:>9} {:>8} {:>8} {:>8}",
        cell.name(),
        rate.median,
        rate.low,
        rate.high,
        show(median(cell.each(Outcome::server_us)), 2),
        show(median(cell.each(|outcome| Some(outcome.generator_us()))), 2),
        show(latency(0.5), 3),
        show(latency(0.99), 3),
        show(latency(0.999), 3),
    ))
}
