//! The names that go into certificates, each with its grammar.
//!
//! Everything that reaches a distinguished name passes a grammar here first, so no character
//! with a meaning in RFC 4514 (comma, plus, equals, backslash) ever gets into one.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use x509_cert::name::Name;

/// Most characters of a device id; also the most a common name may have (RFC 5280 appendix A).
pub const MAX_DEVICE_ID_CHARS: usize = 64;
/// Most characters of a service client's name.
pub const MAX_SERVICE_NAME_CHARS: usize = 32;
/// Most characters of an organization.
pub const MAX_ORGANIZATION_CHARS: usize = 64;
/// Most characters of a DNS name (RFC 1035 section 2.3.4).
pub const MAX_DNS_NAME_CHARS: usize = 253;

/// Why a name can't go into a certificate. Never repeats the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not a device id.
    #[error("a device id is 1 to 64 of the characters A-Z a-z 0-9 _ -")]
    DeviceId,
    /// Not a service client's name.
    #[error("a service name is 1 to 32 of the characters a-z 0-9 -")]
    ServiceName,
    /// Not an organization.
    #[error("an organization is 1 to 64 of the characters A-Z a-z 0-9 . _ - and spaces inside it")]
    Organization,
    /// Neither a DNS name nor an IP address.
    #[error(
        "a server name is an IP address or a DNS name like broker.example.com or *.example.com: \
         labels of 1 to 63 letters, digits and inner hyphens, at most 253 characters, not ending \
         in a number"
    )]
    ServerName,
}

/// Accepts `^[A-Za-z0-9_-]{1,64}$`.
pub fn check_device_id(id: &str) -> Result<(), NameError> {
    let fits = (1..=MAX_DEVICE_ID_CHARS).contains(&id.len())
        && id
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'));
    if fits {
        Ok(())
    } else {
        Err(NameError::DeviceId)
    }
}

/// Accepts `^[a-z0-9-]{1,32}$`.
pub fn check_service_name(name: &str) -> Result<(), NameError> {
    let fits = (1..=MAX_SERVICE_NAME_CHARS).contains(&name.len())
        && name
            .bytes()
            .all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if fits {
        Ok(())
    } else {
        Err(NameError::ServiceName)
    }
}

/// Accepts a short plain text; spaces only inside, since RFC 4514 escapes them at the ends.
pub fn check_organization(name: &str) -> Result<(), NameError> {
    let fits = (1..=MAX_ORGANIZATION_CHARS).contains(&name.len())
        && name.trim() == name
        && name
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-' | b' '));
    if fits {
        Ok(())
    } else {
        Err(NameError::Organization)
    }
}

/// The distinguished name `CN=<common name>[,O=<organization>]`.
///
/// The caller has checked both texts against a grammar of this file.
pub(crate) fn distinguished(common_name: &str, organization: Option<&str>) -> der::Result<Name> {
    match organization {
        Some(organization) => Name::from_str(&format!("CN={common_name},O={organization}")),
        None => Name::from_str(&format!("CN={common_name}")),
    }
}

/// What a server certificate is valid for: a DNS name in lower case, or an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServerName {
    /// A DNS name; the first label may be `*`.
    Dns(String),
    /// An address, which is never looked up.
    Ip(IpAddr),
}

impl FromStr for ServerName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Ip(address));
        }
        if is_dns_name(text) {
            Ok(Self::Dns(text.to_ascii_lowercase()))
        } else {
            Err(NameError::ServerName)
        }
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => formatter.pad(name),
            Self::Ip(address) => address.fmt(formatter),
        }
    }
}

/// RFC 1123 section 2.1, with one leading `*.` (RFC 6125). A name that ends in a number would be
/// a mistyped address.
fn is_dns_name(text: &str) -> bool {
    let without_wildcard = text.strip_prefix("*.").unwrap_or(text);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || c == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let ends_in_number = without_wildcard
        .rsplit('.')
        .next()
        .is_some_and(|last| last.bytes().all(|c| c.is_ascii_digit()));
    text.len() <= MAX_DNS_NAME_CHARS && !ends_in_number && without_wildcard.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::{NameError, ServerName, check_device_id, check_organization, check_service_name};

    #[test]
    fn device_ids_of_the_grammar_pass_and_others_do_not() {
        for id in ["a", "Dev_1-x", &"x".repeat(64)] {
            assert_eq!(check_device_id(id), Ok(()));
        }
        for id in [
            "",
            "a b",
            "a/b",
            "a,O=x",
            "é",
            "a\n",
            "a.b",
            &"x".repeat(65),
        ] {
            assert_eq!(check_device_id(id), Err(NameError::DeviceId), "{id:?}");
        }
    }

    #[test]
    fn service_names_of_the_grammar_pass_and_others_do_not() {
        for name in ["gateway", "a-1", &"x".repeat(32)] {
            assert_eq!(check_service_name(name), Ok(()));
        }
        for name in ["", "Gateway", "a_b", "a.b", &"x".repeat(33)] {
            assert_eq!(
                check_service_name(name),
                Err(NameError::ServiceName),
                "{name:?}"
            );
        }
    }

    #[test]
    fn an_organization_cannot_smuggle_in_another_attribute() {
        assert_eq!(check_organization("IoT Hub"), Ok(()));
        for name in [
            "",
            " a",
            "a ",
            "a,CN=b",
            "a+b",
            "a\\b",
            "a/b",
            &"x".repeat(65),
        ] {
            assert_eq!(
                check_organization(name),
                Err(NameError::Organization),
                "{name:?}"
            );
        }
    }

    #[test]
    fn server_names_are_addresses_or_dns_names() {
        for name in [
            "localhost",
            "127.0.0.1",
            "::1",
            "*.example.com",
            "a-b.example.com",
        ] {
            assert_eq!(
                name.parse::<ServerName>().map(|n| n.to_string()),
                Ok(name.to_owned())
            );
        }
        assert_eq!("EMQX".parse(), Ok(ServerName::Dns("emqx".to_owned())));
        let long_label = "x".repeat(64);
        let long_name = format!("{}com", "abcdefg.".repeat(32));
        for name in [
            "",
            "*",
            "*.",
            "a..b",
            "-a",
            "a-",
            "10.0.0",
            "127.0.0.256",
            "a b",
            "a_b",
            "a.*.b",
            "fe80::1%eth0",
            "a.",
            &long_label,
            &long_name,
        ] {
            assert_eq!(
                name.parse::<ServerName>(),
                Err(NameError::ServerName),
                "{name:?}"
            );
        }
    }
}
