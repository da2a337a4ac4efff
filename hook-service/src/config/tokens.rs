//! Whose tokens let people in.

use service_kit::Settings;
use tokens::IssuerUrl;

/// The audience unless `HOOK_TOKEN_AUDIENCE` says otherwise; the same as api-service's.
const DEFAULT_AUDIENCE: &str = "iot-hub";

/// Whose tokens let people in.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// Issuers; with none, no person is let in.
    pub issuers: Vec<IssuerUrl>,
    /// What a token's `aud` must name.
    pub audience: String,
}

/// Reads the settings of tokens. No issuer is no mistake: a fleet may have no people on its broker.
pub(super) fn read(s: &mut Settings) -> TokenSettings {
    let list = s.optional("HOOK_TOKEN_ISSUERS").unwrap_or_default();
    let mut issuers = Vec::new();
    for part in list
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        match part.parse() {
            Ok(issuer) => issuers.push(issuer),
            Err(error) => s.mistake(format!("HOOK_TOKEN_ISSUERS: {error}")),
        }
    }
    let audience = s.optional("HOOK_TOKEN_AUDIENCE");
    TokenSettings {
        issuers,
        audience: audience.unwrap_or_else(|| DEFAULT_AUDIENCE.to_owned()),
    }
}
