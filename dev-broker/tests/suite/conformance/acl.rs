//! What the rules of an authn answer do, and when the HTTP source is asked behind them.

use serde_json::{Value, json};

use super::{Source, assert_named};
use crate::support::hook::Reply;
use crate::support::lab::Lab;
use crate::support::mqtt::{Connect, Said};

/// What is tried.
#[derive(Debug, Clone, Copy)]
enum Try {
    Publish(&'static str),
    Retained(&'static str),
    Subscribe(&'static str),
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Allowed,
    Denied,
    /// No rule matched: the source is asked, says `ignore`, and `no_match` denies.
    Asked,
}

struct Row {
    source: Source,
    acl: Value,
    tried: Try,
    outcome: Outcome,
}

fn row(source: Source, acl: Value, tried: Try, outcome: Outcome) -> Row {
    Row {
        source,
        acl,
        tried,
        outcome,
    }
}

fn allow(topics: &[&str]) -> Value {
    json!([{ "permission": "allow", "action": "all", "topics": topics }])
}

fn rows() -> Vec<Row> {
    use Outcome::{Allowed, Asked, Denied};
    use Try::{Publish, Retained, Subscribe};
    const RUN1: Source = "5.8.9 run: emqx-verified #1";
    const RUN6: Source = "5.8.9 run: emqx-verified #6";
    const RUN7: Source = "5.8.9 run: emqx-verified #7";
    const RUN8: Source = "5.8.9 run: emqx-verified #8";
    const WIRE: Source = "5.8.9 wire/README";
    const READ: Source = "only read: contract 1.6";
    let guarded = json!([
        { "permission": "deny", "action": "subscribe", "topics": ["eq a/#"] },
        { "permission": "allow", "action": "subscribe", "topics": ["a/+"] },
    ]);
    let terminal = json!([
        { "permission": "allow", "action": "all", "topics": ["a/x"] },
        { "permission": "deny", "action": "all", "topics": ["#", "$SYS/#"] },
    ]);
    let narrow = json!([{ "permission": "allow", "action": "pub", "topic": "t", "qos": 1,
                          "retain": false }]);
    vec![
        row(RUN1, allow(&["a/+"]), Subscribe("a/#"), Allowed),
        row(RUN1, guarded.clone(), Subscribe("a/#"), Denied),
        row(RUN1, guarded, Subscribe("a/+"), Allowed),
        row(RUN1, allow(&["eq a/+"]), Subscribe("a/#"), Asked),
        row(RUN1, allow(&["eq a/+"]), Subscribe("a/+"), Allowed),
        row(RUN1, allow(&["a/x"]), Subscribe("a/+"), Asked),
        row(RUN1, allow(&["a/x"]), Subscribe("a/#"), Asked),
        row(RUN1, allow(&["a/x"]), Subscribe("+/x"), Asked),
        row(RUN1, allow(&["a/x"]), Subscribe("#"), Asked),
        row(RUN6, terminal.clone(), Publish("$foo/x"), Asked),
        row(RUN6, terminal.clone(), Subscribe("$foo/#"), Asked),
        row(RUN6, terminal.clone(), Subscribe("$SYS/#"), Denied),
        row(WIRE, terminal.clone(), Publish("a/x"), Allowed),
        row(WIRE, terminal, Publish("b"), Denied),
        row(
            RUN7,
            allow(&["+/telemetry"]),
            Subscribe("$share/api/+/telemetry"),
            Allowed,
        ),
        row(
            RUN7,
            allow(&["$share/api/+/telemetry"]),
            Subscribe("$share/api/+/telemetry"),
            Asked,
        ),
        row(RUN8, allow(&["${clientid}/x"]), Publish("someone/x"), Asked),
        row(
            RUN8,
            allow(&["eq ${clientid}/x"]),
            Publish("${clientid}/x"),
            Allowed,
        ),
        row(
            RUN8,
            allow(&["${client_attrs.wild}/x"]),
            Publish("someone/x"),
            Allowed,
        ),
        row(
            READ,
            allow(&["${client_attrs.absent}/x"]),
            Publish("/x"),
            Asked,
        ),
        row(
            READ,
            allow(&["${unknown}/x"]),
            Publish("${unknown}/x"),
            Allowed,
        ),
        row(READ, allow(&["a/#"]), Subscribe("a/+"), Allowed),
        row(READ, allow(&["a/#"]), Subscribe("a"), Allowed),
        row(READ, allow(&["a/1/#"]), Subscribe("a/+/x"), Asked),
        row(READ, narrow.clone(), Publish("t"), Allowed),
        row(READ, narrow.clone(), Retained("t"), Asked),
        row(READ, narrow, Subscribe("t"), Asked),
        row(READ, json!([]), Publish("t"), Asked),
        row(
            WIRE,
            json!([{ "permission": "deny", "action": "pub", "topic": "t" },
                         { "permission": "allow", "action": "pub", "topic": "t" }]),
            Publish("t"),
            Denied,
        ),
    ]
}

#[tokio::test]
async fn every_rule_has_its_effect() {
    let rules: Vec<Value> = rows().into_iter().map(|row| row.acl).collect();
    let lab = Lab::start(move |request| {
        if request.path == "/authz" {
            return Reply::json(r#"{"result":"ignore"}"#);
        }
        let index = request
            .field("clientid")
            .rsplit('.')
            .next()
            .expect("an index");
        let acl = &rules[index.parse::<usize>().expect("an index")];
        Reply::Json(json!({ "result": "allow", "acl": acl, "client_attrs": { "wild": "+" } }))
    })
    .await;
    for (index, row) in rows().iter().enumerate() {
        assert_named(row.source);
        let id = format!("svc.row.{index}");
        // The service zone takes wildcards and shared subscriptions, so only the rules decide.
        let mut client = lab.service(&Connect::v5(&id)).await;
        let (said, allowed) = match row.tried {
            Try::Publish(topic) => (client.publish(topic, "x").await, 0),
            Try::Retained(topic) => {
                client.send_publish(topic, b"x", 1, true).await;
                (client.puback().await, 0)
            }
            Try::Subscribe(filter) => (client.subscribe(filter).await, 1),
        };
        let asked = lab
            .hook
            .asked_for(&id)
            .iter()
            .any(|request| request.path == "/authz");
        let outcome = match said {
            Said::Answer(code) if code == allowed && !asked => Outcome::Allowed,
            Said::Answer(0x87) if asked => Outcome::Asked,
            Said::Answer(0x87) => Outcome::Denied,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            outcome, row.outcome,
            "{}: {:?} with {}",
            row.source, row.tried, row.acl
        );
    }
}

/// only read: contract 1.5: a superuser skips the `acl` too, and no source is asked.
#[tokio::test]
async fn a_superuser_skips_every_rule() {
    let lab = Lab::start(|request| match request.path.as_str() {
        "/authz" => Reply::deny(),
        _ => Reply::Json(json!({ "result": "allow", "is_superuser": true,
            "acl": [{ "permission": "deny", "action": "all", "topics": ["#"] }] })),
    })
    .await;
    let mut client = lab.device(&Connect::v5("root")).await;
    assert_eq!(client.publish("t", "x").await, Said::Answer(0));
    assert_eq!(client.subscribe("t").await, Said::Answer(1));
    assert!(
        lab.hook
            .requests()
            .iter()
            .all(|request| request.path != "/authz")
    );
}
