//! What comes out, a line each.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::domain::qr::QrText;
use crate::problem::{FieldError, Problem};

/// A line of the answer. Exactly one of `device`, `problem` and `done` is there.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AnswerLine {
    /// The number of the line that this answers, from 1; with CSV the first after the column names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<usize>,
    /// The device's id, if the line had one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) device_id: Option<String>,
    /// The registered device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) device: Option<RegisteredLine>,
    /// Why it was not registered; without a `line`, why the rest was not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<ProblemLine>,
    /// The sums; the last line. Without it the answer is not whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) done: Option<Sums>,
}

/// A registered device's certificate. The chain is that of `GET /api/v1/certificates/ca`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RegisteredLine {
    /// The certificate, PEM.
    pub(super) certificate: String,
    /// SHA-256 over its DER, upper-case hexadecimal with colons.
    pub(super) fingerprint: String,
    /// Its serial number, upper-case hexadecimal.
    pub(super) serial: String,
    /// Last second of its validity.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub(super) not_after: OffsetDateTime,
    /// The code for the device's label, without its picture. A secret in it is told only here.
    pub(super) qr: QrText,
}

/// A problem, without what is the same for all of the call.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProblemLine {
    /// The stable name of the problem.
    #[schema(example = "device_exists")]
    code: &'static str,
    /// What happened this time, for people.
    detail: String,
    /// Every wrong field of the line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sums {
    /// Lines read.
    pub(super) lines: usize,
    /// Devices registered.
    pub(super) registered: usize,
    /// Lines that came to nothing.
    pub(super) failed: usize,
}

impl AnswerLine {
    /// A line that came to nothing.
    pub(super) fn refused(
        line: Option<usize>,
        device_id: Option<String>,
        problem: Problem,
    ) -> Self {
        let (code, detail, errors) = problem.into_parts();
        Self {
            line,
            device_id,
            problem: Some(ProblemLine {
                code: code.as_str(),
                detail,
                errors,
            }),
            ..Self::default()
        }
    }

    /// The line as it is sent.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("texts and numbers have a JSON form");
        bytes.push(b'\n');
        bytes
    }
}
