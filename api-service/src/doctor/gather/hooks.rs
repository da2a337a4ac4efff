//! Authenticators and authorization sources of a configuration tree.
//!
//! Keeps no header value but those of `content-type` and `accept`, and no user or password of a URL.

use std::collections::BTreeMap;
use std::time::Duration;

use super::tree::{Node, Strange};
use crate::doctor::facts::Hook;

/// What a hook is used for: EMQX's default time-out differs (5.3.0 read: authn 5 s, authz 30 s).
#[derive(Clone, Copy)]
pub(super) enum Use {
    Authn,
    Authz,
}

/// Headers whose values name a format.
const SHOWN: [&str; 2] = ["content-type", "accept"];

/// All hooks of a list; `None` where the key is absent.
pub(super) fn read_list(
    node: &Node<'_>,
    key: &str,
    used: Use,
    strange: &mut Strange,
) -> Option<Vec<Hook>> {
    let items = node.list(key, strange)?;
    Some(items.iter().map(|item| read(item, used, strange)).collect())
}

fn read(node: &Node<'_>, used: Use, strange: &mut Strange) -> Hook {
    let foreign = match used {
        Use::Authn => {
            let mechanism = node.text("mechanism", strange).unwrap_or_default();
            let backend = node.text("backend", strange).unwrap_or_default();
            let ours = mechanism == "password_based" && backend == "http";
            (!ours).then(|| {
                format!("{mechanism}:{backend}")
                    .trim_matches(':')
                    .to_owned()
            })
        }
        Use::Authz => {
            let kind = node.text("type", strange).unwrap_or_default();
            (kind != "http").then_some(kind)
        }
    };
    let tls = |key: &str, strange: &mut Strange| node.boolean(key, strange) == Some(true);
    let verify = node.text("ssl.verify", strange);
    let default_timeout = match used {
        Use::Authn => Duration::from_secs(5),
        Use::Authz => Duration::from_secs(30),
    };
    Hook {
        place: node.path.clone(),
        foreign,
        enable: node.boolean("enable", strange).unwrap_or(true),
        get: node.text("method", strange).as_deref() == Some("get"),
        url: without_user(&node.text("url", strange).unwrap_or_default()),
        headers: headers(node),
        body: node.map("body", strange),
        pool_size: node.count("pool_size", strange).unwrap_or(8),
        pipelining: node.count("enable_pipelining", strange).unwrap_or(100),
        connect_timeout: node
            .duration("connect_timeout", strange)
            .unwrap_or(Duration::from_secs(15)),
        request_timeout: node
            .duration("request_timeout", strange)
            .unwrap_or(default_timeout),
        tls_unverified: tls("ssl.enable", strange) && verify.as_deref() != Some("verify_peer"),
        precondition: node
            .text("precondition", strange)
            .is_some_and(|text| !text.trim().is_empty()),
    }
}

fn headers(node: &Node<'_>) -> BTreeMap<String, String> {
    let entries = node.entries("headers").into_iter();
    entries
        .map(|(name, _)| {
            let shown = SHOWN.iter().find(|shown| name.eq_ignore_ascii_case(shown));
            let value = shown.and_then(|_| {
                // A name with a dot cannot be reached by path; these two have none.
                node.node("headers")
                    .and_then(|headers| headers.text(name, &mut Strange::new()))
            });
            (name.to_ascii_lowercase(), value.unwrap_or_default())
        })
        .collect()
}

fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::without_user;

    #[test]
    fn a_password_in_a_url_is_dropped() {
        for (url, kept) in [
            ("http://hook:8081/authn", "http://hook:8081/authn"),
            (
                "http://u:p@hook:8081/authn?a=@",
                "http://hook:8081/authn?a=@",
            ),
            ("http://u:p@q@hook", "http://hook"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(without_user(url), kept);
        }
    }
}
