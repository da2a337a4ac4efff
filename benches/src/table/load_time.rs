//! A cold load against psql's COPY of the same query to /dev/null, in alternation.

use std::process::Stdio;
use std::time::Instant;

use super::Found;
use super::stack::Stack;
use crate::report::say;
use crate::statistics::Spread;

/// The rows that hook-service loads, in the format that it loads them in.
const SAME_ROWS: &str = "COPY (
SELECT d.device_id, d.lifecycle, d.suspended, c.fingerprint,
       floor(extract(epoch FROM c.not_after))::bigint AS not_after
  FROM device d
  LEFT JOIN certificate c ON c.device_id = d.device_id AND c.state = 'active'
) TO STDOUT (FORMAT binary)";

/// hook-service is timed from the start of its process until it says that it is ready.
pub(super) fn measure(stack: &Stack, rounds: usize, found: &mut Found) -> anyhow::Result<()> {
    let (mut ratios, mut copies, mut loads) = (Vec::new(), Vec::new(), Vec::new());
    // One more of each first: both read a warm cache then.
    for round in 0..=rounds {
        let start = Instant::now();
        let status = stack.psql(SAME_ROWS).stdout(Stdio::null()).status()?;
        anyhow::ensure!(status.success(), "psql ended with {status}");
        let copy = start.elapsed().as_secs_f64();
        let load = stack.hooks(&[])?.ready_after.as_secs_f64();
        if round > 0 {
            copies.push(copy);
            loads.push(load);
            ratios.push(load / copy);
        }
    }
    say("cold loads are done");
    for (name, values) in [
        ("cold_load_vs_copy", ratios),
        ("cold_load_s", loads),
        ("copy_s", copies),
    ] {
        if let Some(spread) = Spread::of(values) {
            found.spread(name, spread);
        }
    }
    Ok(())
}
