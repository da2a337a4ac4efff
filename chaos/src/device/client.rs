//! One connect: TCP, a full TLS handshake with the device's certificate, CONNECT, CONNACK; and the
//! session that may come of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::make::Device;
use crate::packet;

/// From the first SYN to CONNACK. Above everything that a broker waits for.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a goodbye may take.
const GOODBYE_TIME_MAX: Duration = Duration::from_secs(2);
const PING_EVERY: Duration = Duration::from_secs(packet::KEEP_ALIVE_S as u64 / 3);

/// Where devices connect.
#[derive(Debug, Clone)]
pub struct Target {
    /// The broker's listener for devices, or a proxy in front of it.
    pub address: SocketAddr,
    /// A name of the broker's certificate.
    pub name: ServerName<'static>,
}

/// What a device heard.
#[derive(Debug)]
pub enum Answer {
    /// CONNACK with reason 0.
    Accepted(Session),
    /// CONNACK with this reason.
    Refused(u8),
    /// No CONNACK: nobody listens, a cut, a time-out.
    Nothing(String),
}

/// A live session.
#[derive(Debug)]
pub struct Session {
    stream: Box<TlsStream<TcpStream>>,
}

/// Connects once.
pub async fn connect(target: &Target, device: &Device) -> Answer {
    match timeout(CONNECT_TIME_MAX, attempt(target, device)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => Answer::Nothing(error.to_string()),
        Err(_) => Answer::Nothing(format!("no CONNACK within {CONNECT_TIME_MAX:?}")),
    }
}

async fn attempt(target: &Target, device: &Device) -> std::io::Result<Answer> {
    let stream = TcpStream::connect(target.address).await?;
    stream.set_nodelay(true)?;
    let connector = TlsConnector::from(Arc::clone(&device.tls));
    let mut stream = connector.connect(target.name.clone(), stream).await?;
    stream.write_all(&device.connect).await?;
    stream.flush().await?;
    let mut bytes = Vec::with_capacity(128);
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match packet::connack(&bytes) {
            Ok(Some(0)) => {
                return Ok(Answer::Accepted(Session {
                    stream: stream.into(),
                }));
            }
            Ok(Some(reason)) => return Ok(Answer::Refused(reason)),
            Ok(None) => {}
            Err(error) => return Err(std::io::Error::other(error)),
        }
    }
}

impl Session {
    /// Comes back when the broker, or a fault between, has ended the session.
    pub async fn ended(&mut self) {
        let mut ping = interval(PING_EVERY);
        ping.tick().await;
        let mut bytes = [0; 512];
        loop {
            tokio::select! {
                read = self.stream.read(&mut bytes) => match read {
                    Ok(count) if count > 0 && bytes[0] != packet::DISCONNECT[0] => {}
                    _ => return,
                },
                _ = ping.tick() => {
                    if self.stream.write_all(&packet::PING).await.is_err()
                        || self.stream.flush().await.is_err()
                    {
                        return;
                    }
                }
            }
        }
    }

    /// Says DISCONNECT and waits until the broker has closed.
    pub async fn goodbye(mut self) {
        let part = async {
            self.stream.write_all(&packet::DISCONNECT).await?;
            self.stream.flush().await?;
            let mut rest = [0; 256];
            while self.stream.read(&mut rest).await? > 0 {}
            std::io::Result::Ok(())
        };
        // Whatever fails here, the connection is dropped.
        let _ = timeout(GOODBYE_TIME_MAX, part).await;
    }
}
