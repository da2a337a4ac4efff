//! `benches`: measures hook-service beside its peers, in one run on one machine.
//!
//! `cargo run --release -p benches -- hooks --quick --json`. Exit codes: 64 bad usage, 1 when a
//! server answered wrongly or a figure had to be refused.

mod affinity;
mod api;
mod broker;
mod cli;
mod cpu;
mod database;
mod fleet;
mod hooks;
mod load;
mod machine;
mod micro;
mod overload;
mod people;
mod programs;
mod report;
mod restart;
mod revoke;
mod servers;
mod statistics;
mod storm;
mod table;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = match cli::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Printing help can only fail when nobody reads it.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 64 } else { 0 });
        }
    };
    match cli::run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::say(&format!("benches: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
