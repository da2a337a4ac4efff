//! `hook-service`: settings, logging, listeners, feed, and a clean end.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use hook_service::config::{self, Config};
use hook_service::service::Service;
use service_kit::shutdown::Shutdown;
use service_kit::{Exit, Settings, healthcheck, telemetry};

/// A health check answers within this time or counts as failed.
const HEALTHCHECK_TIME_MAX: Duration = Duration::from_secs(2);

/// Tells EMQX who may connect and what each client may publish and subscribe. Settings come from
/// the environment; hook-service.env in the source shows all of them.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until told to stop (the default).
    Serve,
    /// Ask the running service whether it is ready; exit 0 if it is.
    Healthcheck,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Ok
            }
            .into();
        }
    };
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(),
        Command::Healthcheck => check(),
    }
    .into()
}

fn serve() -> Exit {
    let (config, log) = match Config::read(Settings::from_env(config::PREFIX)) {
        Ok(read) => read,
        Err(mistakes) => return complain(&mistakes, Exit::Config),
    };
    if let Err(error) = telemetry::init(&log.filter, log.format) {
        return complain(
            &format!("HOOK_LOG={:?} is not a filter: {error}", log.filter),
            Exit::Config,
        );
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error, Exit::Failed),
    };
    runtime.block_on(run(config))
}

async fn run(config: Config) -> Exit {
    let shutdown = match Shutdown::on_signals() {
        Ok(shutdown) => shutdown,
        Err(error) => return complain(&error, Exit::Failed),
    };
    let service = match Service::start(config, shutdown).await {
        Ok(service) => service,
        Err(error) => return complain(&error, Exit::Config),
    };
    let addresses = service.addresses;
    tracing::info!(hooks = %addresses.hooks, ops = %addresses.ops, "listening");
    match service.run().await {
        Ok(()) => {
            tracing::info!("stopped");
            Exit::Ok
        }
        Err(error) => complain(
            &error,
            if error.is_configuration() {
                Exit::Config
            } else {
                Exit::Failed
            },
        ),
    }
}

fn check() -> Exit {
    let values = std::env::vars().collect();
    let default = config::DEFAULT_OPS_LISTEN;
    match healthcheck::check(config::PREFIX, default, &values, HEALTHCHECK_TIME_MAX) {
        Ok(()) => Exit::Ok,
        Err(reason) => complain(&reason, Exit::Failed),
    }
}

/// The last words, for people: logging may not be up, or may go elsewhere.
#[expect(
    clippy::print_stderr,
    reason = "the reason why a process ends is told to whoever started it"
)]
fn complain(what: &dyn std::fmt::Display, exit: Exit) -> Exit {
    eprintln!("hook-service: {what}");
    exit
}
