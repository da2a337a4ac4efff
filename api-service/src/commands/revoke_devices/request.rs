//! What the caller asks for: exactly one selector, a reason, and whether it is meant.

use certs::RevocationReason;
use schema::DeviceId;
use utoipa::ToSchema;

use crate::domain::idempotency::request_hash;
use crate::domain::key_id::KeyId;
use crate::domain::label::Label;
use crate::domain::reason;
use crate::domain::selector::{IDS_MAX, Selector};
use crate::edge::fields::Fields;
use crate::problem::Problem;

/// What the caller sends: exactly one of `ids`, `model`, `firmwareVersion` and `issuer`.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = RevokeDevices,
    example = json!({"ids": ["tent-0001", "tent-0002"], "reason": "keyCompromise", "dryRun": true})
)]
#[expect(
    dead_code,
    reason = "describes the body that `Request::read` reads field by field"
)]
pub(crate) struct Wire {
    /// These devices. Ids that are no devices are passed over and counted.
    #[schema(min_items = 1, max_items = 10000, value_type = Option<Vec<DeviceIdText>>)]
    ids: Option<Vec<String>>,
    /// Every device of this model.
    #[schema(min_length = 1, max_length = 64, example = "GrowTent-2")]
    model: Option<String>,
    /// Every device that had this firmware when its newest certificate was made.
    #[schema(min_length = 1, max_length = 64, example = "1.4.2")]
    firmware_version: Option<String>,
    /// Every device with an active certificate that this authority signed, given by its key
    /// identifier: `issuer` of a certificate, `keyIdentifier` of `GET /api/v1/certificates/ca`.
    #[schema(
        example = "5e7d0c2b9a4f1e8d3c6b5a4938271605f4e3d2c1",
        pattern = "^([0-9A-Fa-f]{40}|[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){19})$"
    )]
    issuer: Option<String>,
    /// As for one device: `unspecified` (default), `keyCompromise`, `affiliationChanged`,
    /// `superseded`, `cessationOfOperation` or `privilegeWithdrawn` (RFC 5280 section 5.3.1).
    #[schema(
        example = "keyCompromise",
        pattern = "^(unspecified|keyCompromise|affiliationChanged|superseded|cessationOfOperation|privilegeWithdrawn)$"
    )]
    reason: Option<String>,
    /// Only say what would happen.
    #[schema(default = false)]
    dry_run: Option<bool>,
}

/// A device's id, as the document shows it.
#[derive(ToSchema)]
#[schema(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "tent-0001")]
#[expect(dead_code, reason = "describes the items of a list")]
pub(crate) struct DeviceIdText(String);

/// The same, read and checked.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) selector: Selector,
    pub(super) reason: RevocationReason,
    pub(super) dry_run: bool,
}

/// The selectors' names.
const SELECTORS: [&str; 4] = ["ids", "model", "firmwareVersion", "issuer"];

impl Request {
    pub(super) fn read(mut fields: Fields) -> Result<Self, Problem> {
        let given: Vec<&str> = SELECTORS
            .into_iter()
            .filter(|name| fields.has(name))
            .collect();
        let ids = fields.list("ids", IDS_MAX, DeviceId::parse);
        let model = fields.optional("model", Label::parse);
        let firmware = fields.optional("firmwareVersion", Label::parse);
        let issuer = fields.optional("issuer", KeyId::parse);
        let reason = fields.optional("reason", reason::parse);
        let dry_run = fields.flag("dryRun");
        if given.len() != 1 {
            let detail = "give exactly one of ids, model, firmwareVersion and issuer";
            for name in if given.is_empty() {
                SELECTORS.to_vec()
            } else {
                given
            } {
                fields.refuse(name, detail);
            }
        }
        fields.finish()?;
        let selector = match (ids, model, firmware, issuer) {
            (Some(ids), None, None, None) => Selector::ids(ids),
            (None, Some(model), None, None) => Selector::Model(model),
            (None, None, Some(firmware), None) => Selector::FirmwareVersion(firmware),
            (None, None, None, Some(issuer)) => Selector::Issuer(issuer),
            _ => return Err(Problem::internal("a wrong selector was not noted")),
        };
        Ok(Self {
            selector,
            reason: reason.unwrap_or(RevocationReason::Unspecified),
            dry_run,
        })
    }

    /// Two requests that ask for the same have the same hash, in whatever order the ids come.
    pub(super) fn hash(&self) -> [u8; 32] {
        let value = self.selector.value().unwrap_or_default();
        let listed = self.selector.listed().unwrap_or_default();
        let mut parts: Vec<&[u8]> = vec![
            b"revoke_devices",
            self.selector.word().as_bytes(),
            value.as_bytes(),
            self.reason.as_str().as_bytes(),
        ];
        parts.extend(listed.into_iter().map(str::as_bytes));
        request_hash(&parts)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(body: &Value) -> Result<Request, Problem> {
        Request::read(Fields::new(body.as_object().cloned().unwrap_or_default()))
    }

    #[test]
    fn exactly_one_selector_is_taken() {
        for good in [
            json!({"ids": ["a", "b"], "model": null}),
            json!({"model": "m"}),
            json!({"firmwareVersion": "1"}),
            json!({"issuer": "00".repeat(20), "dryRun": true}),
        ] {
            assert!(read(&good).is_ok(), "{good}");
        }
        for bad in [
            json!({}),
            json!({"ids": []}),
            json!({"ids": null}),
            json!({"model": "m", "firmwareVersion": "1"}),
            json!({"ids": ["a"], "issuer": "00".repeat(20)}),
            json!({"issuer": "00"}),
            json!({"all": true}),
        ] {
            assert!(read(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_order_of_ids_makes_no_other_request_and_another_reason_does() {
        let hash = |body| read(&body).unwrap().hash();
        let first = hash(json!({"ids": ["a", "b"]}));
        assert_eq!(
            first,
            hash(json!({"ids": ["b", "a", "b"], "reason": "unspecified"}))
        );
        assert_ne!(
            first,
            hash(json!({"ids": ["a", "b"], "reason": "superseded"}))
        );
        assert_ne!(
            hash(json!({"model": "x"})),
            hash(json!({"firmwareVersion": "x"}))
        );
    }
}
