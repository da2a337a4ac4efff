//! What the caller asks for: read field by field, so that all mistakes are told at once.

use certs::CheckedCsr;
use schema::DeviceId;
use utoipa::ToSchema;

use crate::domain::enrolment::Asked;
use crate::domain::idempotency::request_hash;
use crate::domain::label::Label;
use crate::domain::qr::QrForm;
use crate::edge::fields::Fields;
use crate::openapi::EXAMPLE_CSR;
use crate::problem::Problem;

/// What the caller sends.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = ManufactureDevice,
    example = json!({"deviceId": "tent-0001", "model": "GrowTent-2", "firmwareVersion": "1.4.2", "csr": EXAMPLE_CSR})
)]
#[expect(
    dead_code,
    reason = "describes the body that `Request::read` reads field by field"
)]
pub(crate) struct Wire {
    /// 1 to 64 of the characters `A-Z a-z 0-9 _ -`, and no reserved word.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "tent-0001")]
    device_id: String,
    /// What the device is.
    #[schema(min_length = 1, max_length = 64, example = "GrowTent-2")]
    model: String,
    /// Its firmware.
    #[schema(min_length = 1, max_length = 64, example = "1.4.2")]
    firmware_version: Option<String>,
    /// A PKCS#10 signing request in PEM, P-256, at most 8 KiB. Its subject and requested extensions
    /// are not taken over.
    #[schema(max_length = 8192, pattern = "^[\\t\\n\\r -~]+$")]
    csr: String,
    /// Another certificate for a device that is registered. A `manufacturer` renews with the same
    /// key; only an `admin` may give the device another one.
    #[schema(default = false)]
    renew: Option<bool>,
    /// The QR code for the label; `minimal` if not said. `token` is the one that proves who holds the
    /// device: with it, nothing else binds the device any more, and a secret before it ends.
    qr_type: Option<QrForm>,
}

/// The same, read and checked.
pub(in crate::commands) struct Request {
    pub(in crate::commands) device_id: DeviceId,
    pub(in crate::commands) model: Label,
    pub(in crate::commands) firmware_version: Option<Label>,
    pub(in crate::commands) csr: CheckedCsr,
    pub(in crate::commands) renew: bool,
    pub(in crate::commands) qr_form: QrForm,
}

impl Request {
    pub(in crate::commands) fn read(mut fields: Fields) -> Result<Self, Problem> {
        let device_id = fields.required("deviceId", DeviceId::register);
        let model = fields.required("model", Label::parse);
        let firmware_version = fields.optional("firmwareVersion", Label::parse);
        let csr = fields.required("csr", |text| CheckedCsr::parse(text.as_bytes()));
        let renew = fields.flag("renew");
        let form = fields.optional("qrType", QrForm::parse);
        fields.finish()?;
        let (Some(device_id), Some(model), Some(csr)) = (device_id, model, csr) else {
            return Err(Problem::internal("a missing field was not noted"));
        };
        Ok(Self {
            device_id,
            model,
            firmware_version,
            csr,
            renew,
            qr_form: form.unwrap_or(QrForm::Minimal),
        })
    }

    pub(super) fn asked(&self, may_replace_key: bool) -> Asked<'_> {
        Asked {
            renew: self.renew,
            public_key: self.csr.public_key().der(),
            model: self.model.as_str(),
            may_replace_key,
        }
    }

    /// Two requests that ask for the same have the same hash, however their JSON is written. Another
    /// signing request for the same key asks for the same: ECDSA signs differently each time.
    pub(super) fn hash(&self) -> [u8; 32] {
        let firmware = self.firmware_version.as_ref().map_or("", Label::as_str);
        request_hash(&[
            b"manufacture_device",
            self.device_id.as_str().as_bytes(),
            self.model.as_str().as_bytes(),
            firmware.as_bytes(),
            self.csr.public_key().der(),
            &[u8::from(self.renew)],
            self.qr_form.as_str().as_bytes(),
        ])
    }
}
