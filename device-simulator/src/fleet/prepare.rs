//! From an id to a device with a key and a certificate: from its folder, else from the API.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::Semaphore;

use super::{Fleet, count_enrolled};
use crate::device_id::DeviceId;
use crate::enrolment::{self, Registration};
use crate::failure::Failure;
use crate::report::{Board, Event, Telling};
use crate::secure_element::SecureElement;
use crate::state::{DeviceFolder, Enrolment};

/// A device that can connect.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) element: Arc<SecureElement>,
    pub(super) enrolment: Enrolment,
    pub(super) boot: u64,
}

/// What was found in, or made for, a device's folder.
struct Opened {
    element: Arc<SecureElement>,
    kept: Option<Enrolment>,
    registration: Registration,
    boot: u64,
}

/// Opens or enrols one device, `enrolling` at the same time. `None`: the API refused it, which
/// was told and counted. An error is about the state folder and ends the run.
pub(super) async fn device(
    fleet: &Fleet,
    id: DeviceId,
    enrolling: &Semaphore,
    board: &Board,
    telling: &Telling,
) -> Result<Option<Prepared>, Failure> {
    let folder = fleet.state.device(&id);
    let opened = {
        let _slot = enrolling
            .acquire()
            .await
            .expect("the semaphore is never closed");
        let (folder, id) = (folder.clone(), id.clone());
        let (model, firmware) = (fleet.model.clone(), fleet.firmware_version.clone());
        blocking(move || open(&folder, &id, &model, &firmware)).await?
    };
    let Opened {
        element,
        kept,
        registration,
        boot,
    } = opened;
    let reused = kept.is_some();
    let enrolment = match kept {
        Some(kept) => kept,
        None => match enrol(fleet, &id, &registration, &element, enrolling, telling).await {
            Ok(enrolment) => {
                let kept = enrolment.clone();
                blocking(move || folder.keep(&kept).map_err(config)).await?;
                enrolment
            }
            Err(error) => {
                board.device(&id).failed.store(true, Ordering::Relaxed);
                telling.tell(Event::EnrolFailed {
                    device: id.to_string(),
                    message: error.to_string(),
                });
                return Ok(None);
            }
        },
    };
    count_enrolled(board, &id, !reused);
    telling.tell(Event::Enrolled {
        device: id.to_string(),
        fingerprint: enrolment.record.fingerprint.clone(),
        reused,
    });
    Ok(Some(Prepared {
        element,
        enrolment,
        boot,
    }))
}

fn open(
    folder: &DeviceFolder,
    id: &DeviceId,
    model: &str,
    firmware: &str,
) -> Result<Opened, Failure> {
    folder.make().map_err(config)?;
    let element = SecureElement::open_or_make(&folder.key_file()).map_err(config)?;
    let kept = folder.enrolment(id.as_str(), &element).map_err(config)?;
    let registration = Registration::new(id, model, firmware, &element)
        .map_err(|error| Failure::other(format!("no certificate request for {id}: {error}")))?;
    let boot = folder.next_boot().map_err(config)?;
    Ok(Opened {
        element: Arc::new(element),
        kept,
        registration,
        boot,
    })
}

async fn enrol(
    fleet: &Fleet,
    id: &DeviceId,
    registration: &Registration,
    element: &SecureElement,
    slots: &Semaphore,
    telling: &Telling,
) -> Result<Enrolment, enrolment::EnrolError> {
    let retrying = |message: &str, wait: std::time::Duration| {
        tracing::info!(device = %id, "enrolment again in {wait:?}: {message}");
        telling.tell(Event::EnrolRetry {
            device: id.to_string(),
            message: message.to_owned(),
            wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        });
    };
    enrolment::enrol(
        &fleet.api,
        registration,
        element,
        fleet.patience,
        slots,
        rand::random,
        retrying,
    )
    .await
}

fn config(error: impl std::error::Error) -> Failure {
    Failure::config(error.to_string())
}

/// Runs what waits for the disk or makes keys where it holds up no other device.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|panic| Err(Failure::other(format!("a device's folder: {panic}"))))
}
