//! What kind of thing changed: `change_item.kind`.

/// The things that hook-service keeps in its table. A certificate's change is its owner's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// A device; the id is its device id.
    Device,
    /// A service client; the id is its name.
    ServiceClient,
    /// A person's or a service's account, or a membership of it; the id is its uuid.
    Account,
    /// A group's place among the groups of its organization; the id is its uuid.
    DeviceGroup,
}

crate::sql_text::words!(ChangeKind, "change kind", {
    Device => "device",
    ServiceClient => "service_client",
    Account => "account",
    DeviceGroup => "device_group",
});
