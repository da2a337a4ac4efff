//! pgbench of the PostgreSQL packages: runs scripts on so many connections, statements prepared.

use std::ffi::OsString;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::script::Script;
use super::stack::{POOL, Stack};
use crate::cpu::seconds_of_ended_children;
use crate::database::PASSWORD;
use crate::machine;

/// Left out at the beginning of a run, seconds: each connection plans each statement some times before it
/// keeps a plan, which the service did long ago.
const WARM_UP_SECONDS: u64 = 3;

/// The scripts of one kind, in files, each as likely as the others.
#[derive(Debug)]
pub(super) struct Pgbench {
    program: std::path::PathBuf,
    arguments: Vec<OsString>,
    port: u64,
}

/// What a run of pgbench found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outcome {
    /// Times that a script ran to its end, in a second.
    pub(super) per_second: f64,
    /// CPU microseconds of pgbench for each.
    pub(super) own_us: f64,
    /// CPU microseconds of the database for each.
    pub(super) database_us: f64,
    /// The share of its threads' time for which pgbench was busy.
    pub(super) busy: f64,
    /// CPU seconds of pgbench.
    pub(super) own_seconds: f64,
}

impl Pgbench {
    /// Writes the scripts to files whose names begin with `name`.
    pub(super) fn new(stack: &Stack, name: &str, scripts: &[Script]) -> anyhow::Result<Self> {
        let mut arguments: Vec<OsString> = Vec::new();
        for (index, script) in scripts.iter().enumerate() {
            let file = stack
                .database
                .folder
                .path()
                .join(format!("{name}-{index}.sql"));
            std::fs::write(&file, &script.text).context("writing a script")?;
            arguments.extend(["-f".into(), file.into()]);
            for (name, value) in &script.variables {
                arguments.extend(["-D".into(), format!("{name}={value}").into()]);
            }
        }
        Ok(Self {
            program: stack.database.program("pgbench"),
            arguments,
            port: stack.database.port,
        })
    }

    /// Runs for so long after a warm-up. Any statement that fails fails the run. The CPU for each is that of
    /// the whole run.
    pub(super) fn run(
        &self,
        stack: &Stack,
        time: Duration,
        seed: usize,
    ) -> anyhow::Result<Outcome> {
        let threads = machine::cores();
        let clock = stack.database.clock();
        let before = (seconds_of_ended_children(), clock.seconds());
        let output = Command::new(&self.program)
            .args(["-n", "-M", "prepared", "-h", "127.0.0.1", "-U", "api"])
            .args(["-p", &self.port.to_string()])
            .args(["-c", &POOL.to_string(), "-j", &threads.to_string()])
            .args(["-P", "1", "-T"])
            .arg((WARM_UP_SECONDS + time.as_secs().max(1)).to_string())
            .arg(format!("--random-seed={}", seed + 1))
            .args(&self.arguments)
            .arg("postgres")
            .env("PGPASSWORD", PASSWORD)
            .env("LC_ALL", "C")
            .output()
            .context("running pgbench; it comes with PostgreSQL's server packages")?;
        let own_seconds = seconds_of_ended_children() - before.0;
        let database = clock.seconds() - before.1;
        let (said, errors) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        ensure!(
            output.status.success() && !errors.contains("ERROR"),
            "pgbench failed: {errors}"
        );
        let (whole_run, transactions) =
            read(&said).with_context(|| format!("pgbench's answer is not understood: {said}"))?;
        let per_second = after_warm_up(&errors)
            .with_context(|| format!("pgbench's progress is not understood: {errors}"))?;
        Ok(Outcome {
            per_second,
            own_us: own_seconds * 1e6 / transactions,
            database_us: database * 1e6 / transactions,
            busy: own_seconds * whole_run / transactions / f64::from(u32::try_from(threads)?),
            own_seconds,
        })
    }
}

/// Transactions in a second after the warm-up: the mean of what it told each second, which stand in lines
/// like `progress: 4.0 s, 1234.5 tps, lat ...`.
fn after_warm_up(progress: &str) -> Option<f64> {
    let told = progress.lines().filter_map(|line| {
        let (at, rest) = line.strip_prefix("progress: ")?.split_once(" s, ")?;
        let (rate, _) = rest.split_once(" tps")?;
        Some((at.parse::<f64>().ok()?, rate.parse::<f64>().ok()?))
    });
    #[expect(clippy::cast_precision_loss, reason = "a few seconds")]
    let warm = WARM_UP_SECONDS as f64 + 0.5;
    let (mut sum, mut count) = (0.0, 0.0);
    for (_, rate) in told.filter(|(at, _)| *at > warm) {
        sum += rate;
        count += 1.0;
    }
    (sum > 0.0).then(|| sum / count)
}

/// Transactions in a second without the time to connect, and in all.
fn read(said: &str) -> Option<(f64, f64)> {
    let number = |begin: &str| {
        let line = said.lines().rfind(|line| line.starts_with(begin))?;
        let text = line.strip_prefix(begin)?.trim_start();
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
        text[..end.unwrap_or(text.len())].parse::<f64>().ok()
    };
    // Before PostgreSQL 14 a line with the time to connect came first.
    let (rate, count) = (
        number("tps = ")?,
        number("number of transactions actually processed:")?,
    );
    let failed = number("number of failed transactions:").unwrap_or_default();
    (rate > 0.0 && count > 0.0 && failed == 0.0).then_some((rate, count))
}

#[cfg(test)]
mod tests {
    use super::{after_warm_up, read};

    #[test]
    fn the_seconds_after_the_warm_up_count() {
        let told = "pgbench (15.1)\n\
                    progress: 1.0 s, 10.0 tps, lat 1.000 ms stddev 0.1, 0 failed\n\
                    progress: 3.0 s, 100.0 tps, lat 1.000 ms stddev 0.1, 0 failed\n\
                    progress: 4.0 s, 1000.0 tps, lat 1.000 ms stddev 0.1, 0 failed\n\
                    progress: 5.0 s, 3000.0 tps, lat 1.000 ms stddev 0.1, 0 failed\n";
        assert_eq!(after_warm_up(told), Some(2000.0));
        assert_eq!(after_warm_up("progress: 1.0 s, 10.0 tps, lat 1 ms"), None);
    }

    #[test]
    fn the_rate_without_connecting_is_read_and_failures_are_refused() {
        let said = "number of transactions actually processed: 4096\n\
                    number of failed transactions: 0 (0.000%)\n\
                    initial connection time = 3.2 ms\n\
                    tps = 1365.250000 (without initial connection time)\n\
                    SQL script 1: a.sql\n - 10 transactions (tps = 3.3)\n";
        assert_eq!(read(said), Some((1365.25, 4096.0)));
        assert_eq!(
            read(&said.replace("transactions: 0", "transactions: 1")),
            None
        );
        let old = "number of transactions actually processed: 9\n\
                   tps = 1.0 (including connections establishing)\n\
                   tps = 2.0 (excluding connections establishing)\n";
        assert_eq!(read(old), Some((2.0, 9.0)));
        assert_eq!(read(""), None);
    }
}
