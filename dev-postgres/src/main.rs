//! `dev-postgres`: a PostgreSQL server in the foreground, for the local stack.
//!
//! Exit codes: 64 bad usage, 1 the rest. Prints JSON on standard output, sentences on standard error.

mod cli {
    pub(crate) mod find;
    pub(crate) mod restart;
    pub(crate) mod run;
}

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A private PostgreSQL server for development: trusts every local user, never for production.
#[derive(Parser)]
#[command(name = "dev-postgres", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a server in the foreground until SIGTERM, SIGINT, or the end of the parent process
    Run(cli::run::Args),
    /// Restart the server of a `dev-postgres run` on the same port, and wait until it is ready
    Restart(cli::restart::Args),
    /// Print which PostgreSQL binaries would be used, as JSON; exit code 1 when there are none
    Find,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Printing help can only fail when nobody reads it.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 64 } else { 0 });
        }
    };
    let result = match args.command {
        Command::Run(args) => cli::run::run(args).await,
        Command::Restart(args) => cli::restart::run(&args).await,
        Command::Find => cli::find::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dev-postgres: {error:#}");
            ExitCode::FAILURE
        }
    }
}
