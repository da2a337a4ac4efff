//! `cargo xtask nightly`: everything that takes too long for `cargo xtask test`, part by part.
//!
//! A part that fails does not stop the others; a part that cannot run here is skipped and says why. One
//! summary at the end, and an exit status that is 0 only if nothing failed.

mod fuzz;
mod parts;

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use self::parts::{Part, Work};
use crate::checkout::Checkout;
use crate::cli::NightlyOptions;
use crate::console::{self, Console, seconds};
use crate::process::{Shell, last_lines};
use crate::tools;

/// Lines of a log that are shown when its part failed.
const LOG_LINES: usize = 30;

/// How a part ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Passed,
    Failed(String),
    Skipped(String),
}

#[derive(Debug)]
struct Outcome {
    name: String,
    end: End,
    took: std::time::Duration,
    /// The JSON of the part's last line, if it is one.
    report: Value,
}

pub(crate) async fn run(
    checkout: &Checkout,
    console: &Console,
    options: &NightlyOptions,
) -> anyhow::Result<()> {
    let mut parts = parts::all(checkout, options.fuzz_minutes)?;
    let names: Vec<String> = parts.iter().map(|part| part.name.clone()).collect();
    if let Some(only) = &options.only {
        parts.retain(|part| part.name.contains(only.as_str()));
    }
    if parts.is_empty() {
        bail!(
            "no part has that in its name; there are: {}",
            names.join(", ")
        );
    }
    if options.list {
        for part in &parts {
            console::result(format!("{:<28} {}", part.name, part.about))?;
        }
        return Ok(());
    }
    let shell = tools::ready(checkout, console).await?;
    let logs = checkout.state().join("nightly");
    std::fs::create_dir_all(&logs).context("making the folder of logs")?;
    let mut outcomes = Vec::new();
    let count = parts.len();
    for (index, part) in parts.iter().enumerate() {
        let Part { name, about, .. } = part;
        console.say(format!("[{}/{count}] {name}: {about}", index + 1));
        let outcome = one(checkout, &shell, part, &logs).await;
        console.say(told(&outcome));
        outcomes.push(outcome);
    }
    for outcome in &outcomes {
        console::result(told(outcome))?;
    }
    let failed = outcomes
        .iter()
        .filter(|outcome| matches!(outcome.end, End::Failed(_)))
        .count();
    let ran = outcomes
        .iter()
        .filter(|outcome| outcome.end == End::Passed)
        .count();
    if options.json {
        console::result(summary(failed == 0, &outcomes).to_string())?;
    }
    if failed > 0 {
        bail!("{failed} of {count} parts failed; their logs are in .state/nightly/");
    }
    console.say(format!(
        "{ran} parts passed, {} skipped",
        outcomes.len() - ran
    ));
    Ok(())
}

async fn one(checkout: &Checkout, shell: &Shell, part: &Part, logs: &Path) -> Outcome {
    let start = Instant::now();
    let mut report = Value::Null;
    let mut command = match &part.work {
        Work::Skip(why) => {
            return Outcome {
                name: part.name.clone(),
                end: End::Skipped(why.clone()),
                took: start.elapsed(),
                report,
            };
        }
        Work::Cargo { args, env } => {
            let mut command = checkout.cargo(shell, args);
            command.envs(env.iter().cloned());
            command
        }
        Work::Rustup(args) => {
            let mut command = shell.command("cargo");
            command
                .args(args)
                .current_dir(checkout.root())
                .env_remove("RUSTUP_TOOLCHAIN");
            command
        }
    };
    let end = match logged(&mut command, &logs.join(format!("{}.log", part.name))).await {
        Ok(last) => {
            report = serde_json::from_str(&last).unwrap_or(Value::Null);
            End::Passed
        }
        Err(error) => End::Failed(format!("{error:#}")),
    };
    Outcome {
        name: part.name.clone(),
        end,
        took: start.elapsed(),
        report,
    }
}

/// Runs a command with all its output in `log`, and returns the last line of its standard output.
async fn logged(command: &mut tokio::process::Command, log: &Path) -> anyhow::Result<String> {
    let errors = std::fs::File::create(log.with_extension("stderr.log"))?;
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(errors)
        .spawn()
        .context("starting cargo")?;
    let stdout = child.stdout.take().context("stdout was just asked for")?;
    let mut out = tokio::fs::File::create(log).await?;
    let mut lines = BufReader::new(stdout).lines();
    let mut last = String::new();
    while let Some(line) = lines.next_line().await? {
        out.write_all(line.as_bytes()).await?;
        out.write_all(b"\n").await?;
        last = line;
    }
    out.flush().await?;
    let status = child.wait().await?;
    if !status.success() {
        let text = [log.to_owned(), log.with_extension("stderr.log")]
            .map(|path| {
                String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
            })
            .concat();
        bail!("it ended with {status}:\n{}", last_lines(&text, LOG_LINES));
    }
    Ok(last)
}

fn told(outcome: &Outcome) -> String {
    let took = outcome.took.as_secs_f64();
    match &outcome.end {
        End::Passed => format!("passed   {} ({took:.0} s)", outcome.name),
        End::Failed(why) => format!("FAILED   {} ({took:.0} s): {why}", outcome.name),
        End::Skipped(why) => format!("SKIPPED  {}: {why}", outcome.name),
    }
}

fn summary(ok: bool, outcomes: &[Outcome]) -> Value {
    let one = |outcome: &Outcome| {
        let (end, why) = match &outcome.end {
            End::Passed => ("passed", None),
            End::Failed(why) => ("failed", Some(why)),
            End::Skipped(why) => ("skipped", Some(why)),
        };
        json!({
            "part": outcome.name, "end": end, "why": why, "seconds": seconds(outcome.took),
            "report": outcome.report,
        })
    };
    json!({"ok": ok, "parts": outcomes.iter().map(one).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> tokio::process::Command {
        let mut command = Shell::default().command("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_part_that_passes_gives_its_last_line_and_one_that_fails_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("part.log");
        let last = logged(&mut shell("echo progress; echo '{\"a\":1}'"), &log).await;
        assert_eq!(last.unwrap(), "{\"a\":1}");
        let failed = logged(&mut shell("echo wrong figures >&2; exit 3"), &log).await;
        let error = failed.unwrap_err().to_string();
        assert!(
            error.contains("wrong figures") && error.contains('3'),
            "{error}"
        );
    }

    #[test]
    fn a_skipped_part_is_said_loudly_and_is_no_failure() {
        let outcome = Outcome {
            name: "fuzz x".to_owned(),
            end: End::Skipped("no cargo-fuzz".to_owned()),
            took: std::time::Duration::ZERO,
            report: Value::Null,
        };
        assert_eq!(told(&outcome), "SKIPPED  fuzz x: no cargo-fuzz");
        assert_eq!(summary(true, &[outcome])["parts"][0]["end"], "skipped");
    }
}
