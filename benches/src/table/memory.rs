//! Bytes for each device, at one and at ten million. No database takes part.

use anyhow::{Context, ensure};

use super::Found;
use crate::machine;
use crate::report::say;
use crate::servers::child::Server;

/// Free memory that ten million devices need.
const GIB_OF_TEN_MILLION: u64 = 6;

/// Whether ten million devices are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TenMillion {
    /// It is said that they are not.
    LeftOut,
    /// And if not, it is said.
    IfTheyFit,
    /// The run is refused where they do not fit.
    Wanted,
}

/// Each size in a process of its own, so that one does not reuse what the other left.
pub(super) fn measure(ten_million: TenMillion, found: &mut Found) -> anyhow::Result<()> {
    let mut sizes = vec![(1_000_000_u64, "1m")];
    // The rows of a full load and the table stand in memory together for a moment.
    let fit = machine::available_gib().is_some_and(|gib| gib >= GIB_OF_TEN_MILLION);
    match ten_million {
        TenMillion::Wanted => {
            ensure!(
                fit,
                "refused: 10 million devices need {GIB_OF_TEN_MILLION} GiB of free memory"
            );
            sizes.push((10_000_000, "10m"));
        }
        TenMillion::IfTheyFit if fit => sizes.push((10_000_000, "10m")),
        TenMillion::IfTheyFit => say(&format!(
            "10 million devices are left out: less than {GIB_OF_TEN_MILLION} GiB of memory are free"
        )),
        TenMillion::LeftOut => say("10 million devices are left out: --quick"),
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
