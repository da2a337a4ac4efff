//! The commands of the program. `serve` is the default.

use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use schema::ServiceClientName;
use service_kit::shutdown::Shutdown;
use service_kit::{Exit, Settings, telemetry};

use crate::config::{Config, PREFIX};
use crate::domain::service_right::ServiceRight;
use crate::serve::Service;

mod audit;
mod doctor;
mod healthcheck;
mod service_client;

/// The command and query backend of IoT Hub. Settings come from the environment: docs/API.md.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API (the default).
    Serve,
    /// Manage the machines of ours that connect to the broker. Writes the database directly.
    ServiceClient {
        #[command(subcommand)]
        command: ServiceClientCommand,
    },
    /// The record of what was done: is it whole?
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Ask a running service whether it is ready: exit 0 if it is, 1 if not.
    Healthcheck,
    /// Check the broker, the database, the hooks and our settings, and say what to mend. Changes
    /// nothing. Exit 0: clean or notes only, 1: warnings, 2: errors. docs/DOCTOR.md lists the codes.
    Doctor(doctor::DoctorArguments),
    /// Print the `OpenAPI` document; docs/openapi.json is this text.
    Openapi,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Check every link of the chain and name the first broken one: exit 0 if it holds, 1 if not.
    Verify {
        /// A seal that was seen before, `NUMBER:HASH` as in the service's log. It must be in the chain.
        #[arg(long, value_name = "SEAL")]
        expect: Option<audit::Expected>,
    },
}

#[derive(Debug, Subcommand)]
enum ServiceClientCommand {
    /// Add a service client, or a certificate and rights to one that exists. Repeating it is harmless.
    Add {
        /// Its name; its certificate's common name is `svc.<name>`.
        #[arg(long)]
        name: ServiceClientName,
        /// Its certificate in PEM; of a chain the first counts.
        #[arg(long, value_name = "FILE")]
        certificate: PathBuf,
        /// A right, `publish=FILTER` or `subscribe=FILTER`. May be given several times.
        #[arg(long, value_name = "RIGHT")]
        allow: Vec<ServiceRight>,
    },
    /// Print all service clients as one JSON array.
    List,
    /// Keep a service client out from now on.
    Disable {
        /// Its name.
        #[arg(long)]
        name: ServiceClientName,
    },
}

/// Runs the program and says how it ended.
pub async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Ok
            };
            return exit.into();
        }
    };
    let settings = Settings::from_env(PREFIX);
    let exit = match arguments.command.unwrap_or(Command::Serve) {
        Command::Doctor(arguments) => return doctor::run(settings, arguments).await,
        Command::Serve => serve(settings).await,
        Command::ServiceClient { command } => service_client::run(settings, command).await,
        Command::Audit { command } => audit::run(settings, command).await,
        Command::Healthcheck => healthcheck::run(),
        Command::Openapi => print(&crate::openapi::json()),
    };
    exit.into()
}

async fn serve(settings: Settings) -> Exit {
    let config = match Config::read(settings) {
        Ok(config) => config,
        Err(errors) => return complain(Exit::Config, errors),
    };
    if let Err(error) = telemetry::init(&config.log.filter, config.log.format) {
        return complain(Exit::Config, format!("API_LOG is not a filter: {error}"));
    }
    let shutdown = match Shutdown::on_signals() {
        Ok(shutdown) => shutdown,
        Err(error) => return complain(Exit::Failed, error),
    };
    let ended = match Service::bind(config).await {
        Ok(service) => service.run(shutdown).await,
        Err(ended) => Err(ended),
    };
    match ended {
        Ok(()) => Exit::Ok,
        Err(ended) => complain(ended.exit, ended.reason),
    }
}

/// One sentence on standard error.
fn complain(exit: Exit, reason: impl Display) -> Exit {
    let _ = writeln!(std::io::stderr(), "api-service: {reason}");
    exit
}

/// A result on standard output. A reader that went away is no failure of ours.
fn print(text: &str) -> Exit {
    let _ = std::io::stdout().write_all(text.as_bytes());
    Exit::Ok
}
