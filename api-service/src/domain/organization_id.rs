//! Which organization.

super::uuid_id::uuid_id!(
    /// An organization's id.
    OrganizationId
);
