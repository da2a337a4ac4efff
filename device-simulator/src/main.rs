//! The command `device-simulator`. Everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    device_simulator::cli::main()
}
