//! The three name spaces of client ids. They are disjoint, so nobody takes over another's session.

use schema::DeviceId;
use schema::ServiceClientName;

/// A client id, told apart by its form (design section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientId<'a> {
    /// A device: `[A-Za-z0-9_-]{1,64}`.
    Device(&'a str),
    /// A service client: `svc.<name>.<instance>`; this is the name.
    Service(&'a str),
    /// A person: `usr.<accountId>.<tag>`; this is the account.
    Person(&'a str),
}

/// The longest instance or tag behind the name, in characters.
const TAG_CHARS_MAX: usize = 64;

impl<'a> ClientId<'a> {
    /// Tells which name space an id belongs to; `None` if to none.
    pub fn parse(id: &'a str) -> Option<Self> {
        if DeviceId::is_valid(id) {
            return Some(Self::Device(id));
        }
        let (kind, rest) = id.split_once('.')?;
        let (name, tag) = rest.split_once('.')?;
        let word = |text: &str, max| (1..=max).contains(&text.len()) && text.bytes().all(is_word);
        match kind {
            "svc" if ServiceClientName::is_valid(name) && word(tag, TAG_CHARS_MAX) => {
                Some(Self::Service(name))
            }
            "usr" if word(name, TAG_CHARS_MAX) && word(tag, TAG_CHARS_MAX) => {
                Some(Self::Person(name))
            }
            _ => None,
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_space_is_told_from_the_others_and_from_none() {
        assert_eq!(ClientId::parse("grow-1"), Some(ClientId::Device("grow-1")));
        assert_eq!(ClientId::parse("svc.api.0"), Some(ClientId::Service("api")));
        assert_eq!(
            ClientId::parse("usr.0190-ab.tab1"),
            Some(ClientId::Person("0190-ab"))
        );
        for none in [
            "",
            "svc.api",
            "svc..0",
            "svc.api.",
            "svc.API.0",
            "svc.api.0.1",
            "usr.a",
            "usr..b",
            "usr.a.b.c",
            "dev.1",
            "a/b",
            "+",
            "#",
            "a+",
            "${clientid}",
            "a b",
            "é",
            "a\0",
            "SVC.api.0",
            &"x".repeat(65),
            &format!("usr.a.{}", "x".repeat(65)),
        ] {
            assert_eq!(ClientId::parse(none), None, "{none:?}");
        }
    }
}
