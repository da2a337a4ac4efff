//! Own profiles, signing out, and accounts in the hands of admins.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Stack, eventually};

const PROFILE: &str = "/api/v1/auth/profile";
const USERS: &str = "/api/v1/users";

/// A request of a person without roles.
async fn ask(stack: &Stack, who: &str, method: Method, path: &str, body: Option<&Value>) -> Answer {
    ask_with(stack, &stack.issuer.mint(who, &[]), method, path, body).await
}

async fn ask_with(
    stack: &Stack,
    token: &str,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Answer {
    let request = stack.http.request(method, stack.url(path));
    let request = request.bearer_auth(token);
    Answer::of(match body {
        Some(body) => request.json(body),
        None => request,
    })
    .await
}

/// The account of a person, made by their first request.
async fn account_of(stack: &Stack, who: &str, name: &str) -> String {
    let mut claims = stack.issuer.claims(who, &[]);
    claims["name"] = json!(name);
    claims["email"] = json!(format!("{who}@example.com"));
    let token = stack.issuer.sign(&stack.issuer.header(), &claims);
    let answer = ask_with(stack, &token, Method::GET, PROFILE, None).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.body["accountId"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_writes_into_their_own_profile() {
    let stack = Stack::start().await;
    let id = account_of(&stack, "ada", "Ada").await;
    let change = json!({"name": "Countess", "avatarUrl": "https://example.com/a.png",
                        "accountType": "organization"});
    let changed = ask(&stack, "ada", Method::PATCH, PROFILE, Some(&change)).await;
    assert_eq!(changed.status, 200, "{:?}", changed.body);
    let shown = ask(&stack, "ada", Method::GET, PROFILE, None).await;
    for (field, expected) in [
        ("accountId", json!(id)),
        ("name", json!("Countess")),
        ("avatarUrl", json!("https://example.com/a.png")),
        ("accountType", json!("organization")),
        ("email", json!("ada@example.com")),
        ("plan", json!("free")),
        ("kind", json!("person")),
    ] {
        assert_eq!(shown.body[field], expected, "{field}");
        assert_eq!(changed.body[field], expected, "{field}");
    }
    let less = ask(
        &stack,
        "ada",
        Method::PATCH,
        PROFILE,
        Some(&json!({"name": null})),
    )
    .await;
    assert!(less.body.get("name").is_none(), "{:?}", less.body);
    assert_eq!(less.body["avatarUrl"], "https://example.com/a.png");
    // What the person is called stands in no audit entry.
    let entries = "SELECT count(*) FROM audit_entry WHERE action = 'account.edit' \
                   AND after IS NOT NULL AND after::text NOT LIKE '%Countess%'";
    assert_eq!(stack.count(entries).await, 2);
}

/// The earlier system let its users set their own role, plan and balance.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_themselves_a_role_a_plan_or_money() {
    let stack = Stack::start().await;
    let id = account_of(&stack, "eve", "Eve").await;
    let grab = json!({"role": "admin", "roles": ["admin"], "plan": "enterprise", "balance": 1000,
                      "disabled": false, "accountId": id, "email": "admin@example.com"});
    let answer = ask(&stack, "eve", Method::PATCH, PROFILE, Some(&grab)).await;
    answer.is_problem(422, "invalid_request");
    assert_eq!(answer.wrong_fields().len(), 7);
    let path = format!("{USERS}/{id}");
    for (method, path, body) in [
        (Method::PATCH, path.clone(), Some(json!({"name": "Eve"}))),
        (Method::GET, path.clone(), None),
        (Method::GET, USERS.to_owned(), None),
        (Method::POST, format!("{path}/disable"), Some(json!({}))),
        (Method::POST, format!("{path}/enable"), Some(json!({}))),
    ] {
        let answer = ask(&stack, "eve", method, &path, body.as_ref()).await;
        answer.is_problem(403, "forbidden");
    }
    let untouched = "SELECT count(*) FROM account JOIN account_profile USING (account_id) \
                     WHERE plan = 'free' AND email = 'eve@example.com'";
    assert_eq!(stack.count(untouched).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_fields_of_a_profile_are_told_at_once() {
    let stack = Stack::start().await;
    let wrong = json!({"name": "n".repeat(129), "avatarUrl": "javascript:alert(1)",
                       "accountType": "enterprise", "nickname": "x"});
    let answer = ask(&stack, "ada", Method::PATCH, PROFILE, Some(&wrong)).await;
    answer.is_problem(422, "invalid_request");
    let mut fields = answer.wrong_fields();
    fields.sort_unstable();
    assert_eq!(fields, ["accountType", "avatarUrl", "name", "nickname"]);
    let nothing = ask(&stack, "ada", Method::PATCH, PROFILE, Some(&json!({}))).await;
    assert_eq!(nothing.status, 200);
    assert_eq!(
        stack
            .count("SELECT count(*) FROM audit_entry WHERE action = 'account.edit'")
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_every_older_token_and_the_mqtt_sessions() {
    let stack = Stack::start().await;
    let id = account_of(&stack, "ada", "Ada").await;
    let token = stack.issuer.mint("ada", &["admin"]);
    let answer = ask_with(&stack, &token, Method::POST, "/api/v1/auth/logout", None).await;
    assert_eq!(answer.status, 204, "{:?}", answer.body);
    ask_with(&stack, &token, Method::GET, PROFILE, None)
        .await
        .is_problem(401, "session_ended");
    let entries = format!(
        "SELECT count(*) FROM outbox WHERE kind = 'end_account_sessions' AND subject = '{id}'"
    );
    assert_eq!(stack.count(&entries).await, 1);
    let audit = format!(
        "SELECT count(*) FROM audit_entry WHERE action = 'account.logout' \
         AND actor_id = '{id}' AND subject_id = '{id}'"
    );
    assert_eq!(stack.count(&audit).await, 1);
    let mut claims = stack.issuer.claims("ada", &[]);
    claims["iat"] = json!(claims["iat"].as_u64().unwrap() + 2);
    let next = stack.issuer.sign(&stack.issuer.header(), &claims);
    let answer = ask_with(&stack, &next, Method::GET, PROFILE, None).await;
    assert_eq!(answer.body["accountId"], json!(id), "{:?}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_is_out_until_it_is_enabled() {
    let stack = Stack::start().await;
    let id = account_of(&stack, "ada", "Ada").await;
    let path = format!("{USERS}/{id}");
    let reason = json!({"reason": "left the company"});
    for _ in 0..2 {
        let answer = stack.post(&format!("{path}/disable"), &reason).await;
        assert_eq!(
            (answer.status, &answer.body["disabled"]),
            (200, &json!(true))
        );
    }
    ask(&stack, "ada", Method::GET, PROFILE, None)
        .await
        .is_problem(403, "account_disabled");
    assert_eq!(stack.get(&path).await.body["disabled"], true);
    let of = |what: &str| format!("SELECT count(*) FROM {what} = '{id}'");
    assert_eq!(stack.count(&of("outbox WHERE subject")).await, 1);
    let answer = stack.post(&format!("{path}/enable"), &json!({})).await;
    assert_eq!(
        (answer.status, &answer.body["disabled"]),
        (200, &json!(false))
    );
    eventually("the account is let in again", async || {
        ask(&stack, "ada", Method::GET, PROFILE, None).await.status == 200
    })
    .await;
    // Doing it again is no second act.
    assert_eq!(stack.count(&of("audit_entry WHERE subject_id")).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_cannot_lock_themselves_out() {
    let stack = Stack::start().await;
    let own = stack.get("/api/v1/auth/me").await;
    let path = format!("{USERS}/{}", own.body["accountId"].as_str().unwrap());
    stack
        .post(&format!("{path}/disable"), &json!({}))
        .await
        .is_problem(409, "own_account");
    assert_eq!(stack.get(&path).await.body["disabled"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_account_stays_as_it_is_and_one_that_is_not_there_is_404() {
    let stack = Stack::start().await;
    let id = account_of(&stack, "ada", "Ada").await;
    let erase = "UPDATE account SET issuer = NULL, subject = NULL, disabled = true, \
                 erased_at = now() WHERE account_id::text = $1";
    stack.sql().await.execute(erase, &[&id]).await.unwrap();
    let nobody = "00000000-0000-0000-0000-000000000001";
    for (id, status, code) in [
        (id.as_str(), 409, "account_erased"),
        (nobody, 404, "account_not_found"),
        ("me", 422, "invalid_request"),
    ] {
        let path = format!("{USERS}/{id}");
        for (verb, method) in [
            ("/disable", Method::POST),
            ("/enable", Method::POST),
            ("", Method::PATCH),
        ] {
            let request = stack.request(method, &format!("{path}{verb}"), &["admin"]);
            let answer = Answer::of(request.json(&json!({}))).await;
            answer.is_problem(status, code);
        }
    }
    let erased = stack.get(&format!("{USERS}/{id}")).await;
    assert!(erased.body["erasedAt"].is_string() && erased.body.get("subject").is_none());
    assert!(!stack.get(USERS).await.body.to_string().contains(&id));
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_listed_page_by_page_and_found_by_how_they_begin() {
    let stack = Stack::start().await;
    let insert = "WITH made AS (INSERT INTO account (issuer, subject, kind) \
                  SELECT 'https://i', n::text, CASE n % 2 WHEN 0 THEN 'person' ELSE 'service' END \
                    FROM generate_series(1, 7) AS n RETURNING account_id, subject) \
                  INSERT INTO account_profile (account_id, email, name) \
                  SELECT account_id, 'User' || subject || '@Example.com', '100% ' || subject \
                    FROM made";
    stack.sql().await.execute(insert, &[]).await.unwrap();
    let mut seen = Vec::new();
    let mut path = format!("{USERS}?limit=3");
    loop {
        let page = stack.get(&path).await;
        assert_eq!(page.status, 200, "{:?}", page.body);
        let users = page.body["users"].as_array().unwrap();
        seen.extend(
            users
                .iter()
                .map(|user| user["accountId"].as_str().unwrap().to_owned()),
        );
        match page.body["nextCursor"].as_str() {
            Some(cursor) => path = format!("{USERS}?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    // The admin who asks has an account as well.
    assert_eq!(seen.len(), 8);
    assert!(seen.is_sorted());
    let found = async |query: &str| {
        let page = stack.get(&format!("{USERS}?{query}")).await;
        page.body["users"].as_array().unwrap().len()
    };
    for (query, expected) in [
        ("search=user3", 1),
        ("search=USER", 7),
        ("search=100%25%203", 1),
        ("search=%25", 0),
        ("search=_ser3", 0),
        ("search=ser3", 0),
        ("search=user&kind=service", 4),
        ("kind=service", 4),
        ("disabled=true", 0),
        ("search='%20OR%201%3D1%20--", 0),
    ] {
        assert_eq!(found(query).await, expected, "{query}");
    }
}
