//! The hooks by name and path. The paths are part of what `emqx-config` ships; a test compares.

use http::Method;

/// A hook that EMQX calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// Connects on the device listener.
    AuthnDevice,
    /// Connects on the service listener.
    AuthnService,
    /// Connects on the people's listener.
    AuthnPerson,
    /// Publishes and subscribes of everybody.
    Authz,
    /// Everything else, the bare `/authn` of the global chain among it.
    Other,
}

impl Hook {
    /// Every hook, in the order of [`Hook::index`].
    pub const ALL: [Self; 5] = [
        Self::AuthnDevice,
        Self::AuthnService,
        Self::AuthnPerson,
        Self::Authz,
        Self::Other,
    ];

    /// The hook that a request asks. Only POST is answered with more than a deny.
    pub fn asked(method: &Method, path: &str) -> Self {
        if *method != Method::POST {
            return Self::Other;
        }
        *Self::ALL
            .iter()
            .find(|hook| hook.path() == path)
            .unwrap_or(&Self::Other)
    }

    /// Its place in [`Hook::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// The path that EMQX posts to.
    pub fn path(self) -> &'static str {
        match self {
            Self::AuthnDevice => "/authn/device",
            Self::AuthnService => "/authn/service",
            Self::AuthnPerson => "/authn/person",
            Self::Authz => "/authz",
            Self::Other => "/authn",
        }
    }

    /// The metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthnDevice => "authn_device",
            Self::AuthnService => "authn_service",
            Self::AuthnPerson => "authn_person",
            Self::Authz => "authz",
            Self::Other => "other",
        }
    }
}
