//! The three kinds of issuing authority.

use std::fmt;
use std::str::FromStr;

/// What an issuing authority issues for. Listeners trust authorities by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaKind {
    /// Certificates of devices.
    Device,
    /// Certificates of service clients.
    Service,
    /// Certificates of servers: the broker and our own.
    Server,
}

impl CaKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Device, Self::Service, Self::Server];

    /// The word for files and the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Service => "service",
            Self::Server => "server",
        }
    }

    /// The word in an authority's common name.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Device => "Device",
            Self::Service => "Service",
            Self::Server => "Server",
        }
    }
}

impl fmt::Display for CaKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for CaKind {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or("an issuing authority is one of: device, service, server")
    }
}
