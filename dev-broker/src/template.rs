//! EMQX's `${name}` templates.
//!
//! Rendering is one pass: a value that looks like a placeholder is never expanded again. A
//! placeholder that the place does not allow stays as it was written, as on EMQX (contract 1.2).

use std::borrow::Cow;

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Variable(String),
}

impl Template {
    /// Parses `text`; every name for which `allowed` is false stays literal.
    pub fn parse(text: &str, allowed: impl Fn(&str) -> bool) -> Self {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let after = &rest[start + 2..];
            let Some(end) = after.find('}') else { break };
            let name = &after[..end];
            if allowed(name) {
                literal.push_str(&rest[..start]);
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(Part::Variable(name.to_owned()));
                rest = &after[end + 1..];
            } else {
                literal.push_str(&rest[..start + 2]);
                rest = after;
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Self { parts }
    }

    /// Renders with `lookup`; an absent value becomes the empty string. `encode` is applied to
    /// values only, never to the template's own text.
    pub fn render<'v>(
        &self,
        lookup: impl Fn(&str) -> Option<Cow<'v, [u8]>>,
        encode: impl Fn(&[u8], &mut Vec<u8>),
    ) -> Vec<u8> {
        let mut out = Vec::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Part::Variable(name) => {
                    if let Some(value) = lookup(name) {
                        encode(&value, &mut out);
                    }
                }
            }
        }
        out
    }

    /// Renders as text, or `None` when any variable is absent: how `acl` topics are expanded.
    pub fn render_all_present(&self, lookup: impl Fn(&str) -> Option<String>) -> Option<String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Variable(name) => out.push_str(&lookup(name)?),
            }
        }
        Some(out)
    }
}

/// Copies a value unchanged.
pub(crate) fn verbatim(value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(value);
}

/// Percent-encodes a value the way EMQX does: a space is `+`, even in a path (wire/authz-get-query).
pub(crate) fn url_encoded(value: &[u8], out: &mut Vec<u8>) {
    for &byte in value {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte),
            b' ' => out.push(b'+'),
            _ => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                out.extend([
                    b'%',
                    HEX[usize::from(byte >> 4)],
                    HEX[usize::from(byte & 15)],
                ]);
            }
        }
    }
}

/// Placeholders of authenticators and of every source's headers (5.8.2 and later).
pub fn authn_variable(name: &str) -> bool {
    matches!(
        name,
        "username" | "clientid" | "password" | "peerhost" | "cert_subject" | "cert_common_name"
    ) || matches!(name, "cert_pem" | "zone")
        || client_attribute(name)
}

/// Placeholders of authorization sources (5.8; `zone` is one only from 5.9).
pub fn authz_variable(name: &str) -> bool {
    matches!(
        name,
        "username" | "clientid" | "peerhost" | "cert_subject" | "cert_common_name" | "cert_pem"
    ) || matches!(
        name,
        "proto_name" | "mountpoint" | "topic" | "action" | "access" | "qos" | "retain"
    ) || client_attribute(name)
}

/// Placeholders in topics of an `acl` (`cert_common_name` 5.8.1, `zone` 5.8.2).
pub(crate) fn acl_variable(name: &str) -> bool {
    matches!(name, "username" | "clientid" | "cert_common_name" | "zone") || client_attribute(name)
}

fn client_attribute(name: &str) -> bool {
    name.strip_prefix("client_attrs.")
        .is_some_and(|attribute| !attribute.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(text: &str) -> String {
        let bytes = Template::parse(text, authn_variable).render(
            |name| match name {
                "clientid" => Some(Cow::Borrowed(b"${password} &x".as_slice())),
                "password" => Some(Cow::Borrowed(b"secret".as_slice())),
                _ => None,
            },
            verbatim,
        );
        String::from_utf8(bytes).expect("test values are text")
    }

    #[test]
    fn a_value_is_never_expanded_again() {
        assert_eq!(rendered("<${clientid}>"), "<${password} &x>");
    }

    #[test]
    fn unknown_placeholders_and_stray_dollars_stay_literal() {
        assert_eq!(rendered("100$ ${unknown} p&w"), "100$ ${unknown} p&w");
        assert_eq!(rendered("${listener}${peername}"), "${listener}${peername}");
        assert_eq!(rendered("${open"), "${open");
        assert_eq!(rendered("${x${password}"), "${xsecret");
    }

    #[test]
    fn an_absent_value_is_the_empty_string() {
        assert_eq!(rendered("[${username}]"), "[]");
    }

    #[test]
    fn a_space_is_a_plus_and_the_rest_is_percent_encoded() {
        let mut out = Vec::new();
        url_encoded("c 1&x/ü".as_bytes(), &mut out);
        assert_eq!(out, b"c+1%26x%2F%C3%BC");
    }

    #[test]
    fn an_acl_topic_with_an_absent_value_does_not_exist() {
        let topic = Template::parse("${client_attrs.a}/x", acl_variable);
        assert_eq!(topic.render_all_present(|_| None), None);
        assert_eq!(
            topic.render_all_present(|_| Some("+".to_owned())),
            Some("+/x".to_owned())
        );
    }
}
