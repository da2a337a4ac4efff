//! The database's schema: migrations, and the words both services share.
//!
//! * [`migrate()`] brings a database to this build's version; [`check_version`] is what a service asks
//!   at start instead of migrating by itself.
//! * [`words`] names tables, roles and the notification channel as the migrations spell them.
//! * Newtypes ([`DeviceId`], [`ServiceClientName`], [`TopicFilter`], [`ChangeNumber`], ..) hold the
//!   grammars that the tables' checks hold too, so that a value of one of them is always storable.
//!
//! The rules of the change log live in `migrations/V1__spine.sql`, in the database itself, so that no
//! program can forget them. This crate never decides anything about a device.

pub mod change_log;
pub mod words;

mod action;
mod binding_state;
mod certificate_state;
mod change_kind;
mod change_number;
mod device_id;
mod group_role;
mod lifecycle;
mod login;
mod migrate;
mod organization_role;
mod said;
mod service_client_name;
mod sql_text;
mod topic_filter;
mod version;

#[cfg(feature = "testing")]
pub mod testing;

pub use action::Action;
pub use binding_state::BindingState;
pub use certificate_state::CertificateState;
pub use change_kind::ChangeKind;
pub use change_number::ChangeNumber;
pub use device_id::{DeviceId, DeviceIdError};
pub use group_role::GroupRole;
pub use lifecycle::Lifecycle;
pub use login::{LoginError, ServiceRole, ensure_login};
pub use migrate::{MigrateError, Migrated, migrate, migrations_key};
pub use organization_role::OrganizationRole;
pub use said::said;
pub use service_client_name::{ServiceClientName, ServiceClientNameError};
pub use sql_text::UnknownWord;
pub use topic_filter::{TopicFilter, TopicFilterError};
pub use version::{
    NEWEST_SUPPORTED, OLDEST_SUPPORTED, SCHEMA_VERSION, VersionError, check_version,
};
