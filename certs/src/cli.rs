//! Arguments, output and exit codes of the command.
//!
//! 0 done, 64 bad usage, 78 a key or certificate file that can't be used, 1 everything else.
//! Nothing secret is ever written to the output.

mod broker;
mod check_csr;
mod crl;
mod device;
mod fingerprint;
mod init;
mod report;
mod rotate;
mod service;

use std::io::{self, Write};
use std::process::ExitCode;

use certs::PkiFolderError;
use clap::Parser;
use rand::rngs::ThreadRng;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const BAD_USAGE: u8 = 64;
const BAD_FILE: u8 = 78;

/// Makes and looks after the certificates of IoT Hub: one root, issuing authorities for devices,
/// service clients and servers, and their revocation lists.
///
/// Private keys are written with mode 0600 and never overwritten. Everything is P-256.
#[derive(Parser, Debug)]
#[command(name = "certs", version)]
pub(crate) enum Command {
    Init(init::Init),
    Rotate(rotate::Rotate),
    Broker(broker::Broker),
    Service(service::Service),
    Device(device::DeviceIssue),
    Crl(crl::Crl),
    Fingerprint(fingerprint::FingerprintOf),
    CheckCsr(check_csr::CheckCsr),
    Report(report::Report),
}

/// What a command gets from outside.
pub(crate) struct Context<'a> {
    pub(crate) now: OffsetDateTime,
    pub(crate) rng: ThreadRng,
    pub(crate) out: &'a mut dyn Write,
}

impl Context<'_> {
    /// Writes the lines for people, or the value for programs.
    pub(crate) fn say(&mut self, json: bool, lines: &str, value: &Value) -> io::Result<()> {
        if json {
            writeln!(self.out, "{value:#}")
        } else {
            writeln!(self.out, "{lines}")
        }
    }
}

impl Command {
    pub(crate) fn run(self, context: &mut Context<'_>) -> anyhow::Result<ExitCode> {
        match self {
            Self::Init(command) => command.run(context),
            Self::Rotate(command) => command.run(context),
            Self::Broker(command) => command.run(context),
            Self::Service(command) => command.run(context),
            Self::Device(command) => command.run(context),
            Self::Crl(command) => command.run(context),
            Self::Fingerprint(command) => command.run(context),
            Self::CheckCsr(command) => command.run(context),
            Self::Report(command) => command.run(context),
        }
    }
}

/// Prints help, or what is wrong with the arguments.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    // Nobody reads the output any more when this fails.
    let _ = error.print();
    if error.use_stderr() {
        ExitCode::from(BAD_USAGE)
    } else {
        ExitCode::SUCCESS
    }
}

/// Prints one sentence and chooses the exit code.
pub(crate) fn failed(error: &anyhow::Error) -> ExitCode {
    let _ = writeln!(io::stderr(), "certs: {error:#}");
    // The files are part of the configuration; what is asked of them is not.
    let file = match error.downcast_ref::<PkiFolderError>() {
        Some(PkiFolderError::Issue(_) | PkiFolderError::TooMany) | None => false,
        Some(_) => true,
    };
    ExitCode::from(if file { BAD_FILE } else { 1 })
}

/// A time as RFC 3339 in UTC.
pub(crate) fn shown(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_else(|_| at.to_string())
}

/// Reads a file, or standard input for `-`.
pub(crate) fn read_input(path: &std::path::Path, limit_bytes: usize) -> anyhow::Result<Vec<u8>> {
    use anyhow::Context as _;
    use certs::folder::read::{read_all, read_limited};
    let read = if path.as_os_str() == "-" {
        read_all(io::stdin().lock(), limit_bytes)
    } else {
        read_limited(path, limit_bytes)
    };
    read.with_context(|| path.display().to_string())
}
