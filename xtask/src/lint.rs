//! `cargo xtask lint`: what a reviewer should never have to say.

mod checkers;

use anyhow::bail;

use crate::checkout::Checkout;
use crate::console::{Console, Steps};
use crate::{tidy, tools};

/// A step: its name, and the cargo command with all warnings as errors.
const STEPS: &[(&str, &[&str])] = &[
    ("fmt", &["fmt", "--all", "--", "--check"]),
    (
        "clippy",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ],
    ),
    (
        "rustdoc",
        &[
            "doc",
            "--workspace",
            "--no-deps",
            "--document-private-items",
            "--locked",
        ],
    ),
];

pub(crate) async fn run(checkout: &Checkout, console: &Console) -> anyhow::Result<()> {
    let shell = tools::ready(checkout, console).await?;
    let mut steps = Steps::new();
    let mut failed = Vec::new();
    for (name, args) in STEPS {
        console.say(format!("cargo {}", args.join(" ")));
        let mut command = checkout.cargo(&shell, *args);
        command.env("RUSTDOCFLAGS", "-D warnings");
        if !command.status().await?.success() {
            failed.push(*name);
        }
        steps.done(name);
    }
    if shell.find("cargo-deny").is_some() {
        // Advisories come from the network and have a job of their own, so that this one says the
        // same everywhere.
        let args = ["deny", "--locked", "check", "bans", "licenses", "sources"];
        console.say(format!("cargo {}", args.join(" ")));
        if !checkout.cargo(&shell, args).status().await?.success() {
            failed.push("deny");
        }
        steps.done("deny");
    } else {
        console.say("cargo deny was not found, so dependencies were NOT checked: `cargo install --locked cargo-deny`");
    }
    failed.extend(checkers::run(checkout, &shell, console).await?);
    steps.done("checkers");
    let violations = tidy::check(checkout.root())?;
    if !violations.is_empty() {
        console.say(format!("tidy found:\n{}", tidy::list(&violations)));
        failed.push("tidy");
    }
    console.say(format!("seconds per step: {}", steps.as_json()));
    if !failed.is_empty() {
        bail!("these found something: {}", failed.join(", "));
    }
    console.say("lint is clean");
    Ok(())
}
