//! What EMQX makes of an authenticator's answer: CONNACK on MQTT 5 and 3.1.1.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{Source, assert_named};
use crate::support::hook::Reply;
use crate::support::lab::Lab;
use crate::support::mqtt::Connect;

/// An answer and the CONNACK codes it leads to.
struct Row {
    source: Source,
    what: &'static str,
    reply: Reply,
    v5: u8,
    v3: u8,
}

const ALLOW: (u8, u8) = (0, 0);
const NOT_AUTHORIZED: (u8, u8) = (0x87, 5);
const BAD_CREDENTIALS: (u8, u8) = (0x86, 4);

fn row(source: Source, what: &'static str, reply: Reply, (v5, v3): (u8, u8)) -> Row {
    Row {
        source,
        what,
        reply,
        v5,
        v3,
    }
}

fn rows() -> Vec<Row> {
    const WIRE: Source = "5.8.9 wire/README";
    const RUN9: Source = "5.8.9 run: emqx-verified #9";
    const READ: Source = "only read: contract 1.5";
    let allow_with = |extra: &str| Reply::json(&format!(r#"{{"result":"allow",{extra}}}"#));
    let allow_body = r#"{"result":"allow"}"#;
    let form = Some("application/x-www-form-urlencoded");
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let mut rows = vec![
        row(WIRE, "204", Reply::status(204, ""), ALLOW),
        row(WIRE, "200 allow, JSON", Reply::allow(), ALLOW),
        row(
            WIRE,
            "200 allow, form",
            Reply::Http(200, form, "result=allow".to_owned()),
            ALLOW,
        ),
        row(WIRE, "200 deny", Reply::deny(), NOT_AUTHORIZED),
        row(
            WIRE,
            "200 deny, form",
            Reply::Http(200, form, "result=deny".to_owned()),
            NOT_AUTHORIZED,
        ),
        row(
            WIRE,
            "200 ignore",
            Reply::json(r#"{"result":"ignore"}"#),
            NOT_AUTHORIZED,
        ),
        row(WIRE, "200 {}", Reply::json("{}"), NOT_AUTHORIZED),
        row(
            WIRE,
            "200 malformed",
            Reply::json(r#"{"result":"allow""#),
            NOT_AUTHORIZED,
        ),
        row(
            WIRE,
            "200 text/plain",
            Reply::Http(200, Some("text/plain"), allow_body.to_owned()),
            NOT_AUTHORIZED,
        ),
        row(
            READ,
            "200 without content type",
            Reply::Http(200, None, allow_body.to_owned()),
            NOT_AUTHORIZED,
        ),
        row(READ, "200 without body", Reply::json(""), NOT_AUTHORIZED),
        row(
            READ,
            "200 unknown result",
            Reply::json(r#"{"result":"yes"}"#),
            NOT_AUTHORIZED,
        ),
        row(WIRE, "dropped connection", Reply::Close, NOT_AUTHORIZED),
        row(
            WIRE,
            "expire_at in the past",
            allow_with(r#""expire_at":1000000000"#),
            BAD_CREDENTIALS,
        ),
        row(
            WIRE,
            "expire_at in milliseconds",
            allow_with(&format!(r#""expire_at":{now}000"#)),
            BAD_CREDENTIALS,
        ),
        row(
            RUN9,
            "expire_at as text",
            allow_with(&format!(r#""expire_at":"{}""#, now + 60)),
            BAD_CREDENTIALS,
        ),
        row(
            RUN9,
            "expire_at with a fraction",
            allow_with(&format!(r#""expire_at":{}.5"#, now + 60)),
            BAD_CREDENTIALS,
        ),
        row(
            WIRE,
            "expire_at ahead",
            allow_with(&format!(r#""expire_at":{}"#, now + 60)),
            ALLOW,
        ),
        row(
            RUN9,
            "acl is no list",
            allow_with(r#""acl":{}"#),
            NOT_AUTHORIZED,
        ),
        row(
            READ,
            "acl is null",
            allow_with(r#""acl":null"#),
            NOT_AUTHORIZED,
        ),
        row(RUN9, "acl is empty", allow_with(r#""acl":[]"#), ALLOW),
        row(
            RUN9,
            "acl with an unknown action",
            allow_with(r#""acl":[{"permission":"allow","action":"read","topic":"t"}]"#),
            BAD_CREDENTIALS,
        ),
        row(
            RUN9,
            "acl with an unknown permission",
            allow_with(r#""acl":[{"permission":"may","action":"all","topic":"t"}]"#),
            BAD_CREDENTIALS,
        ),
        row(
            RUN9,
            "acl without topics",
            allow_with(r#""acl":[{"permission":"allow","action":"all"}]"#),
            BAD_CREDENTIALS,
        ),
        row(
            RUN9,
            "acl with unknown keys",
            allow_with(r#""acl":[{"permission":"allow","action":"all","topic":"t","x":1}]"#),
            ALLOW,
        ),
        row(
            RUN9,
            "client_attrs with a number",
            allow_with(r#""client_attrs":{"a":1}"#),
            NOT_AUTHORIZED,
        ),
        row(
            WIRE,
            "client_attrs with null",
            allow_with(r#""client_attrs":{"a":null}"#),
            NOT_AUTHORIZED,
        ),
        row(
            READ,
            "client_attrs with a strange name",
            allow_with(r#""client_attrs":{"a b":"1"}"#),
            ALLOW,
        ),
    ];
    for status in [201, 401, 403, 404, 500] {
        rows.push(row(
            WIRE,
            "a status, with allow",
            Reply::status(status, allow_body),
            NOT_AUTHORIZED,
        ));
    }
    for status in [202, 302, 429, 503] {
        rows.push(row(
            READ,
            "a status, with allow",
            Reply::status(status, allow_body),
            NOT_AUTHORIZED,
        ));
    }
    rows
}

#[tokio::test]
async fn every_answer_of_an_authenticator_has_its_connack() {
    let replies: Vec<Reply> = rows().into_iter().map(|row| row.reply).collect();
    let lab = Lab::start(move |request| {
        let index = request
            .field("clientid")
            .split('-')
            .next()
            .expect("an index");
        replies[index.parse::<usize>().expect("an index")].clone()
    })
    .await;
    for (index, row) in rows().iter().enumerate() {
        assert_named(row.source);
        for (connect, wanted) in [
            (Connect::v5(&format!("{index}-five")), row.v5),
            (Connect::v3(&format!("{index}-three")), row.v3),
        ] {
            let (_, code) = lab.try_device(&connect).await;
            assert_eq!(
                code,
                Some(wanted),
                "{}: {} ({:?})",
                row.source,
                row.what,
                row.reply
            );
        }
    }
}

/// 5.8.9 wire/README: "Close before replying: the request comes 3 times in all."
#[tokio::test]
async fn a_request_whose_connection_closes_comes_three_times() {
    let lab = Lab::start(|_| Reply::Close).await;
    let (_, code) = lab.try_device(&Connect::v5("closed")).await;
    assert_eq!(code, Some(0x87));
    assert_eq!(lab.hook.asked_for("closed").len(), 3);
}

/// 5.8.9 wire/README: "Time-out: one request, no retry"; 5.8.9 run: the time-out plus 0.5 s.
#[tokio::test]
async fn a_slow_answer_is_ignored_half_a_second_after_the_time_out_and_not_asked_for_again() {
    let lab = Lab::start(|_| Reply::Silence).await;
    let started = Instant::now();
    let (_, code) = lab.try_device(&Connect::v5("slow")).await;
    assert_eq!(code, Some(0x87));
    let waited = started.elapsed();
    assert!(
        waited >= Duration::from_millis(2_500),
        "{waited:?}: the file says 2 s"
    );
    assert!(waited < Duration::from_millis(4_000), "{waited:?}");
    assert_eq!(lab.hook.asked_for("slow").len(), 1);
}

/// 5.8.9 wire/README: "Server down: refused at once".
#[tokio::test]
async fn a_hook_that_is_down_refuses_at_once() {
    let lab = Lab::start(|_| Reply::allow()).await;
    let Lab {
        broker,
        hook,
        api: _,
    } = lab;
    let address = hook.address;
    drop(hook);
    crate::support::until("the port is closed", async || {
        tokio::net::TcpStream::connect(address).await.is_err()
    })
    .await;
    let stream = crate::support::lab::tls(
        broker.addresses["devices"],
        Some(&crate::support::pki::pki().device),
    )
    .await
    .expect("the handshake succeeds");
    let started = Instant::now();
    let (_, code) = crate::support::mqtt::Client::connect(stream, &Connect::v5("down")).await;
    assert_eq!(code, Some(0x87));
    assert!(started.elapsed() < Duration::from_secs(1));
}
