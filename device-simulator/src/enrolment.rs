//! Manufacturing a device over the API: send the CSR, keep the certificate, survive a bad network.
//!
//! An enrolment is repeated with the same idempotency key until it is answered, so that a lost
//! answer never leaves a registered device without its certificate.

mod answer;
mod api;
mod body;
mod token;
pub mod x509;

use std::time::Duration;

use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio::time::Instant;

pub use answer::AnswerError;
pub use api::{Api, Attempt, parse_url};
pub use token::{TokenError, TokenSource};

use crate::backoff::Backoff;
use crate::device_id::DeviceId;
use crate::hex;
use crate::secure_element::SecureElement;
use crate::state::Enrolment;

/// The body of `POST /api/v1/manufacturing/devices`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    /// The device's id.
    pub device_id: String,
    /// What it is, 1 to 64 characters.
    pub model: String,
    /// Its firmware, 1 to 64 characters.
    pub firmware_version: String,
    /// The PKCS#10 request in PEM.
    pub csr: String,
}

impl Registration {
    /// The registration of one device. The CSR of a key is always the same bytes, so the whole body
    /// is the same each time it is made.
    pub fn new(
        id: &DeviceId,
        model: &str,
        firmware_version: &str,
        element: &SecureElement,
    ) -> der::Result<Self> {
        Ok(Self {
            device_id: id.as_str().to_owned(),
            model: model.to_owned(),
            firmware_version: firmware_version.to_owned(),
            csr: element.certificate_request(id)?.pem().to_owned(),
        })
    }

    /// The same for the same body, another for any other body: a repetition is recognised even
    /// after a restart, and a changed request is never taken for a repetition.
    pub fn idempotency_key(&self) -> String {
        let mut hash = Sha256::new();
        for part in [
            &self.device_id,
            &self.model,
            &self.firmware_version,
            &self.csr,
        ] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finalize();
        format!("enrol-{}", hex::lower(&digest[..16]))
    }
}

/// How long and how often an enrolment is tried.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Bound of the first wait.
    pub base: Duration,
    /// Bound of every wait.
    pub cap: Duration,
    /// When to give up, counted from the first attempt.
    pub total: Duration,
}

/// Why a device has no certificate.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The API said no and will say no again.
    #[error("{0}")]
    Refused(String),
    /// The API never answered well in the time given.
    #[error("gave up after {seconds} s and {attempts} attempts; the last one: {last}")]
    GaveUp {
        /// Whole seconds spent.
        seconds: u64,
        /// Requests sent.
        attempts: u32,
        /// What the last one met.
        last: String,
    },
}

/// Registers a device, repeating until it is answered. Each attempt takes one of the `slots` and
/// gives it back before it waits, so that an API that is away holds up nobody. `draw` gives numbers in `0.0..1.0`, and
/// `retrying` hears of each failed attempt and the wait that follows it.
pub async fn enrol(
    api: &Api,
    registration: &Registration,
    element: &SecureElement,
    patience: Patience,
    slots: &Semaphore,
    mut draw: impl FnMut() -> f64,
    mut retrying: impl FnMut(&str, Duration),
) -> Result<Enrolment, EnrolError> {
    let started = Instant::now();
    let mut backoff = Backoff::new(patience.base, patience.cap);
    let mut attempts = 0;
    loop {
        attempts += 1;
        let attempt = {
            let _slot = slots
                .acquire()
                .await
                .expect("the semaphore is never closed");
            api.register(registration).await
        };
        let (reason, asked) = match attempt {
            Attempt::Done(answer) => {
                return answer::check(*answer, registration, element)
                    .map_err(|error| EnrolError::Refused(error.to_string()));
            }
            Attempt::Refused(reason) | Attempt::Unauthorized(reason) => {
                return Err(EnrolError::Refused(reason));
            }
            Attempt::Later { reason, after } => (reason, after),
        };
        // A server that names a time is not asked before it, yet cannot park a device for ever.
        let wait = backoff
            .next(draw())
            .max(asked.unwrap_or_default().min(patience.cap));
        if started.elapsed() + wait > patience.total {
            return Err(EnrolError::GaveUp {
                seconds: started.elapsed().as_secs(),
                attempts,
                last: reason,
            });
        }
        retrying(&reason, wait);
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration(model: &str, firmware: &str) -> Registration {
        Registration {
            device_id: "grow-0001".into(),
            model: model.into(),
            firmware_version: firmware.into(),
            csr: "pem".into(),
        }
    }

    #[test]
    fn the_idempotency_key_is_the_same_for_the_same_request_only() {
        let key = registration("GC-1", "1.0").idempotency_key();
        assert_eq!(key, registration("GC-1", "1.0").idempotency_key());
        assert_ne!(key, registration("GC-1", "1.1").idempotency_key());
        // Two fields must not run into each other.
        assert_ne!(key, registration("GC-11", ".0").idempotency_key());
        assert!(key.len() <= 64 && key.is_ascii());
    }
}
