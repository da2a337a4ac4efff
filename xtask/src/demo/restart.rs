//! PostgreSQL goes away and comes back, twice, while the hooks are asked without a pause: they
//! answer from memory, so not one answer may differ.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, bail};
use hyper::Method;
use hyper::header::HeaderName;
use serde_json::{Value, json};

use super::cast::{Cast, Device};
use super::mosquitto::Message;
use super::scene::Scene;
use crate::http::{Answer, Body, Connection};
use crate::wait;

/// Keep-alive connections that ask, like a small pool of a broker.
const CONNECTIONS: usize = 8;
/// How long the stack may take to be whole again.
const HEALED_WITHIN: Duration = Duration::from_secs(60);
/// What the broker shows to the hooks.
const SECRET_HEADER: &str = "x-hook-secret";
/// Wrong answers that are quoted; the rest is counted.
const QUOTED_MAX: usize = 5;

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Restart {
    /// Answers while the database was being restarted.
    pub(super) answers: u64,
    /// How many of them were not what they had to be.
    pub(super) wrong: u64,
    /// Some of the wrong ones, in sentences.
    pub(super) quotes: Vec<String>,
}

/// A request as EMQX sends it, and the decision it must get.
#[derive(Debug, Clone)]
struct Question {
    who: &'static str,
    body: Value,
    allow: bool,
}

pub(super) async fn play(scene: &Scene, cast: &Cast) -> anyhow::Result<Restart> {
    let stranger = scene.issue_offline("never-seen").await?;
    let stranger = Device {
        id: "never-seen".to_owned(),
        identity: stranger,
    };
    let questions = [
        question("a live device", &cast.survivor, true)?,
        question("the revoked device", &cast.revoked, false)?,
        question("an unknown device", &stranger, false)?,
    ];
    let secret = scene.hook_secret()?;
    // All three are right before anything happens, or the rest would prove nothing.
    let mut connection = Broker::connect(&scene.places.hooks, secret.clone()).await?;
    for question in &questions {
        let answer = connection.ask(question).await?;
        if !is_right(&answer, question) {
            bail!(
                "before the restart {} already got: {}",
                question.who,
                answer.body
            );
        }
    }

    let stop = Rc::new(Cell::new(false));
    let asking = tokio::task::LocalSet::new();
    let askers: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            asking.spawn_local(keep_asking(
                scene.places.hooks.clone(),
                secret.clone(),
                questions.clone(),
                Rc::clone(&stop),
            ))
        })
        .collect();
    let restart = async {
        // As an administrator does it, then as a power cut does.
        let done = async {
            scene.restart_postgres("fast").await?;
            scene.restart_postgres("immediate").await
        };
        let done = done.await;
        stop.set(true);
        done
    };
    let told = asking.run_until(async {
        let restarted = restart.await;
        let mut all = Restart::default();
        for asker in askers {
            all.add(asker.await.context("an asker")??);
        }
        restarted.map(|()| all)
    });
    let told = told.await?;
    healed(scene).await?;
    Ok(told)
}

async fn keep_asking(
    hooks: String,
    secret: String,
    questions: [Question; 3],
    stop: Rc<Cell<bool>>,
) -> anyhow::Result<Restart> {
    let mut connection = Broker::connect(&hooks, secret).await?;
    let mut told = Restart::default();
    for question in questions.iter().cycle() {
        if stop.get() {
            break;
        }
        let answer = connection.ask(question).await?;
        told.answers += 1;
        if !is_right(&answer, question) {
            told.wrong += 1;
            told.quote(format!(
                "{} got {}: {}",
                question.who, answer.status, answer.body
            ));
        }
    }
    Ok(told)
}

impl Restart {
    fn add(&mut self, other: Self) {
        self.answers += other.answers;
        self.wrong += other.wrong;
        other.quotes.into_iter().for_each(|quote| self.quote(quote));
    }

    fn quote(&mut self, quote: String) {
        if self.quotes.len() < QUOTED_MAX {
            self.quotes.push(quote);
        }
    }
}

fn question(who: &'static str, device: &Device, allow: bool) -> anyhow::Result<Question> {
    let body = json!({
        "clientid": device.id,
        "username": device.id,
        "peerhost": "127.0.0.1",
        "cert_common_name": device.id,
        "cert_pem": device.identity.cert_pem()?,
    });
    Ok(Question { who, body, allow })
}

/// A keep-alive connection to the hooks, as the broker has them.
struct Broker {
    connection: Connection,
    headers: [(HeaderName, String); 1],
}

impl Broker {
    async fn connect(hooks: &str, secret: String) -> anyhow::Result<Self> {
        Ok(Self {
            connection: Connection::open(hooks).await?,
            headers: [(HeaderName::from_static(SECRET_HEADER), secret)],
        })
    }

    async fn ask(&mut self, question: &Question) -> anyhow::Result<Answer> {
        let body = Some(Body::Json(&question.body));
        self.connection
            .send(Method::POST, "/authn/device", &self.headers, body)
            .await
    }
}

/// 200 with the one right word; an allow also carries the device's rights.
fn is_right(answer: &Answer, question: &Question) -> bool {
    let body = answer.json();
    let word = if question.allow { "allow" } else { "deny" };
    let rights = body["acl"].as_array().is_some_and(|acl| !acl.is_empty());
    answer.status == 200 && body["result"] == word && (rights || !question.allow)
}

/// After the restart a new device gets in: the API writes, the feed follows, the broker asks.
async fn healed(scene: &Scene) -> anyhow::Result<()> {
    let device = wait::until(
        "a new device manufactured after the restart",
        HEALED_WITHIN,
        || async {
            // The API may say for a moment that its database is away.
            Ok(scene.enrol("demo-after-restart").await.ok())
        },
    );
    let device = device.await?;
    let topic = format!("{}/telemetry", device.id);
    let message = Message {
        topic: &topic,
        payload: "after-restart",
        qos: 1,
        retain: false,
    };
    wait::until("the new device let in", HEALED_WITHIN, || async {
        let seen = scene
            .mosquitto
            .publish(&scene.devices, device.caller(), message)
            .await?;
        Ok(seen.puback.filter(|code| *code < 0x80))
    })
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(allow: bool) -> Question {
        Question {
            who: "x",
            body: Value::Null,
            allow,
        }
    }

    fn told(status: u16, body: &str) -> Answer {
        Answer {
            status,
            body: body.to_owned(),
        }
    }

    #[test]
    fn only_the_explicit_right_word_is_right() {
        let allow = r#"{"result":"allow","acl":[{"permission":"deny"}]}"#;
        assert!(is_right(&told(200, allow), &asked(true)));
        assert!(is_right(&told(200, r#"{"result":"deny"}"#), &asked(false)));
        for (status, body, allowed) in [
            (200, r#"{"result":"deny"}"#, true),
            (200, allow, false),
            (200, r#"{"result":"allow"}"#, true),
            (200, r#"{"result":"ignore"}"#, false),
            (204, "", false),
            (503, r#"{"result":"deny"}"#, false),
        ] {
            assert!(
                !is_right(&told(status, body), &asked(allowed)),
                "{status} {body}"
            );
        }
    }
}
