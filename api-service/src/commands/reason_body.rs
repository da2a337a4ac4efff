//! `{"reason": ".."}`: the body, which may be left out, of commands that ask for nothing else.

use certs::RevocationReason;
use utoipa::ToSchema;

use crate::domain::label::Label;
use crate::domain::reason;
use crate::edge::fields::Fields;
use crate::problem::Problem;

/// Why something is revoked.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase", example = json!({"reason": "keyCompromise"}))]
#[expect(
    dead_code,
    reason = "describes the body that `revocation_reason` reads field by field"
)]
pub(crate) struct RevocationReasonBody {
    /// `unspecified` (default), `keyCompromise`, `affiliationChanged`, `superseded`,
    /// `cessationOfOperation` or `privilegeWithdrawn` (RFC 5280 section 5.3.1).
    #[schema(
        example = "keyCompromise",
        pattern = "^(unspecified|keyCompromise|affiliationChanged|superseded|cessationOfOperation|privilegeWithdrawn)$"
    )]
    reason: Option<String>,
}

/// Why something is done, for the record.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase", example = json!({"reason": "subscription ended"}))]
#[expect(
    dead_code,
    reason = "describes the body that `free_reason` reads field by field"
)]
pub(crate) struct FreeReasonBody {
    /// Free words.
    #[schema(min_length = 1, max_length = 64, example = "subscription ended")]
    reason: Option<String>,
}

pub(super) fn revocation_reason(mut fields: Fields) -> Result<RevocationReason, Problem> {
    let reason = fields.optional("reason", reason::parse);
    fields.finish()?;
    Ok(reason.unwrap_or(RevocationReason::Unspecified))
}

pub(super) fn free_reason(mut fields: Fields) -> Result<Option<Label>, Problem> {
    let reason = fields.optional("reason", Label::parse);
    fields.finish()?;
    Ok(reason)
}
