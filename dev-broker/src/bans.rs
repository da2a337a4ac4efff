//! The table of bans. Asked before authentication, so a banned client never reaches a hook.
//!
//! Times come in as Unix seconds; nothing here reads a clock. Only `clientid`, `username` and
//! `peerhost` exist: the patterns of EMQX 5.6 are not used by this project.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What a ban names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum BanKind {
    /// A client id; such a ban also ends its session.
    ClientId,
    /// A user name.
    Username,
    /// An address.
    PeerHost,
}

impl BanKind {
    /// The word of the management API.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ClientId => "clientid",
            Self::Username => "username",
            Self::PeerHost => "peerhost",
        }
    }

    /// Reads the word of the management API.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::ClientId, Self::Username, Self::PeerHost]
            .into_iter()
            .find(|k| k.as_str() == word)
    }
}

/// One ban.
#[derive(Debug, Clone)]
pub(crate) struct Ban {
    /// Who set it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// From when, Unix seconds.
    pub at: i64,
    /// Until when, Unix seconds; `None` is for ever (5.8.1 and later).
    pub until: Option<i64>,
}

impl Ban {
    fn holds(&self, now: i64) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

/// All bans of one broker. At most [`Bans::MAX`].
#[derive(Debug, Default)]
pub(crate) struct Bans {
    table: Mutex<BTreeMap<(BanKind, String), Ban>>,
}

/// Why a ban was not set.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BanRefused {
    /// The same ban exists; its `until` stays as it is (seen on 5.8.9).
    Exists,
    /// The table is full.
    Full,
}

impl Bans {
    /// Most bans kept at once.
    pub(crate) const MAX: usize = 100_000;

    /// Sets a ban.
    pub(crate) fn set(
        &self,
        kind: BanKind,
        who: &str,
        ban: Ban,
        now: i64,
    ) -> Result<(), BanRefused> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|_, held| held.holds(now));
        if table.contains_key(&(kind, who.to_owned())) {
            return Err(BanRefused::Exists);
        }
        if table.len() >= Self::MAX {
            return Err(BanRefused::Full);
        }
        table.insert((kind, who.to_owned()), ban);
        Ok(())
    }

    /// Removes a ban; false if there was none.
    pub(crate) fn remove(&self, kind: BanKind, who: &str) -> bool {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.remove(&(kind, who.to_owned())).is_some()
    }

    /// Removes all bans.
    pub(crate) fn clear(&self) {
        self.table
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Whether any of the three names is banned now.
    pub(crate) fn hits(
        &self,
        client_id: &str,
        username: Option<&str>,
        peerhost: &str,
        now: i64,
    ) -> bool {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if table.is_empty() {
            return false;
        }
        let held = |kind, who: &str| {
            table
                .get(&(kind, who.to_owned()))
                .is_some_and(|ban| ban.holds(now) && ban.at <= now)
        };
        held(BanKind::ClientId, client_id)
            || username.is_some_and(|name| held(BanKind::Username, name))
            || held(BanKind::PeerHost, peerhost)
    }

    /// The bans that hold now, in order.
    pub(crate) fn list(&self, now: i64) -> Vec<(BanKind, String, Ban)> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let held = table.iter().filter(|(_, ban)| ban.holds(now));
        held.map(|((kind, who), ban)| (*kind, who.clone(), ban.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ban(until: Option<i64>) -> Ban {
        Ban {
            by: "test".to_owned(),
            reason: String::new(),
            at: 0,
            until,
        }
    }

    #[test]
    fn a_ban_ends_at_its_second() {
        let bans = Bans::default();
        bans.set(BanKind::ClientId, "d1", ban(Some(100)), 50)
            .expect("the table is empty");
        assert!(bans.hits("d1", None, "127.0.0.1", 99));
        assert!(!bans.hits("d1", None, "127.0.0.1", 100));
    }

    #[test]
    fn a_second_ban_is_refused_and_does_not_extend_the_first() {
        let bans = Bans::default();
        bans.set(BanKind::ClientId, "d1", ban(Some(100)), 50)
            .expect("the table is empty");
        assert_eq!(
            bans.set(BanKind::ClientId, "d1", ban(None), 60),
            Err(BanRefused::Exists)
        );
        assert_eq!(bans.list(60)[0].2.until, Some(100));
        assert_eq!(bans.set(BanKind::ClientId, "d1", ban(None), 101), Ok(()));
    }

    #[test]
    fn user_names_and_addresses_are_other_names() {
        let bans = Bans::default();
        bans.set(BanKind::Username, "d1", ban(None), 0)
            .expect("the table is empty");
        assert!(!bans.hits("d1", None, "d1", 1));
        assert!(bans.hits("x", Some("d1"), "127.0.0.1", 1));
    }
}
