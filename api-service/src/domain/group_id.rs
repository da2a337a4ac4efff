//! Which group of devices.

super::uuid_id::uuid_id!(
    /// A group's id.
    GroupId
);
