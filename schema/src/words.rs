//! Names as the migrations spell them. A test compares each with a migrated database.

/// NOTIFY channel of new changes. The payload is the change's number as text, and only a hint.
pub const CHANGE_CHANNEL: &str = "iot_hub_change";

/// Role (NOLOGIN) whose members may do what hook-service does: read what it decides on, keep its lease.
pub const HOOK_ROLE: &str = "iot_hub_hook";

/// Role (NOLOGIN) whose members may do what api-service does: no write to the log or a lease.
pub const API_ROLE: &str = "iot_hub_api";

/// Devices; key `device_id`.
pub const DEVICE: &str = "device";
/// Certificates of devices, history included; key `fingerprint`.
pub const CERTIFICATE: &str = "certificate";
/// Service clients; key `name`.
pub const SERVICE_CLIENT: &str = "service_client";
/// Certificates of service clients; key `fingerprint`.
pub const SERVICE_CLIENT_CERTIFICATE: &str = "service_client_certificate";
/// What service clients may publish and subscribe.
pub const SERVICE_CLIENT_RIGHT: &str = "service_client_right";
/// Numbered transactions; key `number`, gap-free and in commit order.
pub const CHANGE: &str = "change";
/// View: the things that changed under a number (`number`, `kind`, `id`).
pub const CHANGE_ITEM: &str = "change_item";
/// One row: the epoch. Another one means "load everything anew".
pub const FEED_STATE: &str = "feed_state";
/// One row per run of a hook-service process.
pub const HOOK_LEASE: &str = "hook_lease";
/// Effects that workers of api-service carry outward.
pub const OUTBOX: &str = "outbox";
/// Commands over many devices, carried out in chunks.
pub const BULK_OPERATION: &str = "bulk_operation";
/// Answers kept for `Idempotency-Key`.
pub const IDEMPOTENCY_KEY: &str = "idempotency_key";

/// Revocation lists as last signed; key `(issuer, shard)`, shard 0 being an authority's whole list.
pub const CRL_LIST: &str = "crl_list";
/// Lists that lack something that was revoked.
pub const CRL_DUE: &str = "crl_due";

/// Every table and view of this schema that a program names.
pub const RELATIONS: [&str; 14] = [
    DEVICE,
    CERTIFICATE,
    SERVICE_CLIENT,
    SERVICE_CLIENT_CERTIFICATE,
    SERVICE_CLIENT_RIGHT,
    CHANGE,
    CHANGE_ITEM,
    FEED_STATE,
    HOOK_LEASE,
    OUTBOX,
    BULK_OPERATION,
    IDEMPOTENCY_KEY,
    CRL_LIST,
    CRL_DUE,
];

/// Outbox kind: every session of an account must end, because it lost something. The subject is the
/// account's id in lower case with hyphens, the payload is `{}`.
pub const END_ACCOUNT_SESSIONS: &str = "end_account_sessions";

/// Outbox kind: a device is to be asked whether it belongs to its claimant. The subject is the device's
/// id, the payload is `{"binding": ".."}`, the claim's id. It never holds up another entry of the device.
pub const SEND_BIND_COMMAND: &str = "send_bind_command";

/// Outbox state: still to do.
pub const OUTBOX_PENDING: &str = "pending";
/// Outbox state: done.
pub const OUTBOX_DONE: &str = "done";
/// Outbox state: given up, for a person to look at.
pub const OUTBOX_DEAD: &str = "dead";

/// Outbox phase: the command is committed.
pub const PHASE_COMMITTED: &str = "committed";
/// Outbox phase: no replica of the hooks allows any more what the change forbids.
pub const PHASE_FENCED: &str = "fenced";
/// Outbox phase: no session was left when last looked at.
pub const PHASE_CLOSED: &str = "closed";
/// Outbox phase: nothing that began before can come back.
pub const PHASE_COMPLETE: &str = "complete";
/// Outbox phase: needless, the device's newer state or a newer entry says what is right.
pub const PHASE_SUPERSEDED: &str = "superseded";

/// SQLSTATE of a writer that must not be numbered: not READ COMMITTED, or numbered twice
/// (`invalid_transaction_state`). Not worth a retry: the program is wrong.
pub const SQLSTATE_CANNOT_BE_NUMBERED: &str = "25000";
