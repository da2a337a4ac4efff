//! PostgreSQL goes away and comes back, again and again, while the hooks are asked without a pause: they
//! answer from memory, so not one answer may differ.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, bail};
use hyper::Method;
use hyper::header::HeaderName;
use serde_json::{Value, json};
use tokio::task::LocalSet;

use super::cast::{Cast, Device};
use super::mosquitto::Message;
use super::scene::Scene;
use crate::http::{Answer, Body, Connection};
use crate::wait;

/// Keep-alive connections that ask, like a small pool of a broker.
const CONNECTIONS: usize = 8;
/// Restarts go on until so many answers have come meanwhile; a restart takes a fraction of a second.
const ANSWERS_ENOUGH: u64 = 2_000;
/// Rounds of two restarts, at most.
const ROUNDS_MAX: u32 = 15;
/// How long the stack may take to be whole again.
const HEALED_WITHIN: Duration = Duration::from_secs(60);
/// What the broker shows to the hooks.
const SECRET_HEADER: &str = "x-hook-secret";
/// Wrong answers that are quoted; the rest is counted.
const QUOTED_MAX: usize = 5;

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Restart {
    /// How often the database was restarted.
    pub(super) restarts: u32,
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

    let told = Rc::new(RefCell::new(Restart::default()));
    let asking = LocalSet::new();
    let stop = Rc::new(Cell::new(false));
    let askers: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let asker = Asker {
                hooks: scene.places.hooks.clone(),
                secret: secret.clone(),
                questions: questions.clone(),
                told: Rc::clone(&told),
                stop: Rc::clone(&stop),
            };
            asking.spawn_local(asker.keep_asking())
        })
        .collect();
    let restarted = async {
        let restarted = restart_until_enough(scene, &told).await;
        stop.set(true);
        for asker in askers {
            asker.await.context("an asker")??;
        }
        restarted
    };
    asking.run_until(restarted).await?;
    healed(scene).await?;
    Ok(told.take())
}

/// As an administrator restarts it, then as a power cut does, until enough was asked meanwhile.
async fn restart_until_enough(scene: &Scene, told: &RefCell<Restart>) -> anyhow::Result<()> {
    for _ in 0..ROUNDS_MAX {
        for mode in ["fast", "immediate"] {
            scene.restart_postgres(mode).await?;
            told.borrow_mut().restarts += 1;
        }
        if told.borrow().answers >= ANSWERS_ENOUGH {
            break;
        }
    }
    Ok(())
}

/// One connection's questions.
struct Asker {
    hooks: String,
    secret: String,
    questions: [Question; 3],
    told: Rc<RefCell<Restart>>,
    stop: Rc<Cell<bool>>,
}

impl Asker {
    async fn keep_asking(self) -> anyhow::Result<()> {
        let mut connection = Broker::connect(&self.hooks, self.secret).await?;
        for question in self.questions.iter().cycle() {
            if self.stop.get() {
                break;
            }
            let answer = connection.ask(question).await?;
            self.told.borrow_mut().count(&answer, question);
        }
        Ok(())
    }
}

impl Restart {
    fn count(&mut self, answer: &Answer, question: &Question) {
        self.answers += 1;
        if is_right(answer, question) {
            return;
        }
        self.wrong += 1;
        if self.quotes.len() < QUOTED_MAX {
            let quote = format!("{} got {}: {}", question.who, answer.status, answer.body);
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
