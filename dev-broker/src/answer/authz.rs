//! The answer of an authorization source (contract 2.3, wire/README). Only `result` is read.

use serde_json::Value;

use super::{HttpAnswer, parse_body};
use crate::acl::Verdict;

/// Reads an answer. A body without a content type is taken for JSON here, unlike in authn.
pub(crate) fn read(answer: &HttpAnswer) -> Verdict {
    match answer.status {
        204 => Verdict::Allow,
        200 => {
            let content_type = answer.content_type.as_deref().unwrap_or("application/json");
            let body = parse_body(content_type, &answer.body);
            match body
                .as_ref()
                .and_then(|body| body.get("result"))
                .and_then(Value::as_str)
            {
                Some("allow") => Verdict::Allow,
                Some("deny") => Verdict::Deny,
                _ => Verdict::NoMatch,
            }
        }
        _ => Verdict::NoMatch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, content_type: Option<&str>, body: &str) -> Verdict {
        read(&HttpAnswer {
            status,
            content_type: content_type.map(str::to_owned),
            body: body.as_bytes().to_vec(),
        })
    }

    #[test]
    fn only_204_and_an_explicit_result_decide() {
        let json = Some("application/json");
        assert_eq!(verdict(204, None, ""), Verdict::Allow);
        assert_eq!(verdict(200, json, r#"{"result":"allow"}"#), Verdict::Allow);
        assert_eq!(verdict(200, json, r#"{"result":"deny"}"#), Verdict::Deny);
        assert_eq!(verdict(200, None, r#"{"result":"deny"}"#), Verdict::Deny);
        for body in ["", "{}", "{", r#"{"result":"ignore"}"#, r#"{"result":1}"#] {
            assert_eq!(verdict(200, json, body), Verdict::NoMatch, "{body}");
        }
        assert_eq!(
            verdict(200, Some("text/plain"), r#"{"result":"deny"}"#),
            Verdict::NoMatch
        );
        for status in [201, 401, 403, 404, 500] {
            assert_eq!(
                verdict(status, json, r#"{"result":"deny"}"#),
                Verdict::NoMatch,
                "{status}"
            );
        }
    }
}
