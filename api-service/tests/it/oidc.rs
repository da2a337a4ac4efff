//! Sign-ins at an OpenID Connect provider that we did not write.

use serde_json::{Value, json};

use crate::support::oidc::Provider;
use crate::support::{Answer, Stack, eventually};

/// A service that trusts a provider, if one can be had.
async fn stack() -> Option<(Provider, Stack)> {
    let provider = Provider::start().await?;
    let stack = Stack::start_with(&[("API_TOKEN_ISSUERS", &provider.issuer)]).await;
    Some((provider, stack))
}

async fn me(stack: &Stack, token: &str) -> Answer {
    let request = stack.http.get(stack.url("/api/v1/auth/me"));
    Answer::of(request.bearer_auth(token)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_signed_in_with_pkce_is_let_in_with_either_algorithm() {
    let Some((provider, stack)) = stack().await else {
        return;
    };
    let mut accounts = Vec::new();
    for client in ["console", "console-rsa"] {
        let tokens = provider.sign_in(client, "ada").await;
        let answer = me(&stack, &tokens.access).await;
        assert_eq!(answer.status, 200, "{client}: {:?}", answer.body);
        for (field, expected) in [
            ("subject", json!("ada")),
            ("issuer", json!(provider.issuer)),
            ("client", json!(client)),
            ("email", json!("ada@example.com")),
            ("organizations", json!(["acme"])),
            ("roles", json!(["user"])),
            ("service", json!(false)),
        ] {
            assert_eq!(answer.body[field], expected, "{client} {field}");
        }
        accounts.push(answer.body["accountId"].clone());
        // What proves a sign-in to the client is no key to the API.
        me(&stack, &tokens.id)
            .await
            .is_problem(401, "token_invalid");
    }
    assert_eq!(accounts[0], accounts[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_code_is_worth_nothing_without_its_verifier() {
    let Some((provider, _stack)) = stack().await else {
        return;
    };
    let code = provider
        .code("console", "ada", "v".repeat(43).as_str())
        .await;
    let answer: Value = provider.exchange("console", &code, &"w".repeat(43)).await;
    assert_eq!(answer["error"], "invalid_grant", "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refreshed_token_is_of_the_same_account_and_refreshes_once() {
    let Some((provider, stack)) = stack().await else {
        return;
    };
    let first = provider.sign_in("console", "ada").await;
    let account = me(&stack, &first.access).await.body["accountId"].clone();
    let next = provider.refresh("console", &first.refresh).await;
    let token = next["access_token"].as_str().unwrap();
    assert_ne!(token, first.access);
    assert_eq!(me(&stack, token).await.body["accountId"], account);
    let again = provider.refresh("console", &first.refresh).await;
    assert_eq!(again["error"], "invalid_grant", "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_programs_own_token_is_a_service_account_with_its_role() {
    let Some((provider, stack)) = stack().await else {
        return;
    };
    let token = provider.service_token().await;
    let answer = me(&stack, &token).await;
    assert_eq!(answer.body["service"], true, "{:?}", answer.body);
    let devices = stack.http.get(stack.url("/api/v1/devices"));
    assert_eq!(Answer::of(devices.bearer_auth(&token)).await.status, 200);
    let users = stack.http.get(stack.url("/api/v1/users"));
    Answer::of(users.bearer_auth(&token))
        .await
        .is_problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_keys_are_found_and_withdrawn_ones_let_nobody_in() {
    let Some((provider, stack)) = stack().await else {
        return;
    };
    let old = provider.sign_in("console", "ada").await.access;
    assert_eq!(me(&stack, &old).await.status, 200);
    provider.rotate(true).await;
    let new = provider.sign_in("console", "ada").await.access;
    // Keys are looked for once in ten seconds, whatever strangers send.
    eventually("a token of the new key is good", async || {
        me(&stack, &new).await.status == 200
    })
    .await;
    assert_eq!(
        me(&stack, &old).await.status,
        200,
        "its key is still published"
    );
    provider.rotate(false).await;
    let newest = provider.sign_in("console", "ada").await.access;
    eventually("a token of the newest key is good", async || {
        me(&stack, &newest).await.status == 200
    })
    .await;
    for withdrawn in [old, new] {
        me(&stack, &withdrawn)
            .await
            .is_problem(401, "token_invalid");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ran_out_is_refused() {
    let Some((provider, stack)) = stack().await else {
        return;
    };
    // Good for a second, and for the thirty that clocks may differ by.
    let token = provider.sign_in("console-brief", "ada").await.access;
    assert_eq!(me(&stack, &token).await.status, 200);
    eventually("the token has expired", async || {
        me(&stack, &token).await.status == 401
    })
    .await;
    let answer = me(&stack, &token).await;
    answer.is_problem(401, "token_invalid");
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(detail.contains("expired"), "{detail}");
}
