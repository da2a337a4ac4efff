//! `api-service doctor`: whether the broker, the database, the hooks and our settings fit together.
//!
//! Three steps that know nothing of each other: `gather` reads raw facts and never judges, `checks`
//! are pure functions from facts to findings, `report` renders them. Nothing is changed anywhere,
//! and nothing that could not be read passes for clean.

use time::OffsetDateTime;

pub(crate) use facts::{Identity, Login, OurSettings, Version};
pub(crate) use gather::{Live, Wanted};
pub(crate) use report::{Report, markdown};

mod checks;
mod facts;
mod finding;
mod gather;
mod report;

/// Looks at everything that is wanted, and judges it.
pub(crate) async fn run(wanted: Wanted) -> Report {
    let facts = gather::all(wanted, OffsetDateTime::now_utc()).await;
    let findings = checks::run(&facts);
    Report::new(&facts, findings)
}
