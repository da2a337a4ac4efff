//! The claims about a person (`OpenID` Connect Core 1.0 section 5.1), cut to what may be stored.

use serde_json::Value;
use url::Url;

use crate::caller::Person;

/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 128;

/// Longest e-mail address, in characters (RFC 5321 section 4.5.3.1.3).
const EMAIL_CHARS_MAX: usize = 254;

/// Longest address of a picture, in characters.
const PICTURE_CHARS_MAX: usize = 1024;

/// The claims as they come, of whatever type.
#[derive(Debug, Default)]
pub(super) struct PersonClaims {
    pub(super) name: Option<Value>,
    pub(super) preferred_username: Option<Value>,
    pub(super) email: Option<Value>,
    pub(super) picture: Option<Value>,
}

impl PersonClaims {
    /// The person, without what is too long or odd.
    pub(super) fn into_person(self) -> Person {
        let text = |value: Option<&Value>, chars_max| {
            let text = value?.as_str()?.trim();
            plain(text, chars_max).then(|| text.to_owned())
        };
        let name = text(self.name.as_ref(), NAME_CHARS_MAX);
        let email = text(self.email.as_ref(), EMAIL_CHARS_MAX).filter(|email| is_email(email));
        let picture = text(self.picture.as_ref(), PICTURE_CHARS_MAX);
        Person {
            name: name.or_else(|| text(self.preferred_username.as_ref(), NAME_CHARS_MAX)),
            email,
            picture: picture.filter(|address| is_https(address)),
        }
    }

    /// Keycloak names the account of a client so; nothing but a client credentials grant gets it.
    pub(super) fn is_service_account_of(&self, client: &str) -> bool {
        let name = self.preferred_username.as_ref();
        let name = name.and_then(Value::as_str).unwrap_or("");
        name.strip_prefix("service-account-") == Some(client)
    }
}

/// Text of some length in which nothing can break a line or hide.
fn plain(text: &str, chars_max: usize) -> bool {
    (1..=chars_max).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

fn is_email(text: &str) -> bool {
    matches!(text.split_once('@'), Some((user, host)) if !user.is_empty() && !host.is_empty())
}

fn is_https(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.scheme() == "https")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn person(claims: Value) -> Person {
        let of = |name: &str| claims.get(name).cloned();
        let claims = PersonClaims {
            name: of("name"),
            preferred_username: of("preferred_username"),
            email: of("email"),
            picture: of("picture"),
        };
        claims.into_person()
    }

    #[test]
    fn what_the_issuer_says_is_kept() {
        let claims = json!({
            "name": " Ada L. ", "email": "ada@example.com", "picture": "https://example.com/a.png",
            "preferred_username": "ada",
        });
        let expected = Person {
            name: Some("Ada L.".to_owned()),
            email: Some("ada@example.com".to_owned()),
            picture: Some("https://example.com/a.png".to_owned()),
        };
        assert_eq!(person(claims), expected);
        let login = person(json!({"preferred_username": "ada"}));
        assert_eq!(login.name.as_deref(), Some("ada"));
    }

    #[test]
    fn what_is_too_long_or_odd_is_left_out() {
        for odd in [
            json!({"name": "n".repeat(129), "email": "e@".repeat(128), "picture": "http://h/a"}),
            json!({"name": "a\nb", "email": "no address", "picture": "javascript:alert(1)"}),
            json!({"name": 1, "email": [], "picture": {}}),
            json!({"name": "", "email": "@", "picture": format!("https://h/{}", "a".repeat(1024))}),
            json!({}),
        ] {
            assert_eq!(person(odd.clone()), Person::default(), "{odd}");
        }
    }

    #[test]
    fn a_debug_text_names_nobody() {
        let ada = person(json!({"name": "Ada", "email": "ada@example.com"}));
        let text = format!("{ada:?}");
        assert!(!text.contains("Ada") && !text.contains("example"), "{text}");
    }
}
