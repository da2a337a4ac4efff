//! The servers that are compared, each in a process of its own so that its CPU time is its own.

pub(crate) mod child;
pub(crate) mod constant;
pub(crate) mod denials;
pub(crate) mod floor;
pub(crate) mod hooks;
pub(crate) mod nginx;
pub(crate) mod people;
pub(crate) mod tls;

use std::net::SocketAddr;

use anyhow::Context;
use serde_json::{Value, json};

/// The constants that a server without decisions answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Constants {
    /// To `/authn/device`.
    pub(crate) authn: Vec<u8>,
    /// To `/authz`.
    pub(crate) authz: Vec<u8>,
}

impl Constants {
    /// As an argument of a server process.
    pub(crate) fn to_argument(&self) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        json!({ "authn": text(&self.authn), "authz": text(&self.authz) }).to_string()
    }

    pub(crate) fn from_argument(text: &str) -> anyhow::Result<Self> {
        let value: Value = serde_json::from_str(text).context("--bodies is not JSON")?;
        let body = |key: &str| {
            let body = value[key].as_str().map(|text| text.as_bytes().to_vec());
            body.with_context(|| format!("--bodies has no {key}"))
        };
        Ok(Self {
            authn: body("authn")?,
            authz: body("authz")?,
        })
    }
}

/// Tells the parent process where this server listens: one line of JSON on standard output.
pub(crate) fn announce(addresses: &Value) -> anyhow::Result<()> {
    crate::report::print(&addresses.to_string())
}

/// An address that the parent was told.
pub(crate) fn address(announced: &Value, key: &str) -> anyhow::Result<SocketAddr> {
    let text = announced[key].as_str();
    let text = text.with_context(|| format!("the server did not say where {key} is"))?;
    text.parse()
        .with_context(|| format!("{text:?} is no address"))
}
