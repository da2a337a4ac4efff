//! The stable names of everything that can go wrong for a caller. `docs/API.md` lists them all.

use axum::http::StatusCode;

/// What went wrong, as a closed list: the wire's `code`, a metric's label and a log's field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Code {
    /// No bearer token.
    TokenMissing,
    /// A token that is not accepted.
    TokenInvalid,
    /// A good token from before its account signed out everywhere.
    SessionEnded,
    /// A good token of a disabled account.
    AccountDisabled,
    /// A browser's session used by a page of another site.
    CrossSite,
    /// A good token without the role.
    Forbidden,
    /// A renewal with another key.
    KeyChangeForbidden,
    /// No such path.
    RouteNotFound,
    /// No such device.
    DeviceNotFound,
    /// No such account.
    AccountNotFound,
    /// No such certificate.
    CertificateNotFound,
    /// No such operation.
    OperationNotFound,
    /// No such revocation list.
    ListNotFound,
    /// No such bulk revocation.
    RevocationNotFound,
    /// No such hook replica.
    ReplicaNotFound,
    /// The path has other methods.
    MethodNotAllowed,
    /// The id is taken.
    DeviceExists,
    /// The device is out for good.
    DeviceRevoked,
    /// Resuming what never was suspended.
    DeviceNotSuspended,
    /// The certificate is withdrawn for good.
    CertificateRevoked,
    /// Keeping oneself out.
    OwnAccount,
    /// The account's holder is gone for good.
    AccountErased,
    /// A renewal under another model.
    ModelMismatch,
    /// Retrying what was not given up.
    OperationNotDead,
    /// Giving up what is done.
    OperationDone,
    /// Declaring dead what seems to live.
    ReplicaAlive,
    /// A body over the limit.
    BodyTooLarge,
    /// A body that is not JSON by its header.
    MediaTypeUnsupported,
    /// A body that is not a JSON object.
    JsonMalformed,
    /// Wrong, missing or unknown fields.
    InvalidRequest,
    /// The key was used for another request.
    IdempotencyKeyReused,
    /// Our failure.
    Internal,
    /// Too much at once.
    Busy,
    /// It took too long.
    TimedOut,
    /// No database.
    DatabaseUnavailable,
    /// No keys of the tokens' issuer.
    IssuerUnavailable,
}

impl Code {
    /// Every code, in the order of the documentation.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 36] = [
        Self::JsonMalformed,
        Self::TokenMissing,
        Self::TokenInvalid,
        Self::SessionEnded,
        Self::AccountDisabled,
        Self::CrossSite,
        Self::Forbidden,
        Self::KeyChangeForbidden,
        Self::RouteNotFound,
        Self::DeviceNotFound,
        Self::AccountNotFound,
        Self::CertificateNotFound,
        Self::OperationNotFound,
        Self::ListNotFound,
        Self::RevocationNotFound,
        Self::ReplicaNotFound,
        Self::MethodNotAllowed,
        Self::DeviceExists,
        Self::DeviceRevoked,
        Self::DeviceNotSuspended,
        Self::CertificateRevoked,
        Self::OwnAccount,
        Self::AccountErased,
        Self::ModelMismatch,
        Self::OperationNotDead,
        Self::OperationDone,
        Self::ReplicaAlive,
        Self::BodyTooLarge,
        Self::MediaTypeUnsupported,
        Self::InvalidRequest,
        Self::IdempotencyKeyReused,
        Self::Internal,
        Self::Busy,
        Self::TimedOut,
        Self::DatabaseUnavailable,
        Self::IssuerUnavailable,
    ];

    /// The name on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::TokenMissing => "token_missing",
            Self::TokenInvalid => "token_invalid",
            Self::SessionEnded => "session_ended",
            Self::AccountDisabled => "account_disabled",
            Self::CrossSite => "cross_site",
            Self::Forbidden => "forbidden",
            Self::KeyChangeForbidden => "key_change_forbidden",
            Self::RouteNotFound => "route_not_found",
            Self::DeviceNotFound => "device_not_found",
            Self::AccountNotFound => "account_not_found",
            Self::CertificateNotFound => "certificate_not_found",
            Self::OperationNotFound => "operation_not_found",
            Self::ListNotFound => "list_not_found",
            Self::RevocationNotFound => "revocation_not_found",
            Self::ReplicaNotFound => "replica_not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::DeviceExists => "device_exists",
            Self::DeviceRevoked => "device_revoked",
            Self::DeviceNotSuspended => "device_not_suspended",
            Self::CertificateRevoked => "certificate_revoked",
            Self::OwnAccount => "own_account",
            Self::AccountErased => "account_erased",
            Self::ModelMismatch => "model_mismatch",
            Self::OperationNotDead => "operation_not_dead",
            Self::OperationDone => "operation_done",
            Self::ReplicaAlive => "replica_alive",
            Self::BodyTooLarge => "body_too_large",
            Self::MediaTypeUnsupported => "media_type_unsupported",
            Self::JsonMalformed => "json_malformed",
            Self::InvalidRequest => "invalid_request",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::Internal => "internal",
            Self::Busy => "busy",
            Self::TimedOut => "timed_out",
            Self::DatabaseUnavailable => "database_unavailable",
            Self::IssuerUnavailable => "issuer_unavailable",
        }
    }

    /// The HTTP status.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::JsonMalformed => StatusCode::BAD_REQUEST,
            Self::TokenMissing | Self::TokenInvalid | Self::SessionEnded => {
                StatusCode::UNAUTHORIZED
            }
            Self::Forbidden
            | Self::AccountDisabled
            | Self::CrossSite
            | Self::KeyChangeForbidden => StatusCode::FORBIDDEN,
            Self::RouteNotFound
            | Self::DeviceNotFound
            | Self::AccountNotFound
            | Self::CertificateNotFound
            | Self::OperationNotFound
            | Self::ListNotFound
            | Self::RevocationNotFound
            | Self::ReplicaNotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::DeviceExists
            | Self::DeviceRevoked
            | Self::DeviceNotSuspended
            | Self::CertificateRevoked
            | Self::OwnAccount
            | Self::AccountErased
            | Self::ModelMismatch
            | Self::OperationNotDead
            | Self::OperationDone
            | Self::ReplicaAlive => StatusCode::CONFLICT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaTypeUnsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::InvalidRequest | Self::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Busy | Self::TimedOut | Self::DatabaseUnavailable | Self::IssuerUnavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// A short title for people, the same for every problem of this code.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::TokenMissing => "A bearer token is needed",
            Self::TokenInvalid => "The token is not accepted",
            Self::SessionEnded => "The account has signed out",
            Self::AccountDisabled => "The account is disabled",
            Self::CrossSite => "The request comes from another site",
            Self::Forbidden => "The caller lacks the role",
            Self::KeyChangeForbidden => "The device has another key",
            Self::RouteNotFound => "There is no such path",
            Self::DeviceNotFound => "There is no such device",
            Self::AccountNotFound => "There is no such account",
            Self::CertificateNotFound => "There is no such certificate",
            Self::OperationNotFound => "There is no such operation",
            Self::ListNotFound => "There is no such revocation list",
            Self::RevocationNotFound => "There is no such bulk revocation",
            Self::ReplicaNotFound => "There is no such hook replica",
            Self::MethodNotAllowed => "The path has no such method",
            Self::DeviceExists => "The device is registered already",
            Self::DeviceRevoked => "The device is revoked",
            Self::DeviceNotSuspended => "The device is not suspended",
            Self::CertificateRevoked => "The certificate is revoked",
            Self::OwnAccount => "The account is the caller's own",
            Self::AccountErased => "The account is erased",
            Self::ModelMismatch => "The device is of another model",
            Self::OperationNotDead => "The operation is not dead",
            Self::OperationDone => "The operation is done",
            Self::ReplicaAlive => "The replica seems to live",
            Self::BodyTooLarge => "The body is too large",
            Self::MediaTypeUnsupported => "The body is not JSON",
            Self::JsonMalformed => "The body is not a JSON object",
            Self::InvalidRequest => "The request has wrong fields",
            Self::IdempotencyKeyReused => "The idempotency key belongs to another request",
            Self::Internal => "The service failed",
            Self::Busy => "The service is busy",
            Self::TimedOut => "The request took too long",
            Self::DatabaseUnavailable => "The database does not answer",
            Self::IssuerUnavailable => "The token's issuer does not answer",
        }
    }

    /// The challenge of RFC 6750 section 3, where there is one.
    pub(crate) fn challenge(self) -> Option<&'static str> {
        match self {
            Self::TokenMissing => Some(r#"Bearer realm="iot-hub""#),
            Self::TokenInvalid | Self::SessionEnded => {
                Some(r#"Bearer realm="iot-hub", error="invalid_token""#)
            }
            Self::Forbidden => Some(r#"Bearer realm="iot-hub", error="insufficient_scope""#),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_is_documented_with_its_status_and_none_twice() {
        let page = include_str!("../../../docs/API.md");
        for code in Code::ALL {
            let row = format!("| `{}` | {} |", code.as_str(), code.status().as_u16());
            assert!(page.contains(&row), "docs/API.md lacks the row {row}");
        }
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
