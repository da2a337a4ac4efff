//! Rules against EMQX's recorded behaviour.

use serde_json::json;

use super::*;
use crate::client::Protocol;

fn client(id: &str) -> ClientInfo {
    ClientInfo {
        client_id: id.to_owned(),
        username: None,
        password: None,
        peer: ([127, 0, 0, 1], 1).into(),
        certificate: None,
        listener: "ssl:devices".to_owned(),
        zone: "device".to_owned(),
        protocol: Protocol::V5,
        keep_alive: 60,
        clean_start: true,
        expiry_interval: 0,
    }
}

fn subscribe(rules: serde_json::Value, filter: &str) -> Verdict {
    ask(rules, ActionKind::Subscribe, filter, "dev-1", 1, false)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "literals read better in the tests"
)]
fn ask(
    rules: serde_json::Value,
    kind: ActionKind,
    topic: &str,
    client_id: &str,
    qos: u8,
    retain: bool,
) -> Verdict {
    let rules = rules.as_array().expect("tests pass arrays").clone();
    let acl = Acl::parse(&rules).expect("tests pass good rules");
    acl.check(
        &client(client_id),
        &ClientAttrs::new(),
        Action {
            kind,
            topic,
            qos,
            retain,
        },
    )
}

fn allow(topics: &[&str]) -> serde_json::Value {
    json!([{ "permission": "allow", "action": "all", "topics": topics }])
}

#[test]
fn a_plus_as_last_level_also_admits_a_hash() {
    assert_eq!(subscribe(allow(&["a/+"]), "a/#"), Verdict::Allow);
    assert_eq!(subscribe(allow(&["eq a/+"]), "a/#"), Verdict::NoMatch);
    let guarded = json!([
        { "permission": "deny", "action": "subscribe", "topics": ["eq a/#"] },
        { "permission": "allow", "action": "subscribe", "topics": ["a/+"] },
    ]);
    assert_eq!(subscribe(guarded, "a/#"), Verdict::Deny);
}

#[test]
fn literal_rules_admit_no_wildcard() {
    for filter in ["a/+", "a/#", "+/x", "#", "+/+"] {
        assert_eq!(
            subscribe(allow(&["a/x"]), filter),
            Verdict::NoMatch,
            "{filter}"
        );
    }
}

#[test]
fn a_hash_rule_admits_its_subset_and_the_parent_level() {
    for filter in ["a", "a/#", "a/+", "a/b/#"] {
        assert_eq!(
            subscribe(allow(&["a/#"]), filter),
            Verdict::Allow,
            "{filter}"
        );
    }
    assert_eq!(subscribe(allow(&["a/1/#"]), "a/+/x"), Verdict::NoMatch);
}

#[test]
fn wildcards_do_not_reach_dollar_topics() {
    assert_eq!(subscribe(allow(&["#"]), "$foo/x"), Verdict::NoMatch);
    assert_eq!(subscribe(allow(&["+/x"]), "$foo/x"), Verdict::NoMatch);
    assert_eq!(subscribe(allow(&["$foo/#"]), "$foo/x"), Verdict::Allow);
}

#[test]
fn a_placeholder_takes_wildcards_from_the_client() {
    let rules = allow(&["${clientid}/x"]);
    let published = |id| ask(rules.clone(), ActionKind::Publish, "other/x", id, 0, false);
    assert_eq!(published("dev-1"), Verdict::NoMatch);
    assert_eq!(published("+"), Verdict::Allow);
}

#[test]
fn eq_with_a_placeholder_never_matches_its_value() {
    assert_eq!(
        subscribe(allow(&["eq ${clientid}/x"]), "dev-1/x"),
        Verdict::NoMatch
    );
}

#[test]
fn qos_and_retain_narrow_a_rule() {
    let rules = json!([{ "permission": "allow", "action": "pub", "topic": "t",
                         "qos": "0,1", "retain": false }]);
    let publish = |qos, retain| ask(rules.clone(), ActionKind::Publish, "t", "d", qos, retain);
    assert_eq!(publish(1, false), Verdict::Allow);
    assert_eq!(publish(2, false), Verdict::NoMatch);
    assert_eq!(publish(0, true), Verdict::NoMatch);
}

#[test]
fn malformed_rules_name_their_key() {
    let bad = |rule: serde_json::Value| Acl::parse(&[rule]).expect_err("the rule is malformed").key;
    assert_eq!(bad(json!("allow")), "permission");
    assert_eq!(
        bad(json!({ "permission": "maybe", "action": "all", "topic": "t" })),
        "permission"
    );
    assert_eq!(
        bad(json!({ "permission": "allow", "action": "read", "topic": "t" })),
        "action"
    );
    assert_eq!(
        bad(json!({ "permission": "allow", "action": "all" })),
        "topics"
    );
    assert_eq!(
        bad(json!({ "permission": "allow", "action": "all", "topics": [1] })),
        "topics"
    );
    assert_eq!(
        bad(json!({ "permission": "allow", "action": "all", "topic": "t", "qos": 3 })),
        "qos"
    );
    assert_eq!(
        bad(json!({ "permission": "allow", "action": "all", "topic": "t", "retain": "x" })),
        "retain"
    );
}

#[test]
fn unknown_keys_of_a_rule_are_dropped() {
    let rules = json!([{ "permission": "allow", "action": "all", "topic": "t",
                         "clientid_re": "^never$" }]);
    assert_eq!(subscribe(rules, "t"), Verdict::Allow);
}
