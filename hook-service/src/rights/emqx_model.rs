//! EMQX's rule evaluation, written from its contract and not from our code: the judge of the
//! property test. Source: `emqx_authz_rule.erl`, `emqx_topic.erl` as described for 5.3 to 5.8.9.

use serde_json::Value;

use super::{Action, Request};

/// What EMQX makes of an `acl`: the first rule that matches, or none.
pub(super) fn evaluate(acl: &Value, request: &Request<'_>) -> Option<bool> {
    let rules = acl.as_array().expect("an acl is a list");
    rules
        .iter()
        .find(|rule| applies(rule, request))
        .map(
            |rule| match rule["permission"].as_str().expect("permission is a string") {
                "allow" => true,
                "deny" => false,
                other => panic!("unknown permission {other}"),
            },
        )
}

fn applies(rule: &Value, request: &Request<'_>) -> bool {
    let known = ["permission", "action", "topics", "qos", "retain"];
    let keys = rule.as_object().expect("a rule is an object").keys();
    for key in keys {
        assert!(known.contains(&key.as_str()), "EMQX 5.7 ignores {key}");
    }
    let action = match rule["action"].as_str().expect("action is a string") {
        "publish" => request.action == Action::Publish,
        "subscribe" => request.action == Action::Subscribe,
        "all" => true,
        other => panic!("unknown action {other}"),
    };
    let qos = rule["qos"]
        .as_array()
        .is_none_or(|list| list.contains(&Value::from(request.qos)));
    // Retain is asked of a publish only.
    let retain = request.action == Action::Subscribe
        || rule
            .get("retain")
            .is_none_or(|retain| retain.as_bool() == Some(request.retain));
    let topics = rule["topics"].as_array().expect("topics is a list");
    action
        && qos
        && retain
        && topics
            .iter()
            .any(|topic| topic_matches(request.topic, topic.as_str().unwrap()))
}

/// The requested name or filter is taken as a topic and matched with the rule's filter.
fn topic_matches(requested: &str, rule: &str) -> bool {
    if let Some(literal) = rule.strip_prefix("eq ") {
        return requested == literal;
    }
    if requested.starts_with('$') && (rule.starts_with('+') || rule.starts_with('#')) {
        return false;
    }
    let requested: Vec<&str> = requested.split('/').collect();
    let rule: Vec<&str> = rule.split('/').collect();
    tokens_match(&requested, &rule)
}

fn tokens_match(requested: &[&str], rule: &[&str]) -> bool {
    match (requested, rule) {
        ([], []) | (_, ["#"]) => true,
        ([_, requested @ ..], ["+", rule @ ..]) => tokens_match(requested, rule),
        ([a, requested @ ..], [b, rule @ ..]) if a == b => tokens_match(requested, rule),
        _ => false,
    }
}
