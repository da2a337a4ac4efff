//! The answer of an authenticator (contract 1.5, wire/README, emqx-verified #9).

use serde_json::{Map, Value};

use super::{HttpAnswer, parse_body};
use crate::acl::Acl;
use crate::client::ClientAttrs;

/// What one authenticator said.
#[derive(Debug)]
pub(crate) enum AuthnOutcome {
    /// Let in, with these rights.
    Allow(Grant),
    /// The chain ends, 0x87.
    Deny,
    /// The chain ends, 0x86: an `expire_at` or `acl` that EMQX refuses.
    BadCredentials,
    /// The next authenticator is asked.
    Ignore,
}

/// What an allowed client got.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grant {
    /// Skips every authorization.
    pub is_superuser: bool,
    /// Attributes for templates and `acl` topics.
    pub client_attrs: ClientAttrs,
    /// Unix second at which the connection ends.
    pub expire_at: Option<i64>,
    /// Rules, if the answer had any list, even an empty one.
    pub acl: Option<Acl>,
}

/// From this many seconds on a time is taken for milliseconds (the year 5138 in seconds).
const LOOKS_LIKE_MILLISECONDS: i64 = 99_999_999_999;

/// Reads an answer; `now` is in Unix seconds.
pub(crate) fn read(answer: &HttpAnswer, now: i64) -> AuthnOutcome {
    match answer.status {
        204 => AuthnOutcome::Allow(Grant::default()),
        200 => {
            let content_type = answer.content_type.as_deref().unwrap_or_default();
            match parse_body(content_type, &answer.body) {
                Some(body) => read_body(&body, now),
                None => AuthnOutcome::Ignore,
            }
        }
        _ => AuthnOutcome::Ignore,
    }
}

fn read_body(body: &Map<String, Value>, now: i64) -> AuthnOutcome {
    match body.get("result").and_then(Value::as_str) {
        Some("allow") => {}
        Some("deny") => return AuthnOutcome::Deny,
        _ => return AuthnOutcome::Ignore,
    }
    let Some(client_attrs) = client_attrs(body.get("client_attrs")) else {
        // EMQX's provider crashes here, and a crash counts as ignored.
        return AuthnOutcome::Ignore;
    };
    let Ok(expire_at) = expire_at(body.get("expire_at"), now) else {
        return AuthnOutcome::BadCredentials;
    };
    let acl = match body.get("acl") {
        None => None,
        Some(Value::Array(rules)) => match Acl::parse(rules) {
            Ok(acl) => Some(acl),
            Err(bad) => {
                tracing::warn!(%bad, "an authn answer carries a malformed acl");
                return AuthnOutcome::BadCredentials;
            }
        },
        Some(_) => return AuthnOutcome::Ignore,
    };
    let is_superuser = body.get("is_superuser").is_some_and(truthy);
    AuthnOutcome::Allow(Grant {
        is_superuser,
        client_attrs,
        expire_at,
        acl,
    })
}

fn truthy(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::String(text) => text == "true" || text == "1",
        Value::Number(number) => number.as_i64().is_some_and(|n| n >= 1),
        _ => false,
    }
}

fn client_attrs(value: Option<&Value>) -> Option<ClientAttrs> {
    let Some(value) = value else {
        return Some(ClientAttrs::new());
    };
    let mut attrs = ClientAttrs::new();
    for (key, value) in value.as_object()? {
        let value = value.as_str()?;
        if attribute_name(key) {
            attrs.insert(key.clone(), value.to_owned());
        }
    }
    Some(attrs)
}

/// `^[A-Za-z0-9]+[A-Za-z0-9-_]*$`; other names are dropped.
fn attribute_name(name: &str) -> bool {
    name.as_bytes()
        .first()
        .is_some_and(u8::is_ascii_alphanumeric)
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn expire_at(value: Option<&Value>, now: i64) -> Result<Option<i64>, ()> {
    let Some(value) = value else { return Ok(None) };
    let second = value.as_i64().ok_or(())?;
    if second <= now || second >= LOOKS_LIKE_MILLISECONDS {
        return Err(());
    }
    Ok(Some(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn outcome(status: u16, content_type: Option<&str>, body: &str) -> &'static str {
        let answer = HttpAnswer {
            status,
            content_type: content_type.map(str::to_owned),
            body: body.as_bytes().to_vec(),
        };
        match read(&answer, NOW) {
            AuthnOutcome::Allow(_) => "allow",
            AuthnOutcome::Deny => "deny",
            AuthnOutcome::BadCredentials => "bad",
            AuthnOutcome::Ignore => "ignore",
        }
    }

    fn json(body: &str) -> &'static str {
        outcome(200, Some("application/json; charset=utf-8"), body)
    }

    #[test]
    fn statuses_other_than_200_and_204_are_ignored_whatever_they_say() {
        assert_eq!(outcome(204, None, ""), "allow");
        for status in [201, 202, 301, 401, 403, 404, 429, 500, 503] {
            let said = outcome(status, Some("application/json"), r#"{"result":"deny"}"#);
            assert_eq!(said, "ignore", "{status}");
        }
    }

    #[test]
    fn the_content_type_decides_how_a_body_is_read() {
        let allow = r#"{"result":"allow"}"#;
        assert_eq!(outcome(200, Some("application/json"), allow), "allow");
        assert_eq!(outcome(200, Some("Application/JSON"), allow), "ignore");
        assert_eq!(outcome(200, Some("text/plain"), allow), "ignore");
        assert_eq!(outcome(200, None, allow), "ignore");
        let form = Some("application/x-www-form-urlencoded");
        assert_eq!(outcome(200, form, "result=allow&is_superuser=1"), "allow");
        assert_eq!(outcome(200, form, "result=deny"), "deny");
    }

    #[test]
    fn an_explicit_deny_ends_the_chain_and_anything_unknown_is_ignored() {
        assert_eq!(json(r#"{"result":"deny","is_superuser":true}"#), "deny");
        for body in [
            "",
            "{}",
            "[]",
            "null",
            "{",
            r#"{"result":"no"}"#,
            r#"{"result":true}"#,
        ] {
            assert_eq!(json(body), "ignore", "{body}");
        }
    }

    #[test]
    fn an_expiry_that_is_past_in_milliseconds_or_text_is_bad_credentials() {
        assert_eq!(
            json(r#"{"result":"allow","expire_at":1800000001}"#),
            "allow"
        );
        for value in [
            "1800000000",
            "1",
            "-5",
            "1800000000000",
            "\"1800000001\"",
            "1800000001.5",
            "null",
        ] {
            let body = format!(r#"{{"result":"allow","expire_at":{value}}}"#);
            assert_eq!(json(&body), "bad", "{value}");
        }
    }

    #[test]
    fn attributes_that_are_no_strings_make_the_answer_ignored() {
        assert_eq!(
            json(r#"{"result":"allow","client_attrs":{"a":1}}"#),
            "ignore"
        );
        assert_eq!(json(r#"{"result":"allow","client_attrs":null}"#), "ignore");
        assert_eq!(
            json(r#"{"result":"allow","client_attrs":{"a":"1","b c":"2"}}"#),
            "allow"
        );
    }

    #[test]
    fn an_acl_that_is_no_list_is_ignored_and_a_malformed_rule_is_bad_credentials() {
        assert_eq!(json(r#"{"result":"allow","acl":{}}"#), "ignore");
        assert_eq!(json(r#"{"result":"allow","acl":null}"#), "ignore");
        assert_eq!(json(r#"{"result":"allow","acl":[]}"#), "allow");
        assert_eq!(
            json(r#"{"result":"allow","acl":[{"permission":"allow"}]}"#),
            "bad"
        );
    }
}
