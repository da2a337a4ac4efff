//! The root, which signs issuing authorities and nothing else.

use std::path::Path;

use rand::CryptoRng;
use time::{Duration, OffsetDateTime};

use super::{AuthorityError, CaKind, IssuingCa, Pair};
use crate::issue::BACKDATE;
use crate::names::{check_organization, distinguished};
use crate::profile::Profile;
use crate::sign::{Window, sign_certificate};
use crate::{Certificate, IssueError, MAX_CA_DAYS, PrivateKey, PublicKey, Serial};

/// The self-signed root. Its key belongs offline once the issuing authorities are made.
#[derive(Debug)]
pub struct RootCa {
    pub(crate) pair: Pair,
}

impl RootCa {
    /// Makes the self-signed certificate for a new key.
    pub fn create(
        key: PrivateKey,
        organization: &str,
        days: u16,
        now: OffsetDateTime,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Self, IssueError> {
        let window = authority_window(now, days)?;
        let public_key = key.public_key();
        let name = authority_name("Root", organization, &public_key)?;
        let identifier = public_key.identifier();
        let profile = Profile::authority(name.clone(), name, &public_key, &identifier, None)?;
        let certificate =
            sign_certificate(profile, Serial::random(rng), window, &public_key, &key)?;
        let pair = Pair {
            certificate,
            key,
            key_identifier: identifier.to_vec(),
        };
        Ok(Self { pair })
    }

    /// Reads certificate and key from files; the same rules as [`IssuingCa::load`].
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, AuthorityError> {
        Ok(Self {
            pair: Pair::load(certificate, key)?,
        })
    }

    /// Its certificate, which devices and brokers trust.
    pub fn certificate(&self) -> &Certificate {
        &self.pair.certificate
    }

    /// Signs an issuing authority for a new key: path length 0, so that no authority can stand
    /// below it; ends with the root at the latest.
    ///
    /// No extended key usage: whether EMQX takes an authority that has one was never tried.
    pub fn issue_authority(
        &self,
        kind: CaKind,
        key: PrivateKey,
        organization: &str,
        days: u16,
        now: OffsetDateTime,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<IssuingCa, IssueError> {
        let end = self.pair.certificate.not_after();
        if end <= now {
            return Err(IssueError::IssuerExpired { not_after: end });
        }
        let mut window = authority_window(now, days)?;
        window.not_after = window.not_after.min(end);
        let public_key = key.public_key();
        let subject = authority_name(kind.title(), organization, &public_key)?;
        let issuer = &self.pair;
        let profile = Profile::authority(
            issuer.name(),
            subject,
            &public_key,
            &issuer.key_identifier,
            Some(0),
        )?;
        let serial = Serial::random(rng);
        let certificate = sign_certificate(profile, serial, window, &public_key, &issuer.key)?;
        IssuingCa::new(kind, certificate, key).map_err(|_| crate::sign::SignError::SelfCheck.into())
    }
}

fn authority_window(now: OffsetDateTime, days: u16) -> Result<Window, IssueError> {
    let refused = IssueError::AuthorityDays { days };
    if !(1..=MAX_CA_DAYS).contains(&days) {
        return Err(refused);
    }
    let ends = now.checked_add(Duration::days(days.into()));
    match (now.checked_sub(BACKDATE), ends) {
        (Some(not_before), Some(not_after)) => Ok(Window {
            not_before,
            not_after,
        }),
        _ => Err(refused),
    }
}

/// A name of its own for every key: two authorities of one name can't be told apart by verifiers
/// that look issuers and revocation lists up by name.
fn authority_name(
    title: &str,
    organization: &str,
    key: &PublicKey,
) -> Result<x509_cert::name::Name, IssueError> {
    check_organization(organization)?;
    let [a, b, c, d, ..] = key.identifier();
    let common_name = format!("IoT Hub {title} CA {a:02X}{b:02X}{c:02X}{d:02X}");
    Ok(distinguished(&common_name, Some(organization))?)
}
