//! An OpenID Connect provider that is not ours (`dev-oidc`, npm `oidc-provider`), and a client of it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use url::Url;
use url::form_urlencoded::Serializer;

use super::PATIENCE;

/// Where the provider sends a browser back to; nobody listens there.
const REDIRECT: &str = "https://console.example.com/callback";

/// Most answers of the provider between a sign-in's first request and its code.
const HOPS_MAX: usize = 10;

/// A running provider. Dropping it ends it.
pub struct Provider {
    pub issuer: String,
    http: reqwest::Client,
    _child: Child,
}

/// What a sign-in comes to.
pub struct Tokens {
    pub access: String,
    pub id: String,
    pub refresh: String,
}

impl Provider {
    /// Starts it; `None`, said loudly, where it is not installed and nobody insists.
    pub async fn start() -> Option<Self> {
        let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap());
        let folder = root.join("../dev-oidc");
        if !folder.join("node_modules/oidc-provider").is_dir() {
            let mend = "run `npm ci` in dev-oidc, or `cargo xtask test`";
            assert!(
                std::env::var_os("IOT_HUB_NEEDS_OIDC").is_none(),
                "the OpenID Connect provider is not installed: {mend}"
            );
            // Written past the capture of test output: a skipped test must be seen.
            writeln!(
                std::io::stderr(),
                "SKIPPED, no OpenID Connect provider: {mend}"
            )
            .unwrap();
            return None;
        }
        let mut child = Command::new("node")
            .arg("server.mjs")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let issuer = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let issuer = issuer.unwrap().unwrap().expect("the provider came up");
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            // Node closes idle connections soon, and a request may just be on its way there.
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        Some(Self {
            issuer,
            http,
            _child: child,
        })
    }

    /// Signs somebody in with a client: authorization code and PKCE, by way of the sign-in.
    pub async fn sign_in(&self, client: &str, who: &str) -> Tokens {
        let verifier = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let code = self.code(client, who, &verifier).await;
        let answer = self.exchange(client, &code, &verifier).await;
        let text = |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("{answer}"));
        Tokens {
            access: text("access_token").to_owned(),
            id: text("id_token").to_owned(),
            refresh: text("refresh_token").to_owned(),
        }
    }

    /// A code for a sign-in that the holder of `verifier` began (RFC 7636).
    pub async fn code(&self, client: &str, who: &str, verifier: &str) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        let query = form(&[
            ("client_id", client),
            ("response_type", "code"),
            ("scope", "openid hub"),
            ("redirect_uri", REDIRECT),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("login_hint", who),
        ]);
        let mut at = Url::parse(&format!("{}/auth?{query}", self.issuer)).unwrap();
        let mut cookies = BTreeMap::new();
        for _ in 0..HOPS_MAX {
            let jar: Vec<_> = cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let request = self.http.get(at.clone()).header(COOKIE, jar.join("; "));
            let answer = request.send().await.unwrap();
            for cookie in answer.headers().get_all(SET_COOKIE) {
                let pair = cookie.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                cookies.insert(name.to_owned(), value.to_owned());
            }
            let next = answer.headers().get(LOCATION).expect("a redirect");
            at = at.join(next.to_str().unwrap()).unwrap();
            if at.as_str().starts_with(REDIRECT) {
                let code = at.query_pairs().find(|(name, _)| name == "code");
                return code.unwrap_or_else(|| panic!("{at}")).1.into_owned();
            }
        }
        panic!("the sign-in came to no end");
    }

    /// What the token endpoint answers to a code.
    pub async fn exchange(&self, client: &str, code: &str, verifier: &str) -> Value {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("client_id", client),
            ("code", code),
            ("code_verifier", verifier),
            ("redirect_uri", REDIRECT),
        ])
        .await
    }

    /// What the token endpoint answers to a refresh token.
    pub async fn refresh(&self, client: &str, refresh: &str) -> Value {
        self.token(&[
            ("grant_type", "refresh_token"),
            ("client_id", client),
            ("refresh_token", refresh),
        ])
        .await
    }

    /// An access token of a program's own.
    pub async fn service_token(&self) -> String {
        let answer = self.token(&[("grant_type", "client_credentials")]).await;
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// Signs with new keys from now on; the older ones stay published if `keep`.
    pub async fn rotate(&self, keep: bool) {
        let query = if keep { "" } else { "?drop" };
        let request = self
            .http
            .post(format!("{}/test/rotate{query}", self.issuer));
        assert_eq!(request.send().await.unwrap().status(), 204);
    }

    async fn token(&self, fields: &[(&str, &str)]) -> Value {
        let request = self.http.post(format!("{}/token", self.issuer));
        let mut request = request
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form(fields));
        if fields.contains(&("grant_type", "client_credentials")) {
            let basic = base64::engine::general_purpose::STANDARD
                .encode("factory:for-tests-only-and-no-secret");
            request = request.header(AUTHORIZATION, format!("Basic {basic}"));
        }
        request.send().await.unwrap().json().await.unwrap()
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}
