//! The stable names of everything that can go wrong for a caller. `docs/API.md` lists them all.

use axum::http::StatusCode;

/// Defines [`Code`] from one list: doc, variant, wire name, HTTP status, title.
macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal, $status:ident, $title:literal;)+) => {
        /// What went wrong, as a closed list: the wire's `code`, a metric's label and a log's field.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum Code {
            $($(#[$doc])* $code),+
        }

        impl Code {
            /// Every code, in the order of the documentation.
            #[cfg(test)]
            pub(crate) const ALL: &'static [Self] = &[$(Self::$code),+];

            /// The name on the wire.
            pub(crate) fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => $name),+
                }
            }

            /// The HTTP status.
            pub(crate) fn status(self) -> StatusCode {
                match self {
                    $(Self::$code => StatusCode::$status),+
                }
            }

            /// A short title for people, the same for every problem of this code.
            pub(crate) fn title(self) -> &'static str {
                match self {
                    $(Self::$code => $title),+
                }
            }
        }
    };
}

codes! {
    /// A body that is not a JSON object.
    JsonMalformed = "json_malformed", BAD_REQUEST, "The body is not a JSON object";
    /// No bearer token.
    TokenMissing = "token_missing", UNAUTHORIZED, "A bearer token is needed";
    /// A token that is not accepted.
    TokenInvalid = "token_invalid", UNAUTHORIZED, "The token is not accepted";
    /// A token from before the account's sign-out.
    SessionEnded = "session_ended", UNAUTHORIZED, "The account has signed out";
    /// A disabled account.
    AccountDisabled = "account_disabled", FORBIDDEN, "The account is disabled";
    /// A browser's session used by a page of another site.
    CrossSite = "cross_site", FORBIDDEN, "The request comes from another site";
    /// A good token without the role or the right.
    Forbidden = "forbidden", FORBIDDEN, "The caller lacks the role or the right";
    /// A renewal with another key.
    KeyChangeForbidden = "key_change_forbidden", FORBIDDEN, "The device has another key";
    /// No such path.
    RouteNotFound = "route_not_found", NOT_FOUND, "There is no such path";
    /// No such device.
    DeviceNotFound = "device_not_found", NOT_FOUND, "There is no such device";
    /// No such account.
    AccountNotFound = "account_not_found", NOT_FOUND, "There is no such account";
    /// No such organization, or none that the caller may see.
    OrganizationNotFound = "organization_not_found", NOT_FOUND, "There is no such organization";
    /// No such group, or none that the caller may see.
    GroupNotFound = "group_not_found", NOT_FOUND, "There is no such group";
    /// No such member.
    MemberNotFound = "member_not_found", NOT_FOUND, "There is no such member";
    /// No such plan.
    PlanNotFound = "plan_not_found", NOT_FOUND, "There is no such plan";
    /// No such invitation, or a token that opens nothing.
    InvitationNotFound = "invitation_not_found", NOT_FOUND, "There is no such invitation";
    /// No device that has this label.
    LabelNotFound = "label_not_found", NOT_FOUND, "No device has this label";
    /// The caller has no such claim.
    BindingNotFound = "binding_not_found", NOT_FOUND, "There is no such claim";
    /// No offer of the device stands.
    OfferNotFound = "offer_not_found", NOT_FOUND, "There is no such offer";
    /// No recovery of the device is approved.
    RecoveryNotFound = "recovery_not_found", NOT_FOUND, "There is no such recovery";
    /// The caller was told no such thing.
    NotificationNotFound = "notification_not_found", NOT_FOUND, "There is no such notification";
    /// No such certificate.
    CertificateNotFound = "certificate_not_found", NOT_FOUND, "There is no such certificate";
    /// No such operation.
    OperationNotFound = "operation_not_found", NOT_FOUND, "There is no such operation";
    /// No such revocation list.
    ListNotFound = "list_not_found", NOT_FOUND, "There is no such revocation list";
    /// No such bulk revocation.
    RevocationNotFound = "revocation_not_found", NOT_FOUND, "There is no such bulk revocation";
    /// No such hook replica.
    ReplicaNotFound = "replica_not_found", NOT_FOUND, "There is no such hook replica";
    /// The path has other methods.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The path has no such method";
    /// The id is taken.
    DeviceExists = "device_exists", CONFLICT, "The device is registered already";
    /// Keeping oneself out.
    OwnAccount = "own_account", CONFLICT, "The account is the caller's own";
    /// The account's holder is gone for good.
    AccountErased = "account_erased", CONFLICT, "The account is erased";
    /// The device is out for good.
    DeviceRevoked = "device_revoked", CONFLICT, "The device is revoked";
    /// The device is kept out for a while.
    DeviceSuspended = "device_suspended", CONFLICT, "The device is suspended";
    /// The device has an owner.
    DeviceBound = "device_bound", CONFLICT, "The device has an owner";
    /// The device has a claimant.
    DevicePending = "device_pending", CONFLICT, "The device is claimed";
    /// The device has no owner.
    DeviceNotBound = "device_not_bound", CONFLICT, "The device has no owner";
    /// The device has no claimant.
    DeviceNotPending = "device_not_pending", CONFLICT, "The device is not claimed";
    /// A claim secret that was used.
    LabelUsed = "label_used", CONFLICT, "The QR code was used";
    /// A QR code is to name a certificate that is not there.
    CertificateMissing = "certificate_missing", CONFLICT, "The device has no active certificate";
    /// Resuming what never was suspended.
    DeviceNotSuspended = "device_not_suspended", CONFLICT, "The device is not suspended";
    /// The certificate is withdrawn for good.
    CertificateRevoked = "certificate_revoked", CONFLICT, "The certificate is revoked";
    /// A renewal under another model.
    ModelMismatch = "model_mismatch", CONFLICT, "The device is of another model";
    /// Retrying what was not given up.
    OperationNotDead = "operation_not_dead", CONFLICT, "The operation is not dead";
    /// Giving up what is done.
    OperationDone = "operation_done", CONFLICT, "The operation is done";
    /// Declaring dead what seems to live.
    ReplicaAlive = "replica_alive", CONFLICT, "The replica seems to live";
    /// The last owner of an organization stays.
    LastOwner = "last_owner", CONFLICT, "The organization would be without an owner";
    /// A sibling has the name.
    GroupNameTaken = "group_name_taken", CONFLICT, "The name is taken";
    /// A group below itself.
    GroupCycle = "group_cycle", CONFLICT, "The group would be below itself";
    /// More than eight groups below each other.
    GroupTooDeep = "group_too_deep", CONFLICT, "The groups would be nested too deep";
    /// An organization full of groups.
    TooManyGroups = "too_many_groups", CONFLICT, "There are too many groups";
    /// Too many open invitations.
    TooManyInvitations = "too_many_invitations", CONFLICT, "There are too many invitations";
    /// Too many organizations of one account.
    TooManyOrganizations = "too_many_organizations", CONFLICT, "There are too many organizations";
    /// More devices than one command moves.
    TooManyDevices = "too_many_devices", CONFLICT, "There are too many devices";
    /// What goes along was not confirmed.
    DeletionUnconfirmed = "deletion_unconfirmed", CONFLICT, "What goes along is not confirmed";
    /// Devices stand in the way of a deletion.
    OrganizationHasDevices = "organization_has_devices", CONFLICT, "The organization has devices";
    /// A binding stands in the way of a deletion.
    BindingUnderWay = "binding_under_way", CONFLICT, "A device is being bound into it";
    /// A plan's limit.
    PlanLimitReached = "plan_limit_reached", CONFLICT, "The plan has no place left";
    /// A plan of that name is there.
    PlanExists = "plan_exists", CONFLICT, "There is a plan of this name";
    /// Somebody has the plan.
    PlanInUse = "plan_in_use", CONFLICT, "The plan is in use";
    /// Another entry has the reference.
    ReferenceReused = "reference_reused", CONFLICT, "Another entry has the reference";
    /// The balance would be below zero or beyond counting.
    BalanceOutOfRange = "balance_out_of_range", CONFLICT, "The balance would be out of its range";
    /// Another currency than the balance's.
    CurrencyMismatch = "currency_mismatch", CONFLICT, "The balance is in another currency";
    /// Something is left that somebody else must get first.
    ErasureBlocked = "erasure_blocked", CONFLICT, "Something stands in the way of the erasure";
    /// It changed since the caller read it.
    VersionMismatch = "version_mismatch", PRECONDITION_FAILED, "It changed since it was read";
    /// A body over the limit.
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// A body that is not JSON by its header.
    MediaTypeUnsupported = "media_type_unsupported", UNSUPPORTED_MEDIA_TYPE, "The body is not JSON";
    /// Wrong, missing or unknown fields.
    InvalidRequest = "invalid_request", UNPROCESSABLE_ENTITY, "The request has wrong fields";
    /// The key was used for another request.
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "The idempotency key belongs to another request";
    /// A request with the key is being answered.
    IdempotencyKeyInWork = "idempotency_key_in_work", CONFLICT, "A request with the idempotency key is being answered";
    /// The answer that the key stands for was a secret.
    SecretTold = "secret_told", CONFLICT, "The secret was told already";
    /// Too many labels or keys that fitted nothing.
    TooManyGuesses = "too_many_guesses", TOO_MANY_REQUESTS, "Too many wrong labels";
    /// More requests than the account or the address may send.
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "Too many requests";
    /// Our failure.
    Internal = "internal", INTERNAL_SERVER_ERROR, "The service failed";
    /// Too much at once.
    Busy = "busy", SERVICE_UNAVAILABLE, "The service is busy";
    /// It took too long.
    TimedOut = "timed_out", SERVICE_UNAVAILABLE, "The request took too long";
    /// No database.
    DatabaseUnavailable = "database_unavailable", SERVICE_UNAVAILABLE, "The database does not answer";
    /// No keys of the tokens' issuer.
    IssuerUnavailable = "issuer_unavailable", SERVICE_UNAVAILABLE, "The token's issuer does not answer";
}

impl Code {
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
        for &code in Code::ALL {
            let row = format!("| `{}` | {} |", code.as_str(), code.status().as_u16());
            assert!(page.contains(&row), "docs/API.md lacks the row {row}");
        }
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
