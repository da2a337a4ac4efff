//! A `mosquitto_sub` that stays connected, and everything it has seen.

use std::collections::HashSet;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::seen::Seen;
use crate::wait;

/// A received message is printed as this, then topic and payload, with tabs between.
pub(super) const FORMAT: &str = "MESSAGE\t%t\t%p";
/// More lines than this are not kept; a demo that needs more has another problem.
const LINES_MAX: usize = 200_000;
/// Longest wait for its SUBACK.
const SUBSCRIBED_WITHIN: Duration = Duration::from_secs(15);

/// Longest wait for the end of its output once it has ended.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(5);

/// A received message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) topic: String,
    pub(super) payload: String,
}

/// Lines with the moment when each came.
type Lines = Arc<Mutex<Vec<(Instant, String)>>>;

/// The client and its lines.
#[derive(Debug)]
pub(super) struct Watcher {
    name: &'static str,
    child: Child,
    lines: Lines,
    /// Each ends at the end of its stream.
    collectors: Vec<JoinHandle<()>>,
}

impl Watcher {
    /// Starts a `mosquitto_sub` and waits until it is subscribed to all of its filters.
    pub(super) async fn start(name: &'static str, mut command: Command) -> anyhow::Result<Self> {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        let lines = Lines::default();
        let stdout = child.stdout.take().context("stdout was just asked for")?;
        let stderr = child.stderr.take().context("stderr was just asked for")?;
        let collectors = vec![
            tokio::spawn(collect(stdout, Arc::clone(&lines))),
            tokio::spawn(collect(stderr, Arc::clone(&lines))),
        ];
        let mut watcher = Self {
            name,
            child,
            lines,
            collectors,
        };
        watcher.subscribed().await?;
        Ok(watcher)
    }

    async fn subscribed(&mut self) -> anyhow::Result<()> {
        let what = format!("{} subscribed", self.name);
        let ended = wait::until(&what, SUBSCRIBED_WITHIN, || {
            let subscribed = !self.seen().suback.is_empty();
            let ended = self.child.try_wait().ok().flatten();
            async move { Ok((subscribed || ended.is_some()).then_some(ended)) }
        });
        let ended = ended.await?;
        if ended.is_some() {
            // What it said last may still be on its way through the pipes.
            for collector in self.collectors.drain(..) {
                let _ = tokio::time::timeout(LAST_WORDS_WITHIN, collector).await;
            }
        }
        let seen = self.seen();
        let codes = match ended {
            Some(status) if seen.suback.is_empty() => {
                bail!("waiting for {what}: it ended ({status}); it saw {seen}")
            }
            _ => seen.suback,
        };
        if codes.iter().any(|code| *code > 2) {
            bail!("{} was refused a filter: {codes:02X?}", self.name);
        }
        Ok(())
    }

    /// What it saw so far.
    pub(super) fn seen(&self) -> Seen {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let text: Vec<&str> = lines.iter().map(|(_, line)| line.as_str()).collect();
        Seen::read(&text.join("\n"))
    }

    /// When the first line came that contains this.
    pub(super) fn first(&self, part: &str) -> Option<Instant> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .iter()
            .find(|(_, line)| line.contains(part))
            .map(|(when, _)| *when)
    }

    /// All messages so far.
    pub(super) fn messages(&self) -> Vec<Received> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().filter_map(|(_, line)| message(line)).collect()
    }

    /// Whether a message with this payload has come, on any topic.
    pub(super) fn has(&self, payload: &str) -> bool {
        self.messages()
            .iter()
            .any(|message| message.payload == payload)
    }

    /// How many different messages of devices have come: by topic and `messageId`.
    pub(super) fn distinct(&self) -> usize {
        let id = |message: Received| {
            let payload: Value = serde_json::from_str(&message.payload).ok()?;
            Some((message.topic, payload["messageId"].as_str()?.to_owned()))
        };
        self.messages()
            .into_iter()
            .filter_map(id)
            .collect::<HashSet<_>>()
            .len()
    }

    /// Ends without a DISCONNECT, as a device does that loses power: its will is due.
    pub(super) async fn cut(mut self) {
        let _ = self.child.kill().await;
    }

    /// Whether the client has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }
}

async fn collect(stream: impl AsyncRead + Unpin, lines: Lines) {
    let mut stream = BufReader::new(stream).lines();
    while let Ok(Some(line)) = stream.next_line().await {
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < LINES_MAX {
            lines.push((Instant::now(), line));
        }
    }
}

fn message(line: &str) -> Option<Received> {
    let (topic, payload) = line.strip_prefix("MESSAGE\t")?.split_once('\t')?;
    Some(Received {
        topic: topic.to_owned(),
        payload: payload.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = crate::process::Shell::default().command("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn messages_are_counted_once_by_topic_and_message_id() {
        let script = r#"
            echo 'Subscribed (mid: 1): 1'
            printf 'MESSAGE\ta/telemetry\t{"messageId":"1"}\n'
            printf 'MESSAGE\ta/telemetry\t{"messageId":"1"}\n'
            printf 'MESSAGE\tb/telemetry\t{"messageId":"1"}\n'
            printf 'MESSAGE\tb/telemetry\tno json\n'
            exec sleep 60
        "#;
        let watcher = Watcher::start("the test", shell(script)).await.unwrap();
        wait::until("all lines", Duration::from_secs(5), || {
            let all = watcher.messages().len() == 4;
            async move { Ok(all.then_some(())) }
        })
        .await
        .unwrap();
        assert_eq!(watcher.distinct(), 2);
        assert!(watcher.has("no json") && !watcher.has("other"));
    }

    #[tokio::test]
    async fn a_refused_filter_is_an_error() {
        let script = "echo 'Subscribed (mid: 1): 1, 135'; exec sleep 60";
        let error = Watcher::start("the test", shell(script))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("refused a filter"), "{error}");
    }

    #[tokio::test]
    async fn a_client_that_ends_before_it_is_subscribed_is_an_error_that_says_what_it_saw() {
        let script = "echo 'Client x received CONNACK (135)'; exit 5";
        let error = format!(
            "{:#}",
            Watcher::start("the test", shell(script)).await.unwrap_err()
        );
        assert!(error.contains("CONNACK 0x87"), "{error}");
    }
}
