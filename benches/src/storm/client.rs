//! One connect of a storm: TCP, a full TLS handshake with the device's certificate, CONNECT, CONNACK,
//! and a goodbye that waits until the broker has closed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chaos::packet::{self, CONNACK_BYTES_MAX, NotConnack};
use rustls::HandshakeKind;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::devices::Device;

/// From the first SYN to CONNACK; a broker that takes longer is broken, not slow.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(15);

/// How long the broker may take to close after DISCONNECT or a refusal.
const GOODBYE_TIME_MAX: Duration = Duration::from_secs(5);

/// Where a storm breaks, and what is right there.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) address: SocketAddr,
    /// A name of the broker's certificate.
    pub(super) name: ServerName<'static>,
    /// Whether revoked devices must be refused; if not, everybody must be let in.
    pub(super) authenticates: bool,
}

impl Target {
    /// Whether this is what the device must hear.
    pub(super) fn is_right(&self, device: &Device, said: Connack) -> bool {
        let expected = if device.active || !self.authenticates {
            Connack::Accepted
        } else {
            Connack::Denied
        };
        said == expected
    }
}

/// What a broker said to CONNECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connack {
    /// Reason 0.
    Accepted,
    /// "Not authorized" (0x87) or "bad user name or password" (0x86): the device was judged.
    Denied,
    /// Any other reason: the broker had some other trouble.
    Other(u8),
}

impl From<u8> for Connack {
    fn from(reason: u8) -> Self {
        match reason {
            0 => Self::Accepted,
            0x86 | 0x87 => Self::Denied,
            other => Self::Other(other),
        }
    }
}

/// Why there was no CONNACK.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("connecting: {0}")]
    Tcp(std::io::Error),
    #[error("the TLS handshake: {0}")]
    Tls(std::io::Error),
    #[error("the broker resumed a TLS session, so this is no storm of full handshakes")]
    Resumed,
    #[error("waiting for CONNACK: {0}")]
    Io(std::io::Error),
    #[error("the broker closed the connection without a CONNACK")]
    Closed,
    #[error(transparent)]
    NotConnack(#[from] NotConnack),
    #[error("no CONNACK came within {CONNECT_TIME_MAX:?}")]
    Slow,
}

/// A connection that was answered.
pub(super) struct Answered {
    pub(super) said: Connack,
    stream: TlsStream<TcpStream>,
}

/// Connects once and waits for CONNACK.
pub(super) async fn connect(target: &Target, device: &Device) -> Result<Answered, Failure> {
    let attempt = timeout(CONNECT_TIME_MAX, attempt(target, device));
    attempt.await.map_err(|_| Failure::Slow)?
}

async fn attempt(target: &Target, device: &Device) -> Result<Answered, Failure> {
    let stream = TcpStream::connect(target.address)
        .await
        .map_err(Failure::Tcp)?;
    stream.set_nodelay(true).map_err(Failure::Tcp)?;
    let connector = TlsConnector::from(Arc::clone(&device.tls));
    let handshake = connector.connect(target.name.clone(), stream);
    let mut stream = handshake.await.map_err(Failure::Tls)?;
    if stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed) {
        return Err(Failure::Resumed);
    }
    stream
        .write_all(&device.connect)
        .await
        .map_err(Failure::Io)?;
    stream.flush().await.map_err(Failure::Io)?;
    let mut bytes = Vec::with_capacity(128);
    loop {
        match stream.read_buf(&mut bytes).await.map_err(Failure::Io)? {
            0 => return Err(Failure::Closed),
            _ if bytes.len() > 2 * CONNACK_BYTES_MAX => return Err(NotConnack::TooLong.into()),
            _ => {}
        }
        if let Some(reason) = packet::connack(&bytes)? {
            let said = reason.into();
            return Ok(Answered { said, stream });
        }
    }
}

impl Answered {
    /// Says DISCONNECT where there is a session, and waits for the broker's side to close, so that
    /// the end of a session is paid for within the storm too. Whatever fails here was answered.
    pub(super) async fn goodbye(self) {
        let _ = timeout(GOODBYE_TIME_MAX, self.part()).await;
    }

    async fn part(mut self) -> std::io::Result<()> {
        if self.said == Connack::Accepted {
            self.stream.write_all(&packet::DISCONNECT).await?;
            self.stream.flush().await?;
        }
        let mut rest = [0; 256];
        while self.stream.read(&mut rest).await? > 0 {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_judgement_of_the_device_is_a_denial() {
        for (reason, expected) in [
            (0, Connack::Accepted),
            (0x86, Connack::Denied),
            (0x87, Connack::Denied),
            (0x88, Connack::Other(0x88)),
            (0x8a, Connack::Other(0x8a)),
        ] {
            assert_eq!(Connack::from(reason), expected);
        }
    }
}
