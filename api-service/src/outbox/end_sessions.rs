//! Ends a device's sessions on the broker: ban, then kick and look until nothing is left.
//!
//! EMQX looks at bans, then asks the hook, then registers the session. A device that was being let in
//! while the ban was placed appears after a kick that found nobody, and stays although it is banned
//! (seen on 5.8.9). So the kick is repeated for as long as such an answer may still be taken.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;

use crate::broker::{Broker, BrokerError};

/// How long a ban stands. It only bridges the time until every replica of the hooks denies the
/// device; afterwards they do, so a ban that is lost or ends early opens nothing.
const BAN: time::Duration = time::Duration::minutes(5);

/// Between two kicks.
const KICK_EVERY: Duration = Duration::from_millis(500);

/// An answer given before the ban can be taken this long after it: EMQX's request time-out of 2 s,
/// half a second to register, and a margin.
pub(crate) const SETTLE: Duration = Duration::from_millis(3500);

/// A session that is still there after this long makes the attempt fail, to be tried again.
const GIVE_UP: Duration = Duration::from_secs(15);

/// One step. A fence (every replica of the hooks has applied the change) comes before them later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Keep the device from connecting again while replicas catch up, and end its session.
    Ban,
    /// Kick and look, repeatedly.
    Clear,
}

/// In this order.
const STEPS: [Step; 2] = [Step::Ban, Step::Clear];

/// Why an attempt did not end the sessions.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndError {
    /// The broker.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// Kicked again and again, and still there.
    #[error("the broker still has a session of the device after 15 seconds of kicks")]
    StillThere,
}

/// What to end, and why.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending<'a> {
    /// The device, whose id is its client id.
    pub(crate) device_id: &'a str,
    /// The change that forbade it.
    pub(crate) change_number: Option<i64>,
    /// Now, for the ban's end.
    pub(crate) now: OffsetDateTime,
    /// How long kicks are repeated after the ban: [`SETTLE`] but in tests.
    pub(crate) settle: Duration,
}

/// Carries all steps out. Safe to repeat.
pub(crate) async fn end_sessions(broker: &Broker, ending: Ending<'_>) -> Result<(), EndError> {
    for step in STEPS {
        match step {
            Step::Ban => ban(broker, ending).await?,
            Step::Clear => clear(broker, ending).await?,
        }
    }
    Ok(())
}

async fn ban(broker: &Broker, ending: Ending<'_>) -> Result<(), EndError> {
    let number = ending
        .change_number
        .map_or_else(|| "none".to_owned(), |n| n.to_string());
    let reason = format!("iot-hub change {number}: device revoked");
    let until_s = (ending.now + BAN).unix_timestamp();
    Ok(broker.ban(ending.device_id, &reason, until_s).await?)
}

async fn clear(broker: &Broker, ending: Ending<'_>) -> Result<(), EndError> {
    let began = Instant::now();
    loop {
        broker.kick(ending.device_id).await?;
        let gone = !broker.has_session(ending.device_id).await?;
        let waited = began.elapsed();
        if gone && waited >= ending.settle {
            return Ok(());
        }
        if waited >= GIVE_UP {
            return Err(EndError::StillThere);
        }
        tokio::time::sleep(KICK_EVERY.min(ending.settle)).await;
    }
}
