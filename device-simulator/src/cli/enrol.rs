//! `enrol`: give every device its certificate and stop.

use std::process::ExitCode;

use super::args::FleetArgs;
use super::{conclude, runtime, signals};
use crate::failure::Failure;
use crate::fleet;

pub(super) fn run(args: Box<FleetArgs>) -> Result<ExitCode, Failure> {
    let fleet = args.open()?;
    runtime()?.block_on(async {
        let output = fleet.output;
        let summary = fleet::run(fleet, None, signals::stop()?).await?;
        Ok(conclude(&summary, output))
    })
}
