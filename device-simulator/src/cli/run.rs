//! `run`: enrol, connect, report, until the time is up or a signal comes.

use std::process::ExitCode;

use super::args::RunArgs;
use super::{conclude, runtime, signals};
use crate::failure::Failure;
use crate::fleet::{self, Connection};
use crate::session::Broker;
use crate::trust::ServerTrust;

pub(super) fn run(args: Box<RunArgs>) -> Result<ExitCode, Failure> {
    let broker = Broker::parse(&args.mqtts, args.keep_alive, args.session_expiry)?;
    let trust = args
        .server_trust
        .as_deref()
        .map(ServerTrust::from_file)
        .transpose()?;
    let (backoff_base, backoff_max) = (args.fleet.backoff_base, args.fleet.backoff_max);
    let fleet = args.fleet.open()?;
    runtime()?.block_on(async {
        let stop = signals::stop()?;
        let trust = if let Some(trust) = trust {
            trust
        } else {
            let pem = fleet.api.server_trust().await?;
            ServerTrust::from_pem(pem.as_bytes(), "the server CA that the API answered")?
        };
        let connection = Connection {
            broker,
            trust,
            interval: args.interval,
            seed: args.seed,
            backoff_base,
            backoff_max,
            connect_concurrency: usize::from(args.connect_concurrency),
            goodbye: args.goodbye,
            duration: args.duration,
        };
        let output = fleet.output;
        let summary = fleet::run(fleet, Some(connection), stop).await?;
        Ok(conclude(&summary, output))
    })
}
