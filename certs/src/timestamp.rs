//! Between the clock's time and the two forms that certificates know.
//!
//! Whole seconds in UTC; RFC 5280 section 4.1.2.5 wants the short form up to 2049.

use std::time::SystemTime;

use time::OffsetDateTime;
use x509_cert::time::Time;

/// The form for a certificate or list. Fails before 1970 and after 9999.
pub(crate) fn to_x509(at: OffsetDateTime) -> der::Result<Time> {
    let seconds = u64::try_from(at.unix_timestamp())
        .map_err(|_| der::Error::from(der::ErrorKind::DateTime))?;
    let since_epoch = std::time::Duration::from_secs(seconds);
    der::DateTime::from_unix_duration(since_epoch).map(Time::from)
}

/// The clock's form of a certificate's time.
pub(crate) fn from_x509(at: Time) -> OffsetDateTime {
    SystemTime::from(at).into()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::{from_x509, to_x509};

    #[test]
    fn times_of_both_forms_survive_the_way_there_and_back() {
        for at in [
            datetime!(1970-01-01 0:00 UTC),
            datetime!(2049-12-31 23:59:59 UTC),
            datetime!(2050-01-01 0:00 UTC),
            datetime!(9999-12-31 23:59:59 UTC),
        ] {
            assert_eq!(to_x509(at).map(from_x509), Ok(at));
        }
    }

    #[test]
    fn a_time_before_1970_is_refused() {
        assert!(to_x509(datetime!(1969-12-31 23:59:59 UTC)).is_err());
    }

    #[test]
    fn fractions_of_a_second_are_dropped() {
        let at = datetime!(2026-11-22 10:00:00.9 UTC);
        assert_eq!(
            to_x509(at).map(from_x509),
            Ok(datetime!(2026-11-22 10:00 UTC))
        );
    }
}
