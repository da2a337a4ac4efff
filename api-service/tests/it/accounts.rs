//! Accounts: found by issuer and subject, made at first sight, never by an e-mail.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Stack};

const ME: &str = "/api/v1/auth/me";

/// A token with further claims.
fn token(stack: &Stack, subject: &str, more: &Value) -> String {
    let mut claims = stack.issuer.claims(subject, &[]);
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    stack.issuer.sign(&stack.issuer.header(), &claims)
}

async fn me(stack: &Stack, token: &str) -> Answer {
    Answer::of(stack.http.get(stack.url(ME)).bearer_auth(token)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_at_first_sight_and_found_ever_after() {
    let stack = Stack::start().await;
    let claims = json!({"name": "Ada", "email": "ada@example.com", "organization": ["acme"]});
    let first = me(&stack, &token(&stack, "ada", &claims)).await;
    assert_eq!(first.status, 200, "{:?}", first.body);
    for (field, expected) in [
        ("subject", json!("ada")),
        ("issuer", json!(stack.issuer.issuer())),
        ("service", json!(false)),
        ("name", json!("Ada")),
        ("email", json!("ada@example.com")),
        ("organizations", json!(["acme"])),
    ] {
        assert_eq!(first.body[field], expected, "{field}");
    }
    let again = me(&stack, &stack.issuer.mint("ada", &["admin"])).await;
    assert_eq!(again.body["accountId"], first.body["accountId"]);
    assert_eq!(again.body["roles"], json!(["admin"]));
    assert_eq!(stack.count("SELECT count(*) FROM account").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_first_requests_at_once_make_one_account() {
    let stack = Stack::start().await;
    let token = stack.issuer.mint("ada", &[]);
    let requests = (0..32).map(|_| me(&stack, &token));
    for answer in futures::future::join_all(requests).await {
        assert_eq!(answer.status, 200);
    }
    assert_eq!(stack.count("SELECT count(*) FROM account").await, 1);
}

/// The earlier system matched people by e-mail: whoever could make another issuer, or the same one,
/// say an address had the account behind it.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_email_is_not_the_same_account() {
    let stack = Stack::start().await;
    let email = json!({"email": "ada@example.com", "email_verified": true});
    let ada = me(&stack, &token(&stack, "ada", &email)).await;
    let eve = me(&stack, &token(&stack, "eve", &email)).await;
    assert_ne!(ada.body["accountId"], eve.body["accountId"]);
    assert_eq!(stack.count("SELECT count(*) FROM account").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_and_an_ended_session_are_refused() {
    let stack = Stack::start().await;
    let sql = stack.sql().await;
    for (subject, change, status, code) in [
        ("ada", "disabled = true", 403, "account_disabled"),
        ("bob", "sessions_from = now()", 401, "session_ended"),
    ] {
        let insert = "INSERT INTO account (issuer, subject) VALUES ($1, $2)";
        let issuer = stack.issuer.issuer();
        sql.execute(insert, &[&issuer, &subject]).await.unwrap();
        let update = format!("UPDATE account SET {change} WHERE subject = $1");
        sql.execute(&update, &[&subject]).await.unwrap();
        // Nor do roles of the token help.
        let request = stack.request(Method::GET, ME, &["admin"]);
        assert_eq!(Answer::of(request).await.status, 200);
        let token = stack.issuer.mint(subject, &["admin"]);
        me(&stack, &token).await.is_problem(status, code);
    }
    // A token that is issued after the sign-out is good again.
    let later = stack.issuer.claims("bob", &[])["iat"].as_u64().unwrap() + 2;
    let new = token(&stack, "bob", &json!({"iat": later}));
    assert_eq!(me(&stack, &new).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_own_token_makes_a_service_account() {
    let stack = Stack::start().await;
    let factory = token(&stack, "factory", &json!({"azp": "factory"}));
    assert_eq!(me(&stack, &factory).await.body["service"], true);
    me(&stack, &stack.issuer.mint("ada", &[])).await;
    let services = "SELECT count(*) FROM account WHERE kind = 'service' AND subject = 'factory'";
    assert_eq!(stack.count(services).await, 1);
    assert_eq!(stack.count("SELECT count(*) FROM account").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_another_word_of_the_token_overwrites_what_the_person_wrote() {
    let stack = Stack::start().await;
    let sql = stack.sql().await;
    let name = async || -> Option<String> {
        let row = sql.query_one("SELECT name FROM account_profile", &[]);
        row.await.unwrap().get(0)
    };
    let shown = async |expected: &str| {
        let what = format!("the profile's name is {expected}");
        crate::support::eventually(&what, async || name().await.as_deref() == Some(expected)).await;
    };
    me(&stack, &token(&stack, "ada", &json!({"name": "Ada"}))).await;
    shown("Ada").await;
    sql.execute("UPDATE account_profile SET name = 'Countess'", &[])
        .await
        .unwrap();
    // The row is looked at again when what is remembered has run out; then both words are there.
    let both = json!({"name": "Ada", "email": "ada@example.com"});
    let both = token(&stack, "ada", &both);
    crate::support::eventually("the e-mail is known", async || {
        me(&stack, &both).await;
        stack
            .count("SELECT count(*) FROM account_profile WHERE email IS NOT NULL")
            .await
            == 1
    })
    .await;
    assert_eq!(name().await.as_deref(), Some("Countess"));
    let other = token(&stack, "ada", &json!({"name": "Ada King"}));
    crate::support::eventually("the new name is known", async || {
        me(&stack, &other).await;
        name().await.as_deref() == Some("Ada King")
    })
    .await;
}
