//! `qr`: print a device's code, as it would be printed on its box.

use std::io::Write;
use std::process::ExitCode;

use super::args::QrArgs;
use crate::device_id::DeviceId;
use crate::failure::Failure;
use crate::{qr, state};

pub(super) fn run(args: &QrArgs) -> Result<ExitCode, Failure> {
    let id = DeviceId::parse(&args.device)?;
    let record = state::peek(&args.state, &id)
        .map_err(|error| Failure::config(error.to_string()))?
        .ok_or_else(|| {
            Failure::config(format!(
                "{id} is not enrolled in {}: name the --state it was enrolled into, or enrol it first",
                args.state.display()
            ))
        })?;
    let code = qr::draw(&record.qr_payload, !args.light)
        .map_err(|error| Failure::other(format!("the payload does not fit a QR code: {error}")))?;
    let text = format!(
        "{code}\n{}  {}  {}\n{}\n",
        record.device_id, record.model, record.fingerprint, record.qr_payload
    );
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::other(format!("stdout cannot be written: {error}")))?;
    Ok(ExitCode::SUCCESS)
}
