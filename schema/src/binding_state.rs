//! What became of a claim on a device: `binding.state`.

/// A claim's state. Only `pending` is not the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BindingState {
    /// It waits for the device.
    Pending,
    /// The device confirmed; it has an owner.
    Bound,
    /// The device did not answer in time.
    Expired,
    /// What changed meanwhile, or the device, refused it.
    Refused,
    /// The claimant took it back, or an administrator did.
    Cancelled,
}

crate::sql_text::words!(BindingState, "binding state", {
    Pending => "pending",
    Bound => "bound",
    Expired => "expired",
    Refused => "refused",
    Cancelled => "cancelled",
});
