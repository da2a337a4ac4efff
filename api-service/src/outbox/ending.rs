//! Ends a client's sessions on one cluster: keep it out, look, and kick again what comes late.
//!
//! EMQX looks at bans, then asks the hook, then registers the session. A client that was being let in
//! while the ban was placed appears after a kick that found nobody, and stays although it is banned
//! (seen on 5.8.9). So the kick is repeated for as long as such an answer may still be taken.
//!
//! Every step may be done twice. None is done before the fence: a replica of the hooks that has not
//! applied the change would let the client in again.

use std::time::Duration;

use tokio::time::Instant;

use crate::broker::{Cluster, Session};
use crate::problem::chain;

/// How long a ban stands. It only bridges the time in which something may still answer from memory
/// for the hooks; they deny by themselves, so a ban that is lost or ends early opens nothing.
pub(crate) const BAN: time::Duration = time::Duration::minutes(5);

/// A session that is still there after so long makes the attempt fail, to be tried again.
pub(crate) const GIVE_UP: Duration = Duration::from_secs(15);

/// The first pause between two looks at a session that does not go; it doubles up to [`KICK_EVERY`].
const LOOK_FIRST: Duration = Duration::from_millis(20);

/// Between two kicks.
pub(crate) const KICK_EVERY: Duration = Duration::from_millis(500);

/// An answer given before the fence can be taken this long after it: EMQX's request time-out of 2 s,
/// half a second to register, and a margin.
pub(crate) const SETTLE: Duration = Duration::from_millis(3500);

/// Whose sessions end, and how.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The client id.
    pub(crate) client_id: String,
    /// Only the session that the certificate of this fingerprint opened.
    pub(crate) only: Option<String>,
    /// One of more than a thousand at once.
    pub(crate) mass: bool,
    /// What the ban says.
    pub(crate) reason: String,
    /// When the ban ends, in seconds since 1970.
    pub(crate) until_s: i64,
}

impl Target {
    /// Whether a session is meant. One that does not tell its certificate is: its client comes back
    /// at once if it may.
    fn means(&self, session: &Session) -> bool {
        let Some(only) = &self.only else {
            return true;
        };
        session
            .fingerprint
            .as_ref()
            .is_none_or(|shown| digits(shown).eq(digits(only)))
    }
}

/// A fingerprint's digits: written with colons or without, in any case.
fn digits(fingerprint: &str) -> impl Iterator<Item = char> + '_ {
    let digits = fingerprint.chars().filter(|c| *c != ':');
    digits.map(|c| c.to_ascii_lowercase())
}

/// Keeps the client out and ends its session. Gives the moment when the cluster had taken that.
pub(crate) async fn keep_out(cluster: &Cluster, target: &Target) -> Result<Instant, String> {
    cluster.forget_answers().await.map_err(|e| chain(&e))?;
    if target.mass {
        let kicked = cluster.kick_in_bulk(&target.client_id).await;
        kicked.map_err(|error| chain(&error))?;
    } else if target.only.is_none() {
        let banned = cluster.ban(&target.client_id, &target.reason, target.until_s);
        banned.await.map_err(|error| chain(&error))?;
    } else {
        kick_if_meant(cluster, target).await?;
    }
    Ok(Instant::now())
}

/// Looks until no session is left.
pub(crate) async fn until_gone(cluster: &Cluster, target: &Target) -> Result<(), String> {
    let began = Instant::now();
    let mut pause = LOOK_FIRST;
    while kick_if_meant(cluster, target).await? {
        if began.elapsed() >= GIVE_UP {
            let text = "the broker still has a session of the device after 15 seconds of kicks";
            return Err(text.to_owned());
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(KICK_EVERY);
    }
    Ok(())
}

/// Kicks once more. Says whether there was a session: one that came late.
pub(crate) async fn kick_again(cluster: &Cluster, target: &Target) -> Result<bool, String> {
    if target.mass {
        let kicked = cluster.kick_in_bulk(&target.client_id).await;
        kicked.map_err(|error| chain(&error))?;
    }
    if target.mass || target.only.is_some() {
        return kick_if_meant(cluster, target).await;
    }
    let kicked = cluster.kick(&target.client_id).await;
    kicked.map_err(|error| chain(&error))
}

/// Looks, and kicks what is meant. Says whether it was there.
async fn kick_if_meant(cluster: &Cluster, target: &Target) -> Result<bool, String> {
    let look = cluster.look(&target.client_id).await;
    match look.map_err(|error| chain(&error))? {
        Some(session) if target.means(&session) => {
            let kicked = cluster.kick(&target.client_id).await;
            kicked.map_err(|error| chain(&error))?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_session_of_the_certificate_is_meant_unless_it_does_not_tell() {
        let mut target = Target {
            client_id: "tent-1".to_owned(),
            only: None,
            mass: false,
            reason: String::new(),
            until_s: 0,
        };
        let session = |shown: Option<&str>| Session {
            fingerprint: shown.map(str::to_owned),
        };
        assert!(target.means(&session(Some("AB:CD"))));
        target.only = Some("abcd".to_owned());
        assert!(target.means(&session(Some("AB:CD"))));
        assert!(target.means(&session(None)));
        assert!(!target.means(&session(Some("AB:CE"))));
    }
}
