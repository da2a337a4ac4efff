//! Ends sessions on one cluster: keep the client out, look, and kick again what comes late.
//!
//! EMQX looks at bans, then asks the hook, then registers the session. A client that was being let in
//! while the ban was placed appears after a kick that found nobody, and stays although it is banned
//! (seen on 5.8.9). So the kick is repeated for as long as such an answer may still be taken.
//!
//! Every step may be done twice. None is done before the fence: a replica of the hooks that has not
//! applied the change would let the client in again.

use std::time::Duration;

use futures::future::join_all;
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
    /// Which of them.
    pub(crate) whose: Whose,
    /// One of more than a thousand at once.
    pub(crate) mass: bool,
    /// What the ban says.
    pub(crate) reason: String,
    /// When the ban ends, in seconds since 1970.
    pub(crate) until_s: i64,
}

/// Which sessions end.
#[derive(Debug, Clone)]
pub(crate) enum Whose {
    /// A device's.
    Device(String),
    /// A device's, if the certificate of this fingerprint opened it.
    Certificate { device: String, fingerprint: String },
    /// All of an account, connected or kept: a session that is resumed keeps its subscriptions, which
    /// nobody is asked about again.
    Account(String),
}

impl Whose {
    /// What an account's client ids begin with: `usr.<accountId>.<tag>`.
    fn prefix(account: &str) -> String {
        format!("usr.{account}.")
    }

    /// Whether a device's session is meant. One that does not tell its certificate is: its client
    /// comes back at once if it may.
    fn means(&self, session: &Session) -> bool {
        let Self::Certificate { fingerprint, .. } = self else {
            return true;
        };
        let shown = session.fingerprint.as_ref();
        shown.is_none_or(|shown| digits(shown).eq(digits(fingerprint)))
    }
}

impl Target {
    /// Whether a ban keeps the client out. Whoever may come back by another certificate, or with
    /// fewer rights, is not banned.
    pub(crate) fn is_banned(&self) -> bool {
        matches!(self.whose, Whose::Device(_)) && !self.mass
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
    match &target.whose {
        Whose::Device(device) if target.mass => {
            let kicked = cluster.kick_in_bulk(device).await;
            kicked.map_err(|error| chain(&error))?;
        }
        Whose::Device(device) => {
            let banned = cluster.ban(device, &target.reason, target.until_s);
            banned.await.map_err(|error| chain(&error))?;
        }
        Whose::Certificate { .. } | Whose::Account(_) => {
            kick_what_is_meant(cluster, target).await?;
        }
    }
    Ok(Instant::now())
}

/// Looks until no session is left.
pub(crate) async fn until_gone(cluster: &Cluster, target: &Target) -> Result<(), String> {
    let began = Instant::now();
    let mut pause = LOOK_FIRST;
    while kick_what_is_meant(cluster, target).await? {
        if began.elapsed() >= GIVE_UP {
            let text = "the broker still has a session after 15 seconds of kicks";
            return Err(text.to_owned());
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(KICK_EVERY);
    }
    Ok(())
}

/// Kicks once more. Says whether there was a session: one that came late.
pub(crate) async fn kick_again(cluster: &Cluster, target: &Target) -> Result<bool, String> {
    if let Whose::Device(device) = &target.whose {
        if !target.mass {
            let kicked = cluster.kick(device).await;
            return kicked.map_err(|error| chain(&error));
        }
        let kicked = cluster.kick_in_bulk(device).await;
        kicked.map_err(|error| chain(&error))?;
    }
    kick_what_is_meant(cluster, target).await
}

/// Looks, and kicks what is meant. Says whether anything was there.
async fn kick_what_is_meant(cluster: &Cluster, target: &Target) -> Result<bool, String> {
    let device = match &target.whose {
        Whose::Device(device) | Whose::Certificate { device, .. } => device,
        Whose::Account(account) => return kick_all(cluster, &Whose::prefix(account)).await,
    };
    let look = cluster.look(device).await;
    match look.map_err(|error| chain(&error))? {
        Some(session) if target.whose.means(&session) => {
            let kicked = cluster.kick(device).await;
            kicked.map_err(|error| chain(&error))?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Kicks every session whose client id begins so. Says whether there was any.
async fn kick_all(cluster: &Cluster, prefix: &str) -> Result<bool, String> {
    let sessions = cluster.sessions_with_prefix(prefix).await;
    let sessions = sessions.map_err(|error| chain(&error))?;
    let kicks = sessions.iter().map(|id| cluster.kick_in_bulk(id));
    for kicked in join_all(kicks).await {
        kicked.map_err(|error| chain(&error))?;
    }
    Ok(!sessions.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_session_of_the_certificate_is_meant_unless_it_does_not_tell() {
        let device = Whose::Device("tent-1".to_owned());
        let session = |shown: Option<&str>| Session {
            fingerprint: shown.map(str::to_owned),
        };
        assert!(device.means(&session(Some("AB:CD"))));
        let certificate = Whose::Certificate {
            device: "tent-1".to_owned(),
            fingerprint: "abcd".to_owned(),
        };
        assert!(certificate.means(&session(Some("AB:CD"))));
        assert!(certificate.means(&session(None)));
        assert!(!certificate.means(&session(Some("AB:CE"))));
    }

    #[test]
    fn only_a_device_that_is_out_is_banned_and_not_in_a_mass() {
        let target = |whose, mass| Target {
            whose,
            mass,
            reason: String::new(),
            until_s: 0,
        };
        let device = Whose::Device("tent-1".to_owned());
        let account = Whose::Account("0190".to_owned());
        assert!(target(device.clone(), false).is_banned());
        assert!(!target(device, true).is_banned());
        assert!(!target(account, false).is_banned());
    }
}
