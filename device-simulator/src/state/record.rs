//! What enrolment answered, as it is kept in `device.json` beside `certificate.pem`.

use std::io;
use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};

/// `device.json`. Everything here is public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRecord {
    /// The device's id, again, so that a folder copied under another name is noticed.
    pub device_id: String,
    /// What the device was manufactured as.
    pub model: String,
    /// The firmware it was manufactured with.
    pub firmware_version: String,
    /// SHA-256 of the certificate's DER, upper-case hex with colons.
    pub fingerprint: String,
    /// The certificate's serial number as the API wrote it.
    pub serial: String,
    /// RFC 3339.
    pub not_before: String,
    /// RFC 3339.
    pub not_after: String,
    /// The text of the QR code.
    pub qr_payload: String,
}

/// A complete enrolment: what to keep and what to show the broker.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// The metadata.
    pub record: DeviceRecord,
    /// The device's certificate, then its issuers.
    pub chain: Vec<CertificateDer<'static>>,
    /// The same as PEM text, as it is written to the disk.
    pub chain_pem: String,
    /// The QR code as SVG.
    pub qr_svg: String,
}

/// Why what is kept for a device can't be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A file is not what it should be.
    #[error(
        "{path} {what}: restore it from a copy, or remove the device's folder and use another --prefix"
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, to follow the name.
        what: &'static str,
    },
    /// The file system refused.
    #[error(
        "cannot {action} {path}: {source}; give the state folder to the user who runs the simulator"
    )]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
