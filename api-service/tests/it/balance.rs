//! Balances: the sum of entries that are only added.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Stack};

fn path(account: impl std::fmt::Display) -> String {
    format!("/api/v1/users/{account}/balance")
}

fn entry(reference: &str, kind: &str, amount: i64) -> Value {
    json!({"reference": reference, "kind": kind, "amountMinor": amount, "currency": "EUR"})
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_make_the_balance_and_each_counts_once() {
    let stack = Stack::start().await;
    let ann = stack.account("ann").await;
    let (one, entries) = (path(ann), format!("{}/entries", path(ann)));
    let empty = stack.get(&one).await;
    assert_eq!(empty.body["balanceMinor"], 0);
    assert!(empty.body["currency"].is_null());

    let mut body = entry("r-1", "top_up", 1250);
    body["note"] = json!("bank transfer");
    let made = stack.post(&entries, &body).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    assert_eq!(made.body["balanceAfterMinor"], 1250);
    let again = stack.post(&entries, &body).await;
    assert_eq!((again.status, &again.body), (200, &made.body));
    // The same name for something else, in any part of it.
    for (field, value) in [
        ("amountMinor", json!(1251)),
        ("kind", json!("refund")),
        ("currency", json!("USD")),
        ("note", Value::Null),
    ] {
        let mut other = body.clone();
        other[field] = value;
        let answer = stack.post(&entries, &other).await;
        answer.is_problem(409, "reference_reused");
    }
    assert_eq!(
        stack
            .post(&entries, &entry("r-2", "charge", -250))
            .await
            .status,
        201
    );
    stack
        .post(&entries, &entry("r-3", "charge", -1001))
        .await
        .is_problem(409, "balance_out_of_range");
    let mut dollars = entry("r-3", "top_up", 1);
    dollars["currency"] = json!("USD");
    stack
        .post(&entries, &dollars)
        .await
        .is_problem(409, "currency_mismatch");

    // Their holder reads it.
    let shown = stack.ask("ann", Method::GET, &one, &Value::Null).await;
    assert_eq!(
        (&shown.body["balanceMinor"], &shown.body["currency"]),
        (&json!(1000), &json!("EUR"))
    );
    let first = format!("{entries}?limit=1");
    let page = stack.ask("ann", Method::GET, &first, &Value::Null).await;
    assert_eq!(page.body["entries"][0]["reference"], "r-2");
    let cursor = page.body["nextCursor"].as_str().unwrap();
    let next = format!("{first}&cursor={cursor}");
    let page = stack.ask("ann", Method::GET, &next, &Value::Null).await;
    assert_eq!(page.body["entries"][0], made.body);
    assert!(page.body.get("nextCursor").is_none());
    let audited = "SELECT count(*) FROM audit_entry WHERE action = 'balance.enter' \
                   AND outcome = 'done'";
    assert_eq!(stack.count(audited).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_entries_are_refused_with_every_mistake() {
    let stack = Stack::start().await;
    let ann = stack.account("ann").await;
    let entries = format!("{}/entries", path(ann));
    let wrong = json!({"reference": "a b", "kind": "gift", "amountMinor": 0, "currency": "eur",
                       "note": "", "balanceMinor": 7});
    let answer = stack.post(&entries, &wrong).await;
    answer.is_problem(422, "invalid_request");
    assert_eq!(answer.wrong_fields().len(), 6);
    for (kind, amount) in [
        ("top_up", json!(-1)),
        ("refund", json!(-1)),
        ("charge", json!(1)),
        ("correction", json!(0)),
        ("top_up", json!(1_000_000_000_000_001_i64)),
        ("top_up", json!(9_223_372_036_854_775_808_u64)),
        ("top_up", json!(1.5)),
        ("top_up", json!("1")),
    ] {
        let mut body = entry("r", kind, 1);
        body["amountMinor"] = amount;
        let answer = stack.post(&entries, &body).await;
        answer.is_problem(422, "invalid_request");
        assert_eq!(answer.wrong_fields(), ["amountMinor"]);
    }
    let nobody = path("00000000-0000-0000-0000-000000000001");
    stack
        .get(&nobody)
        .await
        .is_problem(404, "account_not_found");
    stack
        .post(&format!("{nobody}/entries"), &entry("r", "top_up", 1))
        .await
        .is_problem(404, "account_not_found");
    let none = "SELECT count(*) FROM ledger_entry";
    assert_eq!(stack.count(none).await, 0);
}

/// Each of many writers either is in the sum or was refused, and no two make one.
#[tokio::test(flavor = "multi_thread")]
async fn under_contention_no_entry_is_lost_and_the_balance_never_falls_below_zero() {
    const WRITERS: i64 = 24;
    let stack = Stack::start().await;
    let ann = stack.account("ann").await;
    let entries = format!("{}/entries", path(ann));
    let start = stack.post(&entries, &entry("start", "top_up", 10)).await;
    assert_eq!(start.status, 201, "{:?}", start.body);
    // Two for every reference, and more charges than there is money.
    let bodies: Vec<Value> = (0..WRITERS)
        .flat_map(|n| {
            let body = match n % 3 {
                0 => entry(&format!("r-{n}"), "top_up", 1),
                _ => entry(&format!("r-{n}"), "charge", -3),
            };
            [body.clone(), body]
        })
        .collect();
    let answers: Vec<Answer> = join_all(bodies.iter().map(|body| stack.post(&entries, body))).await;
    let mut sum = 10;
    for (body, answer) in bodies.iter().zip(&answers) {
        match answer.status {
            201 => sum += body["amountMinor"].as_i64().unwrap(),
            200 => {}
            _ => answer.is_problem(409, "balance_out_of_range"),
        }
    }
    let shown = stack.get(&path(ann)).await;
    assert_eq!(shown.body["balanceMinor"], sum);
    assert!(sum >= 0);
    let whole = "SELECT (sum(amount_minor) = max(balance_minor))::int::bigint
                   FROM ledger JOIN ledger_entry USING (ledger_id)";
    assert_eq!(stack.count(whole).await, 1);
    // Each entry begins where the one before it ended.
    let gaps = "SELECT count(*) FROM (
            SELECT balance_after_minor - amount_minor AS began,
                   lag(balance_after_minor, 1, 0::bigint) OVER (ORDER BY entry_id) AS ended
              FROM ledger_entry) AS steps WHERE began <> ended";
    assert_eq!(stack.count(gaps).await, 0);
    let twice = "SELECT count(*) FROM (SELECT FROM ledger_entry GROUP BY reference
                                        HAVING count(*) > 1) AS twice";
    assert_eq!(stack.count(twice).await, 0);
}

/// The earlier system let its users set their own balance.
#[tokio::test(flavor = "multi_thread")]
async fn no_role_enters_into_its_own_balance_and_nobody_reads_anothers() {
    let stack = Stack::start().await;
    let (ann, eve) = (stack.account("ann").await, stack.account("eve").await);
    let body = entry("gift", "top_up", 1_000_000);
    for roles in [&[][..], &["manufacturer"], &["user", "owner"]] {
        let token = stack.issuer.mint("eve", roles);
        for account in [eve, ann] {
            let url = stack.url(&format!("{}/entries", path(account)));
            let request = stack.http.post(url).bearer_auth(&token).json(&body);
            Answer::of(request).await.is_problem(403, "forbidden");
        }
        for path in [path(ann), format!("{}/entries", path(ann))] {
            let request = stack.http.get(stack.url(&path)).bearer_auth(&token);
            Answer::of(request).await.is_problem(403, "forbidden");
        }
    }
    let me = stack.get("/api/v1/auth/me").await.body;
    let own = format!("{}/entries", path(me["accountId"].as_str().unwrap()));
    stack.post(&own, &body).await.is_problem(409, "own_account");
    for (method, path) in [
        (Method::PUT, path(eve)),
        (Method::PATCH, path(eve)),
        (Method::DELETE, path(eve)),
    ] {
        let request = stack.request(method, &path, &["admin"]).json(&body);
        assert_eq!(Answer::of(request).await.status, 405);
    }
    assert_eq!(stack.count("SELECT count(*) FROM ledger").await, 0);
}
