//! `openssl s_client` as an MQTT client: one CONNECT packet in, what came back out.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;

use super::mosquitto::{Caller, Listener};
use super::seen::Seen;
use crate::process::Shell;

/// Longest wait for the broker's first word.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// Opens TLS, sends CONNECT, and reads the CONNACK or the alert.
pub(super) async fn connect(
    shell: &Shell,
    listener: &Listener,
    caller: Caller<'_>,
) -> anyhow::Result<Seen> {
    let mut command = shell.command("openssl");
    let address = format!("localhost:{}", listener.port);
    command
        .args([
            "s_client",
            "-quiet",
            "-verify_quiet",
            "-verify_return_error",
        ])
        .args(["-servername", "localhost", "-connect", &address])
        .arg("-CAfile")
        .arg(&listener.trust);
    if let Some(identity) = caller.identity {
        // -cert takes the leaf only; the chain goes with -cert_chain.
        command.arg("-cert").arg(&identity.certificate);
        command.arg("-cert_chain").arg(&identity.certificate);
        command.arg("-key").arg(&identity.key);
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().context("starting openssl s_client")?;
    let seen = tokio::time::timeout(ANSWERS_WITHIN, talk(&mut child, caller)).await;
    let _ = child.kill().await;
    seen.context("openssl s_client heard nothing from the broker")?
}

async fn talk(child: &mut Child, caller: Caller<'_>) -> anyhow::Result<Seen> {
    let mut stdin = child.stdin.take().context("stdin was just asked for")?;
    let mut stdout = child.stdout.take().context("stdout was just asked for")?;
    let mut stderr = child.stderr.take().context("stderr was just asked for")?;
    // A client that was refused in the handshake has closed its end already: read why below.
    let _ = stdin
        .write_all(&connect_packet(caller.client_id, caller.username))
        .await;
    let _ = stdin.flush().await;

    let mut answer = [0_u8; 64];
    let read = stdout.read(&mut answer).await?;
    if let Some(code) = connack(&answer[..read]) {
        return Ok(Seen {
            connack: Some(code),
            ..Seen::default()
        });
    }
    // No CONNACK and stdout at its end: s_client is about to say why.
    let mut text = Vec::new();
    stderr.read_to_end(&mut text).await?;
    Ok(Seen::read(&String::from_utf8_lossy(&text)))
}

/// The reason code, if these bytes begin with a CONNACK of MQTT 5 (section 3.2).
fn connack(bytes: &[u8]) -> Option<u8> {
    match bytes {
        [0x20, _length, _flags, code, ..] => Some(*code),
        _ => None,
    }
}

/// A CONNECT packet of MQTT 5 (section 3.1): clean start, a user name, keep-alive of 60 s.
fn connect_packet(client_id: &str, username: &str) -> Vec<u8> {
    let mut body = b"\x00\x04MQTT\x05\x82\x00\x3c\x00".to_vec();
    for text in [client_id, username] {
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        body.extend(length.to_be_bytes());
        body.extend(text.as_bytes());
    }
    let mut packet = vec![0x10];
    // Remaining length, seven bits at a time (section 1.5.5).
    let mut rest = body.len();
    loop {
        let (low, more) = (u8::try_from(rest % 128).unwrap_or_default(), rest / 128);
        packet.push(if more > 0 { low | 0x80 } else { low });
        if more == 0 {
            break;
        }
        rest = more;
    }
    packet.extend(body);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connect_packet_is_spelled_as_the_standard_says() {
        let packet = connect_packet("a", "b");
        assert_eq!(
            packet,
            b"\x10\x11\x00\x04MQTT\x05\x82\x00\x3c\x00\x00\x01a\x00\x01b"
        );
    }

    #[test]
    fn a_long_packet_has_a_length_of_two_bytes() {
        let packet = connect_packet(&"a".repeat(200), "b");
        assert_eq!(packet[1..3], [0xD8, 0x01]);
        assert_eq!(packet.len(), 3 + 0xD8);
    }

    #[test]
    fn only_a_connack_is_read_as_one() {
        assert_eq!(connack(&[0x20, 3, 0, 0x87, 0]), Some(0x87));
        assert_eq!(connack(b"HTTP"), None);
        assert_eq!(connack(&[]), None);
    }
}
