//! `cargo xtask sabotage`: shows that the tests would notice.
//!
//! Each sabotage is a text patch of a scratch copy. The named tests pass on the untouched copy
//! first (a test that always fails catches nothing) and must fail on the patched one. A patch that
//! doesn't match exactly once is an error: the code moved and the patch has to move with it.

mod copy;
mod list;
mod patch;

use std::path::PathBuf;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::checkout::Checkout;
use crate::cli::SabotageOptions;
use crate::console::{self, Console};
use crate::process::{Finished, Shell, last_lines, output};
use crate::sabotage::list::{SABOTAGES, Sabotage};
use crate::tools;

/// How one sabotage ended.
#[derive(Debug)]
struct Outcome {
    name: &'static str,
    /// The tests that failed; empty when nobody noticed.
    caught_by: Vec<String>,
}

pub(crate) async fn run(
    checkout: &Checkout,
    console: &Console,
    options: &SabotageOptions,
) -> anyhow::Result<()> {
    let wanted: Vec<&Sabotage> = SABOTAGES
        .iter()
        .filter(|one| {
            options
                .only
                .as_ref()
                .is_none_or(|part| one.name.contains(part.as_str()))
        })
        .collect();
    if wanted.is_empty() {
        bail!(
            "no sabotage has that in its name; there are: {}",
            names(SABOTAGES)
        );
    }
    let shell = tools::ready(checkout, console).await?;
    let folder = checkout.state().join("sabotage");
    let scratch = folder.join("tree");
    copy::tree(checkout.root(), &scratch).context("copying the tree")?;
    let laboratory = Laboratory {
        shell,
        scratch,
        target: folder.join("target"),
    };

    for sabotage in &wanted {
        let told = format!("the tests of sabotage `{}`", sabotage.name);
        laboratory.control(sabotage).await.context(told)?;
    }
    console.say("all tests concerned pass on the untouched copy");
    let mut outcomes = Vec::new();
    for sabotage in wanted {
        let outcome = laboratory.commit(sabotage, console).await;
        outcomes.push(outcome.with_context(|| format!("sabotage `{}`", sabotage.name))?);
    }
    let ok = outcomes.iter().all(|outcome| !outcome.caught_by.is_empty());
    if options.json {
        console::result(report(ok, &outcomes).to_string())?;
    }
    if !ok {
        let missed = outcomes
            .iter()
            .filter(|outcome| outcome.caught_by.is_empty());
        let missed: Vec<&str> = missed.map(|outcome| outcome.name).collect();
        bail!("no test noticed: {}", missed.join(", "));
    }
    console.say(format!("all {} sabotages were caught", outcomes.len()));
    Ok(())
}

/// The scratch copy and what is needed to test it.
struct Laboratory {
    shell: Shell,
    scratch: PathBuf,
    /// One for all sabotages, so that only the patched crate is built again.
    target: PathBuf,
}

impl Laboratory {
    /// The tests exist and pass without the sabotage.
    async fn control(&self, sabotage: &Sabotage) -> anyhow::Result<()> {
        let control = self.test(sabotage).await?;
        if !control.status.success() {
            bail!("they fail without it:\n{}", last_lines(&control.all(), 30));
        }
        let (passed, named) = (passed(&control.stdout), sabotage.tests.len());
        if passed < named {
            bail!(
                "only {passed} of {named} exist: {}",
                sabotage.tests.join(", ")
            );
        }
        Ok(())
    }

    async fn commit(&self, sabotage: &Sabotage, console: &Console) -> anyhow::Result<Outcome> {
        let patched = patch::apply(&self.scratch, sabotage.edits)?;
        let finished = self.test(sabotage).await;
        patched.undo()?;
        let finished = finished?;
        let caught_by = failed(&finished.stdout);
        if caught_by.is_empty() && !finished.status.success() {
            bail!(
                "the patched copy does not build:\n{}",
                last_lines(&finished.all(), 30)
            );
        }
        console.say(match caught_by.as_slice() {
            [] => format!("{}: NOT caught", sabotage.name),
            caught_by => format!("{}: caught by {}", sabotage.name, caught_by.join(", ")),
        });
        Ok(Outcome {
            name: sabotage.name,
            caught_by,
        })
    }

    async fn test(&self, sabotage: &Sabotage) -> anyhow::Result<Finished> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = self.shell.command(cargo);
        command
            .current_dir(&self.scratch)
            .env("CARGO_TARGET_DIR", &self.target)
            .args([
                "test",
                "--locked",
                "--no-fail-fast",
                "--package",
                sabotage.package,
                "--",
            ])
            .args(sabotage.tests);
        output(&mut command).await
    }
}

/// How many tests passed, by the closing lines of the harness.
fn passed(stdout: &str) -> usize {
    stdout
        .lines()
        .filter(|line| line.starts_with("test ") && line.ends_with(" ... ok"))
        .count()
}

/// The names of the tests that failed.
fn failed(stdout: &str) -> Vec<String> {
    let names = stdout
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    names.map(str::to_owned).collect()
}

fn report(ok: bool, outcomes: &[Outcome]) -> Value {
    let one = |outcome: &Outcome| json!({"name": outcome.name, "caught_by": outcome.caught_by});
    json!({"ok": ok, "sabotages": outcomes.iter().map(one).collect::<Vec<_>>()})
}

fn names(sabotages: &[Sabotage]) -> String {
    sabotages
        .iter()
        .map(|one| one.name)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_patch_fits_this_checkout() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for sabotage in SABOTAGES {
            let fits = patch::fit(root, sabotage.edits);
            assert!(fits.is_ok(), "{}: {:#}", sabotage.name, fits.unwrap_err());
        }
    }

    #[test]
    fn failing_tests_are_named_and_passing_ones_counted() {
        let stdout =
            "running 3 tests\ntest a::b ... ok\ntest a::c ... FAILED\ntest d ... ignored\n";
        assert_eq!(failed(stdout), ["a::c"]);
        assert_eq!(passed(stdout), 1);
    }

    #[test]
    fn the_report_lists_who_caught_what() {
        let outcome = Outcome {
            name: "x",
            caught_by: vec!["t".to_owned()],
        };
        let expected = json!({"ok": true, "sabotages": [{"name": "x", "caught_by": ["t"]}]});
        assert_eq!(report(true, &[outcome]), expected);
    }
}
