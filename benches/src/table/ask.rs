//! A question about one device, blocking: is it let through now?

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::fleet;

/// A connection that asks one question at a time.
#[derive(Debug)]
pub(super) struct Asker {
    stream: TcpStream,
}

impl Asker {
    pub(super) fn connect(hooks: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(hooks).context("connecting to hook-service")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(Self { stream })
    }

    /// Whether device `number` may publish its telemetry.
    pub(super) fn is_allowed(&mut self, number: u32) -> anyhow::Result<bool> {
        self.stream.write_all(&fleet::telemetry_request(number))?;
        let (mut bytes, mut part) = (Vec::new(), [0; 1024]);
        loop {
            let read = self.stream.read(&mut part)?;
            anyhow::ensure!(read > 0, "hook-service closed the connection");
            bytes.extend_from_slice(&part[..read]);
            if bytes.ends_with(br#"{"result":"allow"}"#) {
                return Ok(true);
            }
            if bytes.ends_with(br#"{"result":"deny"}"#) {
                return Ok(false);
            }
            if bytes.len() > 4096 {
                bail!("no answer: {}", String::from_utf8_lossy(&bytes));
            }
        }
    }
}
