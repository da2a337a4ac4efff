//! The command line: flags in, exit code out.

mod args;
mod enrol;
mod qr;
mod run;
mod signals;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;
use crate::report::{Output, Summary};
use args::{Cli, Command};

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
                _ => ExitCode::from(64),
            };
        }
    };
    match log(&cli.log).and_then(|()| execute(cli)) {
        Ok(code) => code,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "device-simulator: {failure}");
            ExitCode::from(&failure)
        }
    }
}

fn execute(cli: Cli) -> Result<ExitCode, Failure> {
    match cli.command {
        Command::Run(args) => run::run(args),
        Command::Enrol(args) => enrol::run(args),
        Command::Qr(args) => qr::run(&args),
    }
}

/// Logs go to stderr: stdout belongs to the events.
fn log(filter: &str) -> Result<(), Failure> {
    let filter = EnvFilter::builder().parse(filter).map_err(|error| {
        Failure::usage(format!(
            "--log {filter:?}: {error}; it must be like info or warn,rumqttc=off"
        ))
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}

/// A runtime for the fleet's tasks.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format!("no runtime: {error}")))
}

/// Prints the summary. 0 if every device has a certificate, else 1: a supervisor need not read the
/// summary for that.
fn conclude(summary: &Summary, output: Output) -> ExitCode {
    summary.print(output);
    ExitCode::from(u8::from(summary.failed > 0))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
