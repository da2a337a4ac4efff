//! `api-service healthcheck`: for containers without curl.

use std::time::Duration;

use service_kit::{Exit, healthcheck};

use super::complain;
use crate::config::{DEFAULT_OPS_LISTEN, PREFIX};

/// Longest time to wait for an answer.
const WAIT_MAX: Duration = Duration::from_secs(2);

pub(super) fn run() -> Exit {
    let values = std::env::vars().collect();
    match healthcheck::check(PREFIX, DEFAULT_OPS_LISTEN, &values, WAIT_MAX) {
        Ok(()) => Exit::Ok,
        Err(reason) => complain(Exit::Failed, reason),
    }
}
