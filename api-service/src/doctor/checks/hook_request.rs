//! What EMQX sends to a hook.

use emqx_config::contract;

use crate::doctor::facts::{Facts, Hook, Version};
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&METHOD, &BODY, &CONTENT_TYPE, &ACCEPT];

pub(super) static METHOD: Rule = Rule {
    code: "emqx_hook_method",
    severity: Severity::Warning,
    why: "with get the certificate and the token stand in a query, and so in access logs; the hooks deny it",
    source: "5.8.9 seen",
    mend: "method = post",
};

pub(super) static BODY: Rule = Rule {
    code: "emqx_hook_body",
    severity: Severity::Error,
    why: "the hook decides on fields that this body lacks or fills with something else, so it denies, or judges another client",
    source: "5.8.9 seen; emqx-config/src/contract.rs",
    mend: "body { ... } as in the shipped file",
};

pub(super) static CONTENT_TYPE: Rule = Rule {
    code: "emqx_hook_content_type",
    severity: Severity::Error,
    why: "the hooks take JSON alone, and from 5.4 `headers` replaces EMQX's own set, so an authorization request may carry none",
    source: "5.4 read, 5.8.9 seen",
    mend: "headers { \"content-type\" = \"application/json\" }",
};

pub(super) static ACCEPT: Rule = Rule {
    code: "emqx_hook_accept",
    severity: Severity::Warning,
    why: "before 5.7.1 the encoding of an authorization body follows `accept` and not `content-type`",
    source: "5.3.0 to 5.7.0 read; emqx/emqx#13164",
    mend: "headers { \"accept\" = \"application/json\" }",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for broker in &facts.brokers {
        for hook in broker.conf.hooks().filter(|hook| hook.is_ours()) {
            let place = broker.hook(hook);
            if hook.get {
                found.push(METHOD.at(&place, "method = get"));
            }
            let lacking = lacking(hook);
            if !lacking.is_empty() {
                let seen = format!("wrong or missing: {}", lacking.join(", "));
                found.push(BODY.at(&place, seen));
            }
            let json = |name: &str| {
                let value = hook.headers.get(name).map(String::as_str);
                value.is_some_and(|value| value.starts_with("application/json"))
            };
            if !hook.headers.is_empty() && !json("content-type") {
                found.push(CONTENT_TYPE.at(&place, "headers lack it"));
            }
            let authz = hook.path() == contract::PATH_AUTHZ;
            let old = broker
                .version
                .is_some_and(|version| version < Version(5, 7, 1));
            if authz && old && !hook.headers.is_empty() && !json("accept") {
                found.push(ACCEPT.at(&place, "headers lack it"));
            }
        }
    }
    found
}

/// Keys whose template is not what the hook needs, by the variant that lacks least.
fn lacking(hook: &Hook) -> Vec<&'static str> {
    let variants: &[&[&'static str]] = match hook.path() {
        contract::PATH_AUTHN_DEVICE | contract::PATH_AUTHN_SERVICE => &[
            contract::BODY_CERTIFICATE_5_8,
            contract::BODY_CERTIFICATE_5_3,
        ],
        contract::PATH_AUTHN_PERSON => &[contract::BODY_PERSON],
        contract::PATH_AUTHZ => &[contract::BODY_AUTHZ],
        _ => &[],
    };
    let lacks = |variant: &&[&'static str]| {
        let keys = variant.iter().copied();
        keys.filter(|key| hook.body.get(*key) != Some(&format!("${{{key}}}")))
            .collect::<Vec<_>>()
    };
    let all = variants.iter().map(lacks);
    all.min_by_key(Vec::len).unwrap_or_default()
}
