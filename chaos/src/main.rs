//! `chaos`: the local stack with its parts killed, paused, cut and slowed. See `chaos --help`.

mod alerts;
mod suite;

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match suite::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Printing help can only fail when nobody reads it.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 64 } else { 0 });
        }
    };
    match suite::run(&arguments).await {
        Ok(code) => code,
        Err(error) => {
            suite::say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
