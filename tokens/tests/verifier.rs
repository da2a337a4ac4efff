//! Whole tokens against a running issuer.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: what they unwrap fails the test"
)]

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dev_issuer::{AUDIENCE, DevIssuer, Options};
use serde_json::{Value, json};
use tokens::{IssuerUrl, Limits, TokenError, Verifier};

async fn issuer() -> DevIssuer {
    DevIssuer::start(Options::default()).await.unwrap()
}

/// Refreshes are not spaced here; the tests of spacing set their own pauses.
fn eager() -> Limits {
    Limits {
        refresh_pause: Duration::ZERO,
        retry_pause: Duration::ZERO,
        ..Limits::default()
    }
}

fn verifier(issuers: &[&DevIssuer], limits: Limits) -> Verifier {
    let urls: Vec<IssuerUrl> = issuers
        .iter()
        .map(|issuer| issuer.issuer().parse().unwrap())
        .collect();
    Verifier::new(urls, AUDIENCE, limits).unwrap()
}

async fn refusal(verifier: &Verifier, token: &str) -> TokenError {
    verifier.verify(token, SystemTime::now()).await.unwrap_err()
}

/// The token with its header and claims replaced but its signature kept.
fn forged(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

#[tokio::test]
async fn a_good_token_becomes_its_caller() {
    let issuer = issuer().await;
    let verifier = verifier(&[&issuer], eager());
    let token = issuer.mint("factory", &["manufacturer"]);
    let caller = verifier.verify(&token, SystemTime::now()).await.unwrap();
    assert_eq!(caller.issuer, issuer.issuer());
    assert_eq!(caller.subject, "factory");
    assert!(caller.has_role("manufacturer") && !caller.has_role("admin"));
}

#[tokio::test]
async fn two_issuers_are_kept_apart() {
    let (one, two) = (issuer().await, issuer().await);
    let verifier = verifier(&[&one, &two], eager());
    for issuer in [&one, &two] {
        let token = issuer.mint("x", &[]);
        let caller = verifier.verify(&token, SystemTime::now()).await.unwrap();
        assert_eq!(caller.issuer, issuer.issuer());
    }
    // Signed by the one in the name of the other, with the other's key id too.
    let crossed = one.sign(&two.header(), &two.claims("x", &["admin"]));
    assert_eq!(refusal(&verifier, &crossed).await, TokenError::Signature);
    let crossed = one.sign(&one.header(), &two.claims("x", &["admin"]));
    assert_eq!(refusal(&verifier, &crossed).await, TokenError::UnknownKey);
}

#[tokio::test]
async fn an_issuer_that_is_not_configured_is_refused_and_never_asked() {
    let (known, stranger) = (issuer().await, issuer().await);
    let verifier = verifier(&[&known], eager());
    let token = stranger.mint("x", &["admin"]);
    assert_eq!(refusal(&verifier, &token).await, TokenError::UnknownIssuer);
    assert_eq!(stranger.key_fetches(), 0);
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused() {
    let issuer = issuer().await;
    let verifier = verifier(&[&issuer], eager());
    let claims = issuer.claims("x", &["admin"]);
    for alg in ["none", "None", "NONE", ""] {
        let header = json!({"alg": alg, "typ": "at+jwt", "kid": issuer.header()["kid"]});
        let error = refusal(&verifier, &forged(&header, &claims, "")).await;
        assert_eq!(error, TokenError::Algorithm, "{alg}");
    }
    let error = refusal(&verifier, &forged(&issuer.header(), &claims, "")).await;
    assert_eq!(error, TokenError::Signature);
}

#[tokio::test]
async fn the_public_key_is_no_secret_for_an_hmac() {
    let issuer = issuer().await;
    let verifier = verifier(&[&issuer], eager());
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    header.typ = Some("at+jwt".to_owned());
    header.kid = issuer.header()["kid"].as_str().map(str::to_owned);
    let secret = jsonwebtoken::EncodingKey::from_secret(&issuer.public_key());
    let claims = issuer.claims("x", &["admin"]);
    let token = jsonwebtoken::encode(&header, &claims, &secret).unwrap();
    assert_eq!(refusal(&verifier, &token).await, TokenError::Algorithm);
}

#[tokio::test]
async fn a_header_cannot_choose_another_algorithm_or_bring_its_key() {
    let (known, stranger) = (issuer().await, issuer().await);
    let verifier = verifier(&[&known], eager());
    let mut header = known.header();
    header["alg"] = json!("RS256");
    let token = known.sign(&header, &known.claims("x", &[]));
    assert_eq!(refusal(&verifier, &token).await, TokenError::Algorithm);

    let mut header = known.header();
    header["jku"] = json!(format!("{}/keys", stranger.issuer()));
    let token = stranger.sign(&header, &known.claims("x", &["admin"]));
    assert_eq!(refusal(&verifier, &token).await, TokenError::Signature);
    assert_eq!(stranger.key_fetches(), 0);
}

#[tokio::test]
async fn a_changed_claim_breaks_the_signature() {
    let issuer = issuer().await;
    let verifier = verifier(&[&issuer], eager());
    let token = issuer.mint("x", &[]);
    let signature = token.rsplit('.').next().unwrap();
    let changed = forged(&issuer.header(), &issuer.claims("x", &["admin"]), signature);
    assert_eq!(refusal(&verifier, &changed).await, TokenError::Signature);
}

#[tokio::test]
async fn each_wrong_claim_is_refused_though_the_signature_is_good() {
    let issuer = issuer().await;
    let verifier = verifier(&[&issuer], eager());
    let cases = [
        ("aud", json!("account"), TokenError::Audience),
        ("aud", Value::Null, TokenError::Audience),
        ("exp", json!(1_000_000_000), TokenError::Expired),
        ("exp", Value::Null, TokenError::Claim("exp")),
        ("nbf", json!(99_999_999_999_u64), TokenError::NotYetValid),
        ("typ", json!("ID"), TokenError::Type),
        ("sub", Value::Null, TokenError::Claim("sub")),
        (
            "iss",
            json!("http://127.0.0.1:1"),
            TokenError::UnknownIssuer,
        ),
    ];
    for (claim, value, expected) in cases {
        let mut claims = issuer.claims("x", &["admin"]);
        claims[claim] = value;
        let token = issuer.sign(&issuer.header(), &claims);
        assert_eq!(refusal(&verifier, &token).await, expected, "{claim}");
    }
    let mut header = issuer.header();
    header["typ"] = json!("JWT");
    let mut claims = issuer.claims("x", &["admin"]);
    claims.as_object_mut().unwrap().remove("typ");
    let id_token = issuer.sign(&header, &claims);
    assert_eq!(refusal(&verifier, &id_token).await, TokenError::Type);
}

#[tokio::test]
async fn a_remembered_token_still_expires() {
    let issuer = issuer().await;
    let verifier = verifier(&[&issuer], eager());
    let token = issuer.mint("x", &[]);
    let now = SystemTime::now();
    verifier.verify(&token, now).await.unwrap();
    let later = now + Duration::from_hours(1);
    assert_eq!(
        verifier.verify_cached(&token, later).unwrap_err(),
        TokenError::Expired
    );
}

#[tokio::test]
async fn a_new_key_is_found_by_waiting() {
    let issuer = issuer().await;
    let verifier = verifier(&[&issuer], eager());
    verifier
        .verify(&issuer.mint("x", &[]), SystemTime::now())
        .await
        .unwrap();
    issuer.rotate(true);
    let token = issuer.mint("x", &[]);
    let first = verifier.verify_cached(&token, SystemTime::now());
    assert_eq!(first.unwrap_err(), TokenError::UnknownKey);
    verifier.verify(&token, SystemTime::now()).await.unwrap();
}

#[tokio::test]
async fn the_hot_path_refuses_an_unknown_key_now_and_knows_it_soon() {
    let issuer = issuer().await;
    let verifier = verifier(&[&issuer], eager());
    let token = issuer.mint("x", &[]);
    let first = verifier.verify_cached(&token, SystemTime::now());
    assert_eq!(first.unwrap_err(), TokenError::KeysUnavailable);
    tokio::time::timeout(Duration::from_secs(10), async {
        while verifier.verify_cached(&token, SystemTime::now()).is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the keys came behind the refused token");
}

#[tokio::test]
async fn a_withdrawn_key_ends_even_remembered_tokens() {
    let issuer = issuer().await;
    let verifier = verifier(&[&issuer], eager());
    let old = issuer.mint("x", &[]);
    verifier.verify(&old, SystemTime::now()).await.unwrap();
    issuer.rotate(false);
    verifier
        .verify(&issuer.mint("x", &[]), SystemTime::now())
        .await
        .unwrap();
    assert_eq!(refusal(&verifier, &old).await, TokenError::UnknownKey);
}

#[tokio::test]
async fn the_last_good_keys_serve_through_an_outage() {
    let issuer = issuer().await;
    let limits = Limits {
        refresh_every: Duration::ZERO,
        token_cached: Duration::from_millis(1),
        ..eager()
    };
    let verifier = verifier(&[&issuer], limits);
    verifier
        .verify(&issuer.mint("x", &[]), SystemTime::now())
        .await
        .unwrap();
    issuer.set_down(true);
    for _ in 0..20 {
        verifier
            .verify(&issuer.mint("x", &[]), SystemTime::now())
            .await
            .unwrap();
    }
    assert!(verifier.ready().is_ok());
}

#[tokio::test]
async fn keys_older_than_the_bound_serve_nobody() {
    let issuer = issuer().await;
    let limits = Limits {
        keys_age_max: Duration::ZERO,
        ..eager()
    };
    let verifier = verifier(&[&issuer], limits);
    let token = issuer.mint("x", &[]);
    assert_eq!(
        refusal(&verifier, &token).await,
        TokenError::KeysUnavailable
    );
    assert!(verifier.ready().is_err());
}

#[tokio::test]
async fn an_issuer_that_is_down_from_the_start_is_named_and_comes_back() {
    let issuer = issuer().await;
    issuer.set_down(true);
    let verifier = verifier(&[&issuer], eager());
    let token = issuer.mint("x", &[]);
    assert_eq!(
        refusal(&verifier, &token).await,
        TokenError::KeysUnavailable
    );
    let reason = verifier.ready().unwrap_err();
    assert!(
        reason.contains(issuer.issuer()) && reason.contains("503"),
        "{reason}"
    );
    issuer.set_down(false);
    verifier.verify(&token, SystemTime::now()).await.unwrap();
    assert!(verifier.ready().is_ok());
}

#[tokio::test]
async fn many_callers_at_once_fetch_the_keys_once() {
    let issuer = issuer().await;
    let verifier = verifier(&[&issuer], Limits::default());
    let token = issuer.mint("x", &[]);
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let (verifier, token) = (verifier.clone(), token.clone());
            tokio::spawn(async move { verifier.verify(&token, SystemTime::now()).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(issuer.key_fetches(), 1);
}

#[tokio::test]
async fn strangers_key_ids_do_not_make_it_fetch_more() {
    let issuer = issuer().await;
    let verifier = verifier(&[&issuer], Limits::default());
    verifier
        .verify(&issuer.mint("x", &[]), SystemTime::now())
        .await
        .unwrap();
    for n in 0..200 {
        let mut header = issuer.header();
        header["kid"] = json!(format!("stranger-{n}"));
        let token = issuer.sign(&header, &issuer.claims("x", &[]));
        assert_eq!(refusal(&verifier, &token).await, TokenError::UnknownKey);
    }
    assert_eq!(issuer.key_fetches(), 1);
}

#[tokio::test]
async fn an_issuer_that_calls_itself_otherwise_is_not_believed() {
    let other = DevIssuer::start(Options {
        issuer: Some("https://login.example.com".to_owned()),
        ..Options::default()
    })
    .await
    .unwrap();
    let url: IssuerUrl = format!("http://{}", other.address()).parse().unwrap();
    let verifier = Verifier::new([url.clone()], AUDIENCE, eager()).unwrap();
    let mut claims = other.claims("x", &["admin"]);
    claims["iss"] = json!(url.as_str());
    let token = other.sign(&other.header(), &claims);
    assert_eq!(
        refusal(&verifier, &token).await,
        TokenError::KeysUnavailable
    );
    assert!(
        verifier
            .ready()
            .unwrap_err()
            .contains("https://login.example.com")
    );
}
