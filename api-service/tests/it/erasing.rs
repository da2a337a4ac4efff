//! What is held on somebody: told to them whole, and taken away.

use std::process::Output;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::Command;
use uuid::Uuid;

use crate::support::{Answer, Stack, eventually, program};

const ME: &str = "/api/v1/auth/me";
const EXPORT: &str = "/api/v1/auth/export";

/// Somebody with a name and an address, as their token tells.
async fn named(stack: &Stack, who: &str) -> Uuid {
    let mut claims = stack.issuer.claims(who, &[]);
    claims["name"] = json!(format!("{who} Example"));
    claims["email"] = json!(format!("{who}@example.com"));
    let token = stack.issuer.sign(&stack.issuer.header(), &claims);
    let request = stack.http.get(stack.url(ME)).bearer_auth(token);
    let answer = Answer::of(request.header("user-agent", format!("{who}-phone"))).await;
    answer.body["accountId"].as_str().unwrap().parse().unwrap()
}

async fn erase(stack: &Stack, who: &str, id: Uuid) -> Answer {
    let path = format!("{ME}?confirm={id}");
    stack.ask(who, Method::DELETE, &path, &Value::Null).await
}

async fn verify(stack: &Stack) -> Output {
    let url = stack.database.as_ref().unwrap().api_url();
    eventually("everything is sealed", async || {
        stack.count("SELECT count(*) FROM audit_unsealed").await == 0
    })
    .await;
    Command::new(program())
        .args(["audit", "verify"])
        .env_clear()
        .env("API_DATABASE_URL", url)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap()
}

/// Everything in the database as one text, but the bytes of hashes.
async fn everything(stack: &Stack) -> String {
    let sql = stack.sql().await;
    let tables = "SELECT table_name::text FROM information_schema.tables
                   WHERE table_schema = 'public' AND table_type = 'BASE TABLE'";
    let mut all = String::new();
    for table in sql.query(tables, &[]).await.unwrap() {
        let table: String = table.get(0);
        let rows = format!("SELECT coalesce(string_agg(t::text, ''), '') FROM \"{table}\" AS t");
        let text: String = sql.query_one(&rows, &[]).await.unwrap().get(0);
        all.push_str(&text);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_everything_that_is_held_on_somebody() {
    let stack = Stack::start().await;
    let ann = named(&stack, "ann").await;
    let bob = named(&stack, "bob").await;
    stack.bound("tent-1", "ann").await;
    stack.bound("tent-2", "bob").await;
    let organization = stack.organization(ann).await;
    let hall = stack.group(organization, None, "hall").await;
    let sql = stack.sql().await;
    let join = "INSERT INTO group_member (group_id, account_id, role) VALUES ($1, $2, 'viewer')";
    sql.execute(join, &[&hall, &ann]).await.unwrap();
    let path = format!("/api/v1/organizations/{organization}/invitations");
    let body = json!({"role": "viewer", "email": "carl@example.com"});
    stack.ask("ann", Method::POST, &path, &body).await;
    let path = format!("/api/v1/users/{ann}/balance/entries");
    let body = json!({"reference": "r-1", "kind": "top_up", "amountMinor": 7, "currency": "EUR"});
    assert_eq!(stack.post(&path, &body).await.status, 201);
    // More than is read at once.
    sql.execute(
        "INSERT INTO notification (account_id, kind) SELECT $1, 'probe' FROM generate_series(1, 1200)",
        &[&ann],
    )
    .await
    .unwrap();

    let export = stack.ask("ann", Method::GET, EXPORT, &Value::Null).await;
    assert_eq!(export.status, 200);
    assert_eq!(export.headers["content-type"], "application/json");
    let body = &export.body;
    assert_eq!(body["account"]["accountId"], json!(ann));
    assert_eq!(body["account"]["subject"], "ann");
    assert_eq!(body["profile"]["email"], "ann@example.com");
    for (part, count) in [
        ("organizations", 1),
        ("groups", 1),
        ("devices", 1),
        ("ownership", 1),
        ("claims", 1),
        ("invitations", 1),
        ("notifications", 1201),
        ("balanceEntries", 1),
    ] {
        let rows = body[part].as_array().unwrap();
        assert_eq!(rows.len(), count, "{part}");
    }
    assert_eq!(body["devices"][0]["deviceId"], "tent-1");
    assert_eq!(body["balance"]["balanceMinor"], 7);
    let entries = body["auditEntries"].as_array().unwrap();
    let of = |action: &str| entries.iter().find(|entry| entry["action"] == action);
    assert_eq!(of("device.claim").unwrap()["byMe"], true);
    assert!(of("device.claim").unwrap()["personal"]["address"].is_string());
    assert_eq!(of("balance.enter").unwrap()["byMe"], false);
    assert!(of("balance.enter").unwrap()["personal"].is_null());
    assert!(of("account.export").is_some());
    // Nothing of anybody else.
    let text = body.to_string();
    for other in ["tent-2", "bob", &bob.to_string()] {
        assert!(!text.contains(other), "{other}");
    }

    let path = format!("/api/v1/users/{ann}/export");
    let by_admin = stack.get(&path).await;
    assert_eq!(by_admin.body["devices"], body["devices"]);
    stack
        .ask("bob", Method::GET, &path, &Value::Null)
        .await
        .is_problem(403, "forbidden");
    stack
        .get("/api/v1/users/00000000-0000-0000-0000-000000000001/export")
        .await
        .is_problem(404, "account_not_found");
    let empty = stack.ask("new", Method::GET, EXPORT, &Value::Null).await;
    assert_eq!(empty.body["devices"], json!([]));
    assert!(empty.body["balance"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_somebody_erased_no_name_is_left_and_the_audit_still_holds() {
    let stack = Stack::start().await;
    let ann = named(&stack, "zebulon").await;
    let bob = stack.account("bob").await;
    stack.bound("tent-1", "zebulon").await;
    let unbind = "/api/v1/devices/tent-1/unbind";
    stack.ask("zebulon", Method::POST, unbind, &json!({})).await;
    let organization = stack.organization(bob).await;
    stack.join(organization, ann, "admin").await;
    let roomy = "UPDATE organization SET plan = 'enterprise'";
    stack.sql().await.batch_execute(roomy).await.unwrap();
    let invitations = format!("/api/v1/organizations/{organization}/invitations");
    let body = json!({"role": "viewer", "email": "carl@example.com"});
    stack
        .ask("zebulon", Method::POST, &invitations, &body)
        .await;
    let body = json!({"role": "viewer", "email": "Zebulon@example.com"});
    let made = stack.ask("bob", Method::POST, &invitations, &body).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let path = format!("/api/v1/users/{ann}/balance/entries");
    let body = json!({"reference": "r-1", "kind": "top_up", "amountMinor": 7, "currency": "EUR"});
    assert_eq!(stack.post(&path, &body).await.status, 201);
    assert!(everything(&stack).await.to_lowercase().contains("zebulon"));

    let answer = erase(&stack, "zebulon", ann).await;
    assert_eq!(answer.status, 204, "{:?}", answer.body);
    let left = everything(&stack).await.to_lowercase();
    for gone in ["zebulon", "carl@example.com"] {
        assert!(!left.contains(gone), "{gone} is still there");
    }
    let personal = format!("SELECT count(*) FROM audit_personal WHERE account_id = '{ann}'");
    assert_eq!(stack.count(&personal).await, 0);
    let entries = format!("SELECT count(*) FROM audit_entry WHERE actor_id = '{ann}'");
    assert!(stack.count(&entries).await >= 3, "what was done stays");
    assert_eq!(stack.count("SELECT count(*) FROM ledger_entry").await, 1);
    let member = format!("SELECT count(*) FROM organization_member WHERE account_id = '{ann}'");
    assert_eq!(stack.count(&member).await, 0);
    let ended = format!(
        "SELECT count(*) FROM outbox WHERE kind = 'end_account_sessions' AND subject = '{ann}'"
    );
    assert!(stack.count(&ended).await >= 1);
    let checked = verify(&stack).await;
    assert!(checked.status.success(), "{checked:?}");
    let shown = stack.get(&format!("/api/v1/users/{ann}")).await;
    assert!(shown.body["erasedAt"].is_string() && shown.body.get("name").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_somebody_erased_makes_no_new_account_and_a_later_one_begins_anew() {
    let stack = Stack::start().await;
    let ann = named(&stack, "ann").await;
    let old = stack.issuer.mint("ann", &["admin"]);
    assert_eq!(erase(&stack, "ann", ann).await.status, 204);
    let ask = async |token: &str| {
        Answer::of(
            stack
                .http
                .get(stack.url("/api/v1/auth/profile"))
                .bearer_auth(token),
        )
        .await
    };
    // One from before, and one that a page which is still open gets from its issuer by itself.
    for token in [&old, &stack.issuer.mint("ann", &[]), &old] {
        ask(token).await.is_problem(401, "session_ended");
    }
    let live = "SELECT count(*) FROM account WHERE erased_at IS NULL AND subject = 'ann'";
    assert_eq!(stack.count(live).await, 0);
    // A day later; here the erasure is moved back instead of the clock forward.
    stack
        .sql()
        .await
        .batch_execute("UPDATE account_erasure SET erased_at = erased_at - interval '25 hours'")
        .await
        .unwrap();
    eventually("the erasure is looked at again", async || {
        ask(&stack.issuer.mint("ann", &[])).await.status == 200
    })
    .await;
    let new = ask(&stack.issuer.mint("ann", &[])).await;
    assert_ne!(new.body["accountId"], json!(ann));
    assert_eq!(stack.count(live).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_is_named_and_nothing_is_done() {
    let stack = Stack::start().await;
    let ann = named(&stack, "ann").await;
    stack.bound("tent-1", "ann").await;
    let label = stack.labelled("tent-2").await;
    assert_eq!(stack.bind("ann", &label).await.status, 202);
    let organization = stack.organization(ann).await;
    let path = format!("/api/v1/users/{ann}/erase");
    for answer in [
        erase(&stack, "ann", ann).await,
        stack
            .post(&path, &json!({"reason": "asked by letter"}))
            .await,
    ] {
        answer.is_problem(409, "erasure_blocked");
        assert_eq!(
            answer.wrong_fields(),
            ["devices", "claims", "organizations"]
        );
        assert!(answer.body.to_string().contains(&organization.to_string()));
    }
    let wrong = Uuid::from_u128(7);
    erase(&stack, "ann", wrong)
        .await
        .is_problem(409, "deletion_unconfirmed");
    stack
        .ask("ann", Method::DELETE, ME, &Value::Null)
        .await
        .is_problem(409, "deletion_unconfirmed");
    stack
        .ask("eve", Method::POST, &path, &json!({}))
        .await
        .is_problem(403, "forbidden");
    let me = stack.get(ME).await.body["accountId"].clone();
    let own = format!("/api/v1/users/{}/erase", me.as_str().unwrap());
    stack
        .post(&own, &json!({}))
        .await
        .is_problem(409, "own_account");
    let erased = "SELECT count(*) FROM account WHERE erased_at IS NOT NULL";
    assert_eq!(stack.count(erased).await, 0);

    // One after the other they get out of the way; the admin's erasure may be repeated.
    let unbind = "/api/v1/devices/tent-1/unbind";
    stack.ask("ann", Method::POST, unbind, &json!({})).await;
    let claim = "/api/v1/devices/tent-2/binding";
    stack.ask("ann", Method::DELETE, claim, &Value::Null).await;
    let bob = stack.account("bob").await;
    stack.join(organization, bob, "owner").await;
    for _ in 0..2 {
        let done = stack.post(&path, &json!({})).await;
        assert_eq!(done.status, 200, "{:?}", done.body);
        assert!(done.body["erasedAt"].is_string());
    }
    let audited = "SELECT count(*) FROM audit_entry WHERE action = 'account.erase' \
                   AND outcome = 'done'";
    assert_eq!(stack.count(audited).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_owners_who_go_at_once_leave_one_behind() {
    let stack = Stack::start().await;
    let (ann, bob) = (named(&stack, "ann").await, named(&stack, "bob").await);
    let organization = stack.organization(ann).await;
    stack.join(organization, bob, "owner").await;
    let both = join_all([erase(&stack, "ann", ann), erase(&stack, "bob", bob)]).await;
    let mut told: Vec<_> = both.iter().map(|answer| answer.status).collect();
    told.sort_unstable();
    assert_eq!(told, [204, 409]);
    let owners = "SELECT count(*) FROM organization_member WHERE role = 'owner'";
    assert_eq!(stack.count(owners).await, 1);
}
