//! One request, one answer, blocking: for what is not measured.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};

use super::answer::{Parsed, Parser};
use crate::fleet::Requests;

/// An answer comes within this time.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

/// The body of the answer to the first request that must be allowed.
pub(crate) fn fetch(address: SocketAddr, requests: &Requests) -> anyhow::Result<Vec<u8>> {
    let index = (0..requests.len())
        .find(|index| requests.is_allowed(*index))
        .context("no device of this fleet is allowed")?;
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_TIME_MAX)
        .with_context(|| format!("connecting to {address}"))?;
    stream.set_read_timeout(Some(ANSWER_TIME_MAX))?;
    stream.write_all(requests.bytes(requests.range(index, 1)))?;
    let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream
            .read(&mut part)
            .with_context(|| format!("waiting for the answer of {address}"))?;
        if read == 0 {
            bail!("{address} closed the connection without an answer");
        }
        bytes.extend_from_slice(&part[..read]);
        match Parser::default().parse(&bytes) {
            Ok(Parsed::Incomplete) => {}
            Ok(Parsed::Answer { body, .. }) => return Ok(body.to_vec()),
            Err(what) => return Err(anyhow!("{address} answered {what}")),
        }
    }
}
