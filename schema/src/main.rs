//! `schema`: migrates the database and cares for its change log.
//!
//! Exit codes: 64 bad usage, 78 bad configuration (settings, password and CA files, a database of
//! another release), 1 the rest. Results on standard output, progress on standard error.

mod cli;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use cli::Connection;

/// Migrates IoT Hub's database and cares for its change log.
#[derive(Parser)]
#[command(name = "schema", version)]
struct Args {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Apply missing migrations; make or update the services' login users
    Migrate(cli::migrate::Args),
    /// Say whether the database fits this release; exit code 78 when it does not
    Check,
    /// Make every hook-service load everything anew: after a restore, after bypassing the triggers
    BumpEpoch,
    /// Delete old entries of the change log
    Trim(cli::trim::Args),
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
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::INFO)
        .without_time()
        .with_target(false)
        .init();
    let result = match args.command {
        Command::Migrate(command) => cli::migrate::run(&args.connection, &command).await,
        Command::Check => cli::check::run(&args.connection).await,
        Command::BumpEpoch => cli::bump_epoch::run(&args.connection).await,
        Command::Trim(command) => cli::trim::run(&args.connection, &command).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("schema: {}", error.sentence());
            ExitCode::from(error.code())
        }
    }
}
