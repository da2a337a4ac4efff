//! From an issuer's address to its keys (`OpenID` Connect Discovery 1.0).

use serde::Deserialize;

use crate::IssuerUrl;
use crate::http::{FetchError, fetch};
use crate::keys::{KeySet, KeySetError};

/// Why an issuer's keys could not be had. Only for logs and readiness.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiscoveryError {
    /// A document could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The discovery document has not the two members that are needed.
    #[error("the discovery document of {0} is not JSON with `issuer` and `jwks_uri`")]
    Document(String),
    /// Section 4.3: the document must name the issuer it was fetched for.
    #[error(
        "the discovery document of {expected} says that its issuer is {found:?}: \
             configure the issuer exactly so, or mend the issuer's public address"
    )]
    Issuer {
        /// As configured.
        expected: String,
        /// As the document says.
        found: String,
    },
    /// The keys cannot be used.
    #[error("the keys of {0} cannot be used: {1}")]
    Keys(String, KeySetError),
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: String,
}

/// Fetches the discovery document, then the keys. Each is bounded in time and size.
pub(crate) async fn keys_of(
    client: &reqwest::Client,
    issuer: &IssuerUrl,
) -> Result<KeySet, DiscoveryError> {
    let document = fetch(client, &issuer.discovery()).await?;
    let document: Document = serde_json::from_slice(&document)
        .map_err(|_| DiscoveryError::Document(issuer.to_string()))?;
    if document.issuer != issuer.as_str() {
        return Err(DiscoveryError::Issuer {
            expected: issuer.to_string(),
            found: document.issuer.chars().take(256).collect(),
        });
    }
    let keys = fetch(client, &document.jwks_uri).await?;
    KeySet::parse(&keys).map_err(|error| DiscoveryError::Keys(issuer.to_string(), error))
}
