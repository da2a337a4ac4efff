//! What the claimant sends.

use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::group_id::GroupId;
use crate::domain::organization_id::OrganizationId;
use crate::domain::qr::{QrPayload, Scanned};
use crate::edge::fields::Fields;
use crate::problem::Problem;

/// A claim.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = BindDevice,
    example = json!({"qr": {"deviceId": "tent-0001", "bindingToken": "q0y8rVbW4m2Xc1Zs9tKdLpN6uGhJfE3A7oRiTxYzUvM", "v": 1}})
)]
#[expect(
    dead_code,
    reason = "describes the body that `Request::read` reads field by field"
)]
pub(crate) struct BindWire {
    /// What the device's QR code says: the object, or the code's text.
    #[schema(value_type = QrPayload)]
    qr: Value,
    /// For an organization instead of the caller: needs the right to put devices into it.
    #[schema(value_type = Option<String>, format = "uuid")]
    organization_id: Option<String>,
    /// For a group of an organization; the organization may be left out then.
    #[schema(value_type = Option<String>, format = "uuid")]
    group_id: Option<String>,
}

/// A claim as the earlier product sent it.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = BindDeviceByQr,
    example = json!({"qrData": {"deviceId": "tent-0001", "bindingToken": "q0y8rVbW4m2Xc1Zs9tKdLpN6uGhJfE3A7oRiTxYzUvM", "v": 1}})
)]
#[expect(
    dead_code,
    reason = "describes the body that `Request::read` reads field by field"
)]
pub(crate) struct BindQrWire {
    /// What the device's QR code says: the object, or the code's text.
    #[schema(value_type = QrPayload)]
    qr_data: Value,
    /// For an organization instead of the caller: needs the right to put devices into it.
    #[schema(value_type = Option<String>, format = "uuid")]
    organization_id: Option<String>,
    /// For a group of an organization; the organization may be left out then.
    #[schema(value_type = Option<String>, format = "uuid")]
    group_id: Option<String>,
}

/// The same, read and checked.
pub(super) struct Request {
    pub(super) scanned: Scanned,
    pub(super) organization: Option<OrganizationId>,
    pub(super) group: Option<GroupId>,
}

impl Request {
    pub(super) fn read(mut fields: Fields) -> Result<Self, Problem> {
        let scanned = fields.required_value("qr", Scanned::read);
        let organization = fields.optional("organizationId", str::parse);
        let group = fields.optional("groupId", str::parse);
        fields.finish()?;
        let scanned = scanned.ok_or_else(|| Problem::internal("a missing field was not noted"))?;
        Ok(Self {
            scanned,
            organization,
            group,
        })
    }
}
