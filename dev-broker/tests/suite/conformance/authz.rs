//! What EMQX makes of an authorization source's answer, with `no_match` deny and allow.

use super::{Source, assert_named};
use crate::support::hook::Reply;
use crate::support::lab::Lab;
use crate::support::mqtt::{Connect, Said};

/// An answer, and whether the action is allowed with each `no_match`.
struct Row {
    source: Source,
    what: &'static str,
    reply: Reply,
    no_match_deny: bool,
    no_match_allow: bool,
}

fn row(source: Source, what: &'static str, reply: Reply, allowed: (bool, bool)) -> Row {
    Row {
        source,
        what,
        reply,
        no_match_deny: allowed.0,
        no_match_allow: allowed.1,
    }
}

fn rows() -> Vec<Row> {
    const WIRE: Source = "5.8.9 wire/README";
    const READ: Source = "only read: contract 2.3";
    const ALLOWED: (bool, bool) = (true, true);
    const DENIED: (bool, bool) = (false, false);
    const NO_MATCH: (bool, bool) = (false, true);
    let deny = r#"{"result":"deny"}"#;
    let form = Some("application/x-www-form-urlencoded");
    let mut rows = vec![
        row(WIRE, "204", Reply::status(204, ""), ALLOWED),
        row(WIRE, "200 allow", Reply::allow(), ALLOWED),
        row(
            WIRE,
            "200 allow, form",
            Reply::Http(200, form, "result=allow".to_owned()),
            ALLOWED,
        ),
        row(WIRE, "200 deny", Reply::deny(), DENIED),
        row(
            WIRE,
            "200 ignore",
            Reply::json(r#"{"result":"ignore"}"#),
            NO_MATCH,
        ),
        row(WIRE, "200 {}", Reply::json("{}"), NO_MATCH),
        row(WIRE, "200 malformed", Reply::json("{"), NO_MATCH),
        row(
            WIRE,
            "200 text/plain",
            Reply::Http(200, Some("text/plain"), deny.to_owned()),
            NO_MATCH,
        ),
        row(
            READ,
            "200 without content type is JSON",
            Reply::Http(200, None, deny.to_owned()),
            DENIED,
        ),
        row(WIRE, "dropped connection", Reply::Close, NO_MATCH),
        row(
            READ,
            "superuser in an authz answer means nothing",
            Reply::json(r#"{"result":"deny","is_superuser":true}"#),
            DENIED,
        ),
    ];
    for status in [201, 401, 403, 404, 500] {
        rows.push(row(
            WIRE,
            "a status, with deny",
            Reply::status(status, deny),
            NO_MATCH,
        ));
    }
    rows
}

async fn run(no_match: &str, wanted: impl Fn(&Row) -> bool) {
    let replies: Vec<Reply> = rows().into_iter().map(|row| row.reply).collect();
    let change = format!("no_match = {no_match}");
    let lab = Lab::with(
        &[("no_match = deny", &change)],
        move |request| match request.field("topic").strip_prefix("row/") {
            None => Reply::allow(),
            Some(index) => replies[index.parse::<usize>().expect("an index")].clone(),
        },
    )
    .await;
    let mut client = lab.device(&Connect::v5("asker")).await;
    for (index, row) in rows().iter().enumerate() {
        assert_named(row.source);
        let code = if wanted(row) { 0 } else { 0x87 };
        let topic = format!("row/{index}");
        let context = format!("{}: {} with no_match = {no_match}", row.source, row.what);
        assert_eq!(
            client.publish(&topic, "x").await,
            Said::Answer(code),
            "PUBACK, {context}"
        );
        let granted = if wanted(row) { 1 } else { 0x87 };
        assert_eq!(
            client.subscribe(&topic).await,
            Said::Answer(granted),
            "SUBACK, {context}"
        );
    }
}

#[tokio::test]
async fn every_answer_of_a_source_has_its_effect_when_no_match_denies() {
    run("deny", |row| row.no_match_deny).await;
}

#[tokio::test]
async fn every_answer_of_a_source_has_its_effect_when_no_match_allows() {
    run("allow", |row| row.no_match_allow).await;
}

/// 5.8.9 wire/README: a time-out is "no match"; with allow it lets the client through.
#[tokio::test]
async fn a_slow_source_is_no_match() {
    for (no_match, code) in [("deny", 0x87), ("allow", 0)] {
        let change = format!("no_match = {no_match}");
        let lab = Lab::with(&[("no_match = deny", &change)], |request| {
            if request.path == "/authz" {
                Reply::Silence
            } else {
                Reply::allow()
            }
        })
        .await;
        let mut client = lab.device(&Connect::v5("asker")).await;
        assert_eq!(
            client.publish("t", "x").await,
            Said::Answer(code),
            "no_match = {no_match}"
        );
    }
}
