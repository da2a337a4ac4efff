//! The one front door of the checkout: `cargo xtask <command>`.
//!
//! It uses nothing of ours as a library. It builds the binaries, starts them as anybody else
//! would, and judges them from outside: with `openssl`, `mosquitto_pub`, `mosquitto_sub` and HTTP.

mod checkout;
mod cli;
mod console;
mod http;
mod identity;
mod process;
mod wait;

mod tools;

mod demo;
mod stack;
mod up;

mod lint;
mod nightly;
mod sabotage;
mod secrets;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::console::Console;

/// One thread for everything: the parent-death signal of a child follows the *thread* that started
/// it, so children may only be started from a thread that lives as long as the process.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 64 } else { 0 });
        }
    };
    let console = Console::new();
    match run(command, &console).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console.say(format!("FAILED: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command, console: &Console) -> anyhow::Result<()> {
    let checkout = checkout::Checkout::find()?;
    match command {
        Command::Up(options) if options.demo => demo::run(&checkout, console, &options).await,
        Command::Up(options) => up::run(&checkout, console, &options).await,
        Command::Test(options) => test::run(&checkout, console, &options).await,
        Command::Lint => lint::run(&checkout, console).await,
        Command::Tidy => tidy::run(&checkout, console),
        Command::Tools => tools::ready(&checkout, console).await.map(drop),
        Command::Secrets => secrets::run(&checkout, console),
        Command::Nightly(options) => nightly::run(&checkout, console, &options).await,
        Command::Sabotage(options) => sabotage::run(&checkout, console, &options).await,
    }
}
