//! The command `certs`: makes and looks after the PKI of IoT Hub. See `certs --help`.
//!
//! Only here are the clock read and randomness drawn from the system.

mod cli;

use std::io;
use std::process::ExitCode;

use clap::Parser;
use time::OffsetDateTime;

use crate::cli::Context;

fn main() -> ExitCode {
    let command = match cli::Command::try_parse() {
        Ok(command) => command,
        Err(error) => return cli::usage(&error),
    };
    // Certificates know whole seconds, so what is printed should too.
    let now = OffsetDateTime::now_utc().truncate_to_second();
    let mut context = Context {
        now,
        rng: rand::rng(),
        out: &mut io::stdout().lock(),
    };
    match command.run(&mut context) {
        Ok(code) => code,
        Err(error) => cli::failed(&error),
    }
}
