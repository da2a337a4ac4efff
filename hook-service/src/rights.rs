//! What a client may publish and subscribe: one small value, told in two ways.
//!
//! [`Rights::allows`] is the answer of `/authz`; [`Rights::write_acl`] is the same as rules for the
//! authn answer, which EMQX 5.7.2 and later evaluates by itself. A property test holds the two
//! equal for arbitrary requests, with EMQX's rule matching written down independently.
//!
//! Rules hold literal topics only: a placeholder in a rule is a wildcard injection (seen on 5.8.9).
//! The list ends with a deny of `#` and `$SYS/#`; other `$` topics are covered by `no_match = deny`.

mod acl;
mod device;
#[cfg(test)]
mod emqx_model;
mod person;
mod service;
#[cfg(test)]
mod tests;

pub use self::device::{DEVICE_PUBLISHES, DEVICE_SUBSCRIBES, Publish};
pub use self::person::seen_of;
pub use self::service::TopicRight;

/// The highest QoS a device publishes with: none of its topics is worth four packets.
pub const DEVICE_PUBLISH_QOS_MAX: u8 = 1;

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// Publish or subscribe.
    pub action: Action,
    /// The topic name, or the topic filter without `$share/<group>/`.
    pub topic: &'a str,
    /// 0, 1 or 2.
    pub qos: u8,
    /// The retain flag; `false` for a subscription.
    pub retain: bool,
}

/// What is done with a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Send to a topic name.
    Publish,
    /// Receive what matches a filter.
    Subscribe,
}

/// Whose rights they are.
#[derive(Debug, Clone, Copy)]
pub enum Rights<'a> {
    /// A device has all its own topics, bound or not.
    Device {
        /// Its id.
        id: &'a str,
    },
    /// A service client has what the database lists.
    Service {
        /// The list.
        rights: &'a [TopicRight],
    },
    /// A person publishes nothing, and what they may subscribe is asked each time.
    Person,
}

impl Rights<'_> {
    /// Whether the request is within the rights, as far as they alone say: a person must also be
    /// allowed to see the device.
    pub fn allows(&self, request: &Request<'_>) -> bool {
        match self {
            Self::Device { id } => device::allows(id, request),
            Self::Service { rights } => service::allow(rights, request),
            Self::Person => person::seen_of(request).is_some(),
        }
    }

    /// Appends the rights as the JSON array of EMQX rules.
    pub fn write_acl(&self, out: &mut Vec<u8>) {
        match self {
            Self::Device { id } => device::write_acl(id, out),
            Self::Service { rights } => service::write_acl(rights, out),
            Self::Person => out.extend_from_slice(person::ACL),
        }
    }
}
