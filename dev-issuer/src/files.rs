//! The two files the program writes: secrets for their owner, addresses for everybody.

use std::path::Path;

use serde_json::json;

use crate::{Accounts, DevIssuer, secrets};

/// Writes all secrets, mode 0600: `{"clients": {name: secret}, "users": {name: secret}}`.
pub fn write_secrets(path: &Path, accounts: &Accounts) -> anyhow::Result<()> {
    secrets::write_private(path, format!("{}\n", accounts.secrets()).as_bytes())
}

/// Writes where the issuer is: `{"issuer", "token_endpoint", "secrets_file"}`.
pub fn write_addresses(path: &Path, issuer: &DevIssuer, secrets: &Path) -> anyhow::Result<()> {
    let secrets = std::path::absolute(secrets)?;
    let addresses = json!({
        "issuer": issuer.issuer(),
        "token_endpoint": issuer.token_endpoint(),
        "secrets_file": secrets,
    });
    secrets::write_private(path, format!("{addresses}\n").as_bytes())
}
