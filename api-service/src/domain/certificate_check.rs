//! Whether a certificate that somebody shows lets its device in, and every reason why not.
//!
//! Two kinds of facts: what the certificate says by itself, which anybody may check, and what is known
//! of its device, which only those learn who see that device. To all others a certificate of another's
//! device and one that nobody registered look alike.

use schema::{CertificateState, Lifecycle};
use time::OffsetDateTime;

/// What a certificate says by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown {
    /// One of our device authorities signed it.
    pub(crate) is_ours: bool,
    /// It is for a TLS client and nothing else.
    pub(crate) is_for_devices: bool,
    /// Its key is one that devices may have (P-256).
    pub(crate) has_good_key: bool,
    /// First second of validity.
    pub(crate) not_before: OffsetDateTime,
    /// Last second of validity.
    pub(crate) not_after: OffsetDateTime,
}

/// What the asker may know of the device.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Known {
    /// Nothing: they see no such device.
    Hidden,
    /// They would see the device, and it has no such certificate.
    Unregistered,
    /// They see the device that it is registered to.
    Registered(Record),
}

/// A registered certificate with its device.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    /// It names the device that it is registered to.
    pub(crate) names_its_device: bool,
    pub(crate) state: CertificateState,
    /// The device has an active certificate that was issued later.
    pub(crate) has_newer: bool,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) suspended: bool,
}

/// Defines [`Reason`] from one list: variant, word on the wire, sentence.
macro_rules! reasons {
    ($($(#[$doc:meta])* $reason:ident = $word:literal, $detail:literal;)+) => {
        /// Why a certificate lets nobody in.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Reason {
            $($(#[$doc])* $reason),+
        }

        impl Reason {
            /// The stable word on the wire.
            pub(crate) fn as_str(self) -> &'static str {
                match self {
                    $(Self::$reason => $word),+
                }
            }

            /// What it means, for people.
            pub(crate) fn detail(self) -> &'static str {
                match self {
                    $(Self::$reason => $detail),+
                }
            }
        }
    };
}

reasons! {
    /// Signed by somebody else.
    NotOurs = "not_ours", "none of this service's device authorities signed it";
    /// Its time has not come.
    NotYetValid = "not_yet_valid", "its validity has not begun";
    /// Its time is over.
    Expired = "expired", "its validity is over";
    /// For something else than a device.
    WrongUsage = "wrong_usage", "it is not for TLS clients alone, as devices' certificates are";
    /// A key that no device has.
    WrongKey = "wrong_key", "its key is not an elliptic curve P-256 key";
    /// The asker sees no device that it belongs to.
    NotShown = "not_shown", "the caller sees no device that it belongs to, so nothing is told of its registration";
    /// Nobody registered it.
    NotRegistered = "not_registered", "it is not registered as a certificate of the device";
    /// Another device's.
    OtherDevice = "other_device", "it is registered to another device than the one that it names";
    /// Taken out of use.
    Retired = "retired", "it was taken out of use";
    /// A newer one is there.
    Replaced = "replaced", "a newer certificate of the device took its place";
    /// Withdrawn.
    Revoked = "revoked", "it is revoked for good";
    /// The device is kept out for a while.
    DeviceSuspended = "device_suspended", "its device is suspended";
    /// The device is out for good.
    DeviceRevoked = "device_revoked", "its device is revoked for good";
}

/// Every reason why a certificate lets nobody in at a moment; none if it does.
pub(crate) fn reasons(shown: &Shown, known: Known, now: OffsetDateTime) -> Vec<Reason> {
    let by_itself = [
        (!shown.is_ours, Reason::NotOurs),
        (now < shown.not_before, Reason::NotYetValid),
        (now > shown.not_after, Reason::Expired),
        (!shown.is_for_devices, Reason::WrongUsage),
        (!shown.has_good_key, Reason::WrongKey),
    ];
    let registered = match known {
        Known::Hidden => vec![(true, Reason::NotShown)],
        Known::Unregistered => vec![(true, Reason::NotRegistered)],
        Known::Registered(record) => {
            let is_active = record.state == CertificateState::Active;
            vec![
                (!record.names_its_device, Reason::OtherDevice),
                (record.state == CertificateState::Retired, Reason::Retired),
                (!is_active && record.has_newer, Reason::Replaced),
                (record.state == CertificateState::Revoked, Reason::Revoked),
                (record.suspended, Reason::DeviceSuspended),
                (
                    record.lifecycle == Lifecycle::Revoked,
                    Reason::DeviceRevoked,
                ),
            ]
        }
    };
    let all = by_itself.into_iter().chain(registered);
    all.filter_map(|(holds, reason)| holds.then_some(reason))
        .collect()
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

    const GOOD: Shown = Shown {
        is_ours: true,
        is_for_devices: true,
        has_good_key: true,
        not_before: datetime!(2026-11-22 12:00 UTC),
        not_after: datetime!(2026-11-22 12:00 UTC),
    };

    const ACTIVE: Record = Record {
        names_its_device: true,
        state: CertificateState::Active,
        has_newer: false,
        lifecycle: Lifecycle::Bound,
        suspended: false,
    };

    fn of(record: Record) -> Vec<Reason> {
        reasons(&GOOD, Known::Registered(record), NOW)
    }

    #[test]
    fn a_good_certificate_has_no_reason_against_it_from_its_first_to_its_last_second() {
        assert_eq!(of(ACTIVE), []);
        let known = Known::Registered(ACTIVE);
        let early = reasons(&GOOD, known, NOW - Duration::seconds(1));
        assert_eq!(early, [Reason::NotYetValid]);
        let late = reasons(&GOOD, known, NOW + Duration::seconds(1));
        assert_eq!(late, [Reason::Expired]);
    }

    #[test]
    fn the_older_of_two_active_ones_is_good_as_well() {
        let older = Record {
            has_newer: true,
            ..ACTIVE
        };
        assert_eq!(of(older), []);
    }

    #[test]
    fn every_reason_is_told_at_once() {
        let shown = Shown {
            is_ours: false,
            is_for_devices: false,
            has_good_key: false,
            ..GOOD
        };
        let record = Record {
            names_its_device: false,
            state: CertificateState::Revoked,
            has_newer: true,
            lifecycle: Lifecycle::Revoked,
            suspended: true,
        };
        let told = reasons(
            &shown,
            Known::Registered(record),
            NOW + Duration::seconds(1),
        );
        let words: Vec<_> = told.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(
            words,
            [
                "not_ours",
                "expired",
                "wrong_usage",
                "wrong_key",
                "other_device",
                "replaced",
                "revoked",
                "device_suspended",
                "device_revoked",
            ]
        );
        assert!(told.iter().all(|reason| !reason.detail().is_empty()));
    }

    #[test]
    fn whoever_sees_no_device_is_told_only_what_the_certificate_says() {
        assert_eq!(reasons(&GOOD, Known::Hidden, NOW), [Reason::NotShown]);
        let unregistered = reasons(&GOOD, Known::Unregistered, NOW);
        assert_eq!(unregistered, [Reason::NotRegistered]);
        let retired = Record {
            state: CertificateState::Retired,
            ..ACTIVE
        };
        assert_eq!(of(retired), [Reason::Retired]);
    }
}
