//! Who owns a device: `device.lifecycle`.

/// A device's life: `unbound -> pending -> bound -> revoked`, and back to `unbound` until revoked.
///
/// Being suspended is another column (`device.suspended`): it comes and goes without changing owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lifecycle {
    /// Manufactured, owned by nobody.
    Unbound,
    /// Claimed by somebody, not yet confirmed by the device.
    Pending,
    /// Owned.
    Bound,
    /// Out for good; the database refuses every way back.
    Revoked,
}

crate::sql_text::words!(Lifecycle, "lifecycle", {
    Unbound => "unbound",
    Pending => "pending",
    Bound => "bound",
    Revoked => "revoked",
});
