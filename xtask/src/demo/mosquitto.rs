//! `mosquitto_pub` and `mosquitto_sub`, run once each, and what they saw.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;
use tokio::process::Command;

use super::seen::Seen;
use crate::identity::Identity;
use crate::process::{Shell, output_within};

/// Longest life of one attempt.
const ENDS_WITHIN: Duration = Duration::from_secs(15);
/// How long `mosquitto_sub` waits for a message before it ends by itself, in seconds. Its SUBACK
/// has come long before.
const SUB_SECONDS: &str = "2";

/// One of the broker's listeners, as a client sees it.
#[derive(Debug, Clone)]
pub(super) struct Listener {
    pub(super) port: u16,
    /// The certificate authorities that the broker's certificate is checked against.
    pub(super) trust: PathBuf,
}

/// Who a client says it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) client_id: &'a str,
    pub(super) username: &'a str,
    /// `None`: no client certificate.
    pub(super) identity: Option<&'a Identity>,
}

/// A message to publish.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) topic: &'a str,
    pub(super) payload: &'a str,
    pub(super) qos: u8,
    pub(super) retain: bool,
}

/// The clients, found and ready to run.
#[derive(Debug, Clone)]
pub(super) struct Mosquitto {
    shell: Shell,
}

impl Mosquitto {
    pub(super) fn new(shell: &Shell) -> Self {
        Self {
            shell: shell.clone(),
        }
    }

    /// Publishes one message.
    pub(super) async fn publish(
        &self,
        listener: &Listener,
        caller: Caller<'_>,
        message: Message<'_>,
    ) -> anyhow::Result<Seen> {
        let mut command = self.shell.command("mosquitto_pub");
        command.args(arguments(listener, caller));
        command.args([
            "-t",
            message.topic,
            "-m",
            message.payload,
            "-q",
            &message.qos.to_string(),
        ]);
        if message.retain {
            command.arg("-r");
        }
        run(command).await
    }

    /// Publishes over plain TCP, whatever the listener speaks.
    pub(super) async fn publish_plain(&self, port: u16, client_id: &str) -> anyhow::Result<Seen> {
        let mut command = self.shell.command("mosquitto_pub");
        let port = port.to_string();
        command.args([
            "-d",
            "-V",
            "5",
            "-h",
            "localhost",
            "-p",
            &port,
            "-i",
            client_id,
        ]);
        command.args(["-t", "any", "-m", "any", "-q", "1"]);
        run(command).await
    }

    /// Subscribes to one filter and ends after its SUBACK or a short while.
    pub(super) async fn subscribe(
        &self,
        listener: &Listener,
        caller: Caller<'_>,
        filter: &str,
    ) -> anyhow::Result<Seen> {
        let mut command = self.shell.command("mosquitto_sub");
        command
            .args(arguments(listener, caller))
            .args(["-t", filter, "-q", "1"]);
        // -E: leave as soon as the SUBACK is here.
        command.args(["-E", "-W", SUB_SECONDS]);
        run(command).await
    }

    /// A `mosquitto_sub` that stays, for the caller to start and watch.
    pub(super) fn staying(
        &self,
        listener: &Listener,
        caller: Caller<'_>,
        more: &[&str],
    ) -> Command {
        // `setpriv`: it must not stay when we are gone. `stdbuf`: what it sees must come at once and
        // line by line although stdout is a pipe.
        let mut command = self.shell.command("setpriv");
        command.args([
            "--pdeathsig",
            "KILL",
            "--",
            "stdbuf",
            "-oL",
            "mosquitto_sub",
        ]);
        command.args(arguments(listener, caller)).args(more);
        command
    }
}

fn arguments(listener: &Listener, caller: Caller<'_>) -> Vec<String> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut args: Vec<String> = ["-d", "-V", "5", "-h", "localhost"]
        .map(str::to_owned)
        .into();
    args.extend(["-p".to_owned(), listener.port.to_string()]);
    args.extend(["--cafile".to_owned(), text(&listener.trust)]);
    args.extend(["-i", caller.client_id, "-u", caller.username].map(str::to_owned));
    if let Some(identity) = caller.identity {
        args.extend(["--cert".to_owned(), text(&identity.certificate)]);
        args.extend(["--key".to_owned(), text(&identity.key)]);
    }
    args
}

async fn run(mut command: Command) -> anyhow::Result<Seen> {
    let Some(finished) = output_within(&mut command, ENDS_WITHIN).await? else {
        bail!("a mosquitto client did not end within {ENDS_WITHIN:?}");
    };
    Ok(Seen::read(&finished.all()))
}
