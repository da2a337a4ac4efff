//! Where the bearer token for the API comes from. A token never appears in an error or in `Debug`.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;
use zeroize::Zeroizing;

use super::api::chain;
use super::body;
use crate::failure::Failure;

/// No token of any issuer comes near this, in bytes.
const MAX_TOKEN_BYTES: usize = 16 * 1_024;
/// A token is fetched anew this long before it ends, so that it does not end on the way.
const EARLY: Duration = Duration::from_secs(30);
/// What a token without `expires_in` is taken to last (RFC 6749 section 5.1 only recommends it).
const ASSUMED_LIFE: Duration = Duration::from_mins(1);

/// A way to a bearer token.
pub enum TokenSource {
    /// A file that somebody else keeps fresh; read again for each request.
    File(PathBuf),
    /// The client credentials grant (RFC 6749 section 4.4).
    ClientCredentials(ClientCredentials),
}

/// Id and secret of a client, and the token last got with them.
pub struct ClientCredentials {
    url: Url,
    client_id: String,
    secret: Zeroizing<String>,
    held: Mutex<Option<Held>>,
}

struct Held {
    token: Zeroizing<String>,
    until: Instant,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It may be there a moment later.
    #[error("{0}")]
    Later(String),
    /// It will not be there until somebody mends something.
    #[error("{0}")]
    Refused(String),
}

impl TokenSource {
    /// A token file; it must be readable now.
    pub fn file(path: PathBuf) -> Result<Self, Failure> {
        read_secret_file("--token-file", &path)?;
        Ok(Self::File(path))
    }

    /// Client credentials; the secret file must be readable now.
    pub fn client_credentials(
        url: Url,
        client_id: String,
        secret_file: &std::path::Path,
    ) -> Result<Self, Failure> {
        let secret = read_secret_file("--client-secret-file", secret_file)?;
        Ok(Self::ClientCredentials(ClientCredentials {
            url,
            client_id,
            secret,
            held: Mutex::new(None),
        }))
    }

    /// A token that is valid now, as far as can be known here.
    pub(super) async fn token(
        &self,
        http: &reqwest::Client,
    ) -> Result<Zeroizing<String>, TokenError> {
        match self {
            Self::File(path) => read_secret_file("--token-file", path)
                .map_err(|failure| TokenError::Refused(failure.to_string())),
            Self::ClientCredentials(client) => client.token(http).await,
        }
    }

    /// Forgets a token that the API refused. Returns whether another may be had.
    pub(super) async fn forget(&self) -> bool {
        match self {
            Self::File(_) => false,
            Self::ClientCredentials(client) => client.held.lock().await.take().is_some(),
        }
    }
}

impl ClientCredentials {
    /// One request at a time: a thousand devices that start together need one token.
    async fn token(&self, http: &reqwest::Client) -> Result<Zeroizing<String>, TokenError> {
        let mut held = self.held.lock().await;
        if let Some(token) = held.as_ref().filter(|held| Instant::now() < held.until) {
            return Ok(token.token.clone());
        }
        let fresh = self.fetch(http).await?;
        let token = fresh.token.clone();
        *held = Some(fresh);
        Ok(token)
    }

    async fn fetch(&self, http: &reqwest::Client) -> Result<Held, TokenError> {
        let url = &self.url;
        // RFC 6749 section 2.3.1: id and secret are form-encoded before they become Basic.
        let encode =
            |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let response = http
            .post(url.clone())
            .basic_auth(encode(&self.client_id), Some(encode(&self.secret)))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials")
            .send()
            .await
            .map_err(|error| TokenError::Later(format!("no token from {url}: {}", chain(error))))?;
        let status = response.status();
        if !status.is_success() {
            let sentence = format!(
                "{url} answered {status} to client {:?}: check --client-id and --client-secret-file",
                self.client_id
            );
            return Err(if status.is_server_error() || status.as_u16() == 429 {
                TokenError::Later(sentence)
            } else {
                TokenError::Refused(sentence)
            });
        }
        let bytes = body::read(response)
            .await
            .map_err(|error| TokenError::Later(format!("no token from {url}: {error}")))?;
        let answer: Answer = serde_json::from_slice(&bytes).map_err(|_| {
            TokenError::Refused(format!(
                "{url} answered something else than a token: check --token-url"
            ))
        })?;
        let life = answer.expires_in.map_or(ASSUMED_LIFE, Duration::from_secs);
        Ok(Held {
            token: Zeroizing::new(answer.access_token),
            until: Instant::now() + life.saturating_sub(EARLY.min(life / 2)),
        })
    }
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Option<u64>,
}

/// A secret in a file, without the white space around it.
fn read_secret_file(flag: &str, path: &std::path::Path) -> Result<Zeroizing<String>, Failure> {
    let place = path.display();
    let bytes = Zeroizing::new(
        std::fs::read(path)
            .map_err(|error| Failure::config(format!("cannot read {flag} {place}: {error}")))?,
    );
    if bytes.len() > MAX_TOKEN_BYTES {
        return Err(Failure::config(format!(
            "{flag} {place} has more than {MAX_TOKEN_BYTES} bytes: it must hold the secret and nothing else"
        )));
    }
    let text = std::str::from_utf8(&bytes).unwrap_or_default().trim();
    if text.is_empty()
        || text
            .bytes()
            .any(|byte| byte.is_ascii_control() || byte == b' ')
    {
        return Err(Failure::config(format!(
            "{flag} {place} must hold the secret in one line of text and nothing else"
        )));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(out, "TokenSource::File({})", path.display()),
            Self::ClientCredentials(client) => {
                write!(
                    out,
                    "TokenSource::ClientCredentials({} at {})",
                    client.client_id, client.url
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_unfit_token_file_is_named_with_the_mend() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        for bad in [
            &b""[..],
            b"  \n",
            b"two\nlines",
            b"a b",
            &[0xff, 0xfe],
            &vec![b'a'; 20_000],
        ] {
            fs::write(&path, bad).unwrap();
            let failure = TokenSource::file(path.clone()).unwrap_err();
            assert_eq!(failure.code(), 78);
            assert!(failure.to_string().contains("--token-file"), "{failure}");
        }
        let failure = TokenSource::file(folder.path().join("none")).unwrap_err();
        assert_eq!(failure.code(), 78);
        fs::write(&path, "abc.def.ghi\n").unwrap();
        TokenSource::file(path).unwrap();
    }

    #[test]
    fn a_secret_is_not_shown_by_debug() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "hush-hush").unwrap();
        let url = Url::parse("http://issuer/token").unwrap();
        let source = TokenSource::client_credentials(url, "factory".into(), &path).unwrap();
        assert!(!format!("{source:?}").contains("hush"));
    }
}
