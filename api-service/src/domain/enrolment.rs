//! May this request for a certificate be granted, and what happens to the older certificates?
//!
//! A device is registered once. Later certificates are renewals and must say so, so that a second
//! factory line that reuses an id by mistake, or a thief who knows one, gets nothing.

use certs::Fingerprint;

use schema::Lifecycle;

/// So many certificates of a device are active at once: the new one, and the one it replaces until
/// the device has changed over.
pub(crate) const ACTIVE_CERTIFICATES_MAX: usize = 2;

/// What is known of the device when the request comes.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Its place in life.
    pub(crate) lifecycle: Lifecycle,
    /// The public key of its newest certificate (SPKI in DER).
    pub(crate) public_key: Vec<u8>,
    /// Its model.
    pub(crate) model: String,
    /// Its active certificates, newest first.
    pub(crate) active: Vec<Fingerprint>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// Whether the request says that it is a renewal.
    pub(crate) renew: bool,
    /// The public key of the request (SPKI in DER).
    pub(crate) public_key: &'a [u8],
    /// The model.
    pub(crate) model: &'a str,
    /// Whether the caller may give a known device another key.
    pub(crate) may_replace_key: bool,
}

/// How the request is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Enrolment {
    /// A new device.
    New,
    /// Another certificate of a known device. These older ones are retired.
    Renewal {
        /// Certificates to retire.
        retire: Vec<Fingerprint>,
    },
}

/// Why the request is not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The id is taken and the request is no renewal.
    Exists,
    /// A renewal of a device that does not exist.
    Unknown,
    /// The device is out for good.
    Revoked,
    /// A renewal under another model's name.
    OtherModel,
    /// A renewal with another key by somebody who may not replace keys.
    OtherKey,
}

/// Decides.
pub(crate) fn decide(known: Option<&Known>, asked: Asked<'_>) -> Result<Enrolment, Refusal> {
    let Some(known) = known else {
        return if asked.renew {
            Err(Refusal::Unknown)
        } else {
            Ok(Enrolment::New)
        };
    };
    if known.lifecycle == Lifecycle::Revoked {
        return Err(Refusal::Revoked);
    }
    if !asked.renew {
        return Err(Refusal::Exists);
    }
    if known.model != asked.model {
        return Err(Refusal::OtherModel);
    }
    // With another key the device would be another device under the same name: that takes a
    // replaced secure element and somebody who answers for it, not just a factory's account.
    if known.public_key != asked.public_key && !asked.may_replace_key {
        return Err(Refusal::OtherKey);
    }
    let kept = ACTIVE_CERTIFICATES_MAX - 1;
    Ok(Enrolment::Renewal {
        retire: known.active.iter().skip(kept).copied().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"key";

    fn known(active: u8) -> Known {
        Known {
            lifecycle: Lifecycle::Unbound,
            public_key: KEY.to_vec(),
            model: "m".to_owned(),
            active: (0..active)
                .map(|n| Fingerprint::from_bytes([n; 32]))
                .collect(),
        }
    }

    fn asked() -> Asked<'static> {
        Asked {
            renew: true,
            public_key: KEY,
            model: "m",
            may_replace_key: false,
        }
    }

    #[test]
    fn an_unknown_id_is_registered_and_never_renewed() {
        assert_eq!(
            decide(
                None,
                Asked {
                    renew: false,
                    ..asked()
                }
            ),
            Ok(Enrolment::New)
        );
        assert_eq!(decide(None, asked()), Err(Refusal::Unknown));
    }

    #[test]
    fn a_known_id_is_renewed_and_never_registered() {
        let plain = Asked {
            renew: false,
            ..asked()
        };
        assert_eq!(decide(Some(&known(1)), plain), Err(Refusal::Exists));
        let renewed = decide(Some(&known(1)), asked());
        assert_eq!(renewed, Ok(Enrolment::Renewal { retire: vec![] }));
    }

    #[test]
    fn two_certificates_stay_active_and_older_ones_retire() {
        let Ok(Enrolment::Renewal { retire }) = decide(Some(&known(3)), asked()) else {
            panic!("a renewal");
        };
        let expected = [1, 2].map(|n| Fingerprint::from_bytes([n; 32]));
        assert_eq!(retire, expected);
    }

    #[test]
    fn another_key_takes_the_right_to_replace_keys() {
        let other = Asked {
            public_key: b"other",
            ..asked()
        };
        assert_eq!(decide(Some(&known(1)), other), Err(Refusal::OtherKey));
        let allowed = Asked {
            may_replace_key: true,
            ..other
        };
        assert!(decide(Some(&known(1)), allowed).is_ok());
    }

    #[test]
    fn another_model_is_no_renewal() {
        let other = Asked {
            model: "n",
            may_replace_key: true,
            ..asked()
        };
        assert_eq!(decide(Some(&known(1)), other), Err(Refusal::OtherModel));
    }

    #[test]
    fn a_revoked_device_gets_nothing_more() {
        for renew in [true, false] {
            let known = Known {
                lifecycle: Lifecycle::Revoked,
                ..known(0)
            };
            let asked = Asked {
                renew,
                may_replace_key: true,
                ..asked()
            };
            assert_eq!(decide(Some(&known), asked), Err(Refusal::Revoked));
        }
    }
}
