//! Bytes for each device, at one and at ten million. No database takes part.

use anyhow::Context;

use super::Found;
use crate::machine;
use crate::report::say;
use crate::servers::child::Server;

/// Each size in a process of its own, so that one does not reuse what the other left.
pub(super) fn measure(quick: bool, found: &mut Found) -> anyhow::Result<()> {
    let mut sizes = vec![(1_000_000_u64, "1m")];
    // The rows of a full load and the table stand in memory together for a moment.
    if !quick && machine::available_gib().is_some_and(|gib| gib >= 6) {
        sizes.push((10_000_000, "10m"));
    } else {
        say("10 million devices are left out: --quick, or less than 6 GiB of memory are free");
    }
    for (devices, name) in sizes {
        say(&format!("a table of {devices} devices is being built"));
        let server = Server::start(&["serve-hooks", "--devices", &devices.to_string()])?;
        let of = |key: &str| {
            server.announced[key]
                .as_u64()
                .context("the server counts its bytes")
        };
        found.note(
            &format!("bytes_per_device_{name}"),
            of("table_heap_bytes")? / devices,
        );
        let resident = of("resident_bytes")?.saturating_sub(of("resident_bytes_before")?);
        found.note(
            &format!("resident_bytes_per_device_{name}"),
            resident / devices,
        );
    }
    Ok(())
}
