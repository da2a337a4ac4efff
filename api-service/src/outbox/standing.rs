//! Whether a step of an entry is still right, judged by where its device stands now.

use super::kind;
use crate::store::outbox::work::Standing;
use schema::{CertificateState, Lifecycle};

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The step is right.
    Right,
    /// Nothing: a newer entry says what is right, or the device's state does.
    Needless(Option<i64>),
    /// Not to be told: somebody is changing the device at this moment.
    Held,
}

/// Judges. A newer entry for the same device takes the place of an older one: it waits for a fence
/// that contains the older one's, and what it does to the broker is at least as new.
pub(crate) fn judge(kind: &str, standing: &Standing) -> Verdict {
    if standing.superseded_by.is_some() {
        return Verdict::Needless(standing.superseded_by);
    }
    // Ending sessions is right whatever the account has got back: who still has rights comes back.
    if kind == kind::END_ACCOUNT_SESSIONS {
        return Verdict::Right;
    }
    if !standing.is_known {
        return Verdict::Needless(None);
    }
    let Some((lifecycle, suspended)) = standing.device else {
        return Verdict::Held;
    };
    let is_out = lifecycle == Lifecycle::Revoked || suspended;
    let is_right = match kind {
        kind::LIFT_DEVICE_BAN => !is_out,
        kind::END_CERTIFICATE_SESSION => standing
            .certificate
            .is_some_and(|state| state != CertificateState::Active),
        _ => is_out,
    };
    if is_right {
        Verdict::Right
    } else {
        Verdict::Needless(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lifecycle: Lifecycle, suspended: bool) -> Standing {
        Standing {
            device: Some((lifecycle, suspended)),
            is_known: true,
            certificate: None,
            superseded_by: None,
        }
    }

    #[test]
    fn sessions_end_while_the_device_is_out_and_bans_end_while_it_is_in() {
        for (standing, is_out) in [
            (at(Lifecycle::Revoked, false), true),
            (at(Lifecycle::Bound, true), true),
            (at(Lifecycle::Revoked, true), true),
            (at(Lifecycle::Bound, false), false),
            (at(Lifecycle::Unbound, false), false),
        ] {
            let (ends, allows) = if is_out {
                (Verdict::Right, Verdict::Needless(None))
            } else {
                (Verdict::Needless(None), Verdict::Right)
            };
            assert_eq!(judge(kind::END_DEVICE_SESSIONS, &standing), ends);
            assert_eq!(judge(kind::LIFT_DEVICE_BAN, &standing), allows);
        }
    }

    #[test]
    fn a_certificates_session_ends_while_the_certificate_is_out() {
        let mut standing = at(Lifecycle::Bound, false);
        let verdict = |standing: &Standing| judge(kind::END_CERTIFICATE_SESSION, standing);
        assert_eq!(verdict(&standing), Verdict::Needless(None));
        standing.certificate = Some(CertificateState::Active);
        assert_eq!(verdict(&standing), Verdict::Needless(None));
        for state in [CertificateState::Retired, CertificateState::Revoked] {
            standing.certificate = Some(state);
            assert_eq!(verdict(&standing), Verdict::Right);
        }
    }

    #[test]
    fn an_accounts_sessions_end_whatever_it_is_until_a_newer_entry_does_it() {
        let mut standing = Standing {
            device: None,
            is_known: false,
            certificate: None,
            superseded_by: None,
        };
        let verdict = |standing: &Standing| judge(kind::END_ACCOUNT_SESSIONS, standing);
        assert_eq!(verdict(&standing), Verdict::Right);
        standing.superseded_by = Some(7);
        assert_eq!(verdict(&standing), Verdict::Needless(Some(7)));
    }

    #[test]
    fn a_newer_entry_wins_and_a_row_in_change_is_asked_again() {
        let mut standing = at(Lifecycle::Revoked, false);
        standing.superseded_by = Some(7);
        let verdict = judge(kind::END_DEVICE_SESSIONS, &standing);
        assert_eq!(verdict, Verdict::Needless(Some(7)));
        standing.superseded_by = None;
        standing.device = None;
        assert_eq!(judge(kind::END_DEVICE_SESSIONS, &standing), Verdict::Held);
        standing.is_known = false;
        let verdict = judge(kind::END_DEVICE_SESSIONS, &standing);
        assert_eq!(verdict, Verdict::Needless(None));
    }
}
