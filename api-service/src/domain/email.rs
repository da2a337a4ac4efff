//! An e-mail address as a note. Nobody is ever matched by one.

/// Most characters of an address (RFC 5321 section 4.5.3.1.3, less the brackets).
const EMAIL_CHARS_MAX: usize = 254;

/// Something of the form `a@b`, 3 to 254 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Email(String);

/// Why a text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an e-mail address of 3 to 254 characters")]
pub(crate) struct EmailError;

impl Email {
    /// Reads an address. Only its form: whether it exists, a mail would tell.
    pub(crate) fn parse(text: &str) -> Result<Self, EmailError> {
        let plain = |c: char| !c.is_control() && !c.is_whitespace();
        let parts = text.rsplit_once('@');
        let fits = text.chars().count() <= EMAIL_CHARS_MAX
            && text.chars().all(plain)
            && parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
        fits.then(|| Self(text.to_owned())).ok_or(EmailError)
    }

    /// The address as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_form_and_a_limit() {
        let longest = format!("{}@b", "a".repeat(EMAIL_CHARS_MAX - 2));
        for good in ["a@b", "ann+x@example.com", "почта@пример.рф", &longest] {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "@b",
            "a@",
            "ab",
            "a b@c",
            "a\n@b",
            &format!("a{longest}"),
        ] {
            assert_eq!(Email::parse(bad), Err(EmailError), "{bad:?}");
        }
    }
}
