//! `Idempotency-Key` of every command that creates or sends.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Stack, eventually};

const ORGANIZATIONS: &str = "/api/v1/organizations";
const KEY: &str = "idempotency-key";

/// Somebody's POST with a key.
async fn send(stack: &Stack, who: &str, path: &str, key: &str, body: &Value) -> Answer {
    let token = stack.issuer.mint(who, &["admin", "manufacturer"]);
    let request = stack.http.post(stack.url(path)).bearer_auth(token);
    Answer::of(request.header(KEY, key).json(body)).await
}

fn is_replay(first: &Answer, again: &Answer) {
    assert!(
        !first.headers.contains_key("idempotency-replayed"),
        "{first:?}"
    );
    assert_eq!(again.headers["idempotency-replayed"], "true", "{again:?}");
    assert_eq!(first.status, again.status);
    for header in ["etag", "location"] {
        assert_eq!(first.headers.get(header), again.headers.get(header));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_that_creates_or_sends_counts_once_under_its_key() {
    let stack = Stack::start().await;
    let owner = stack.account("somebody").await;
    let organization = stack.organization(owner).await;
    let group = stack.group(organization, None, "there").await;
    stack.bound("tent-1", "somebody").await;
    let label = stack.labelled("tent-2").await;
    stack.registered("tent-3").await;
    stack.bound("tent-4", "somebody").await;
    let groups = format!("{ORGANIZATIONS}/{organization}/groups");
    let to = json!({"groupId": group});
    for (path, body, other, status) in [
        (
            ORGANIZATIONS,
            json!({"name": "o2"}),
            json!({"name": "o3"}),
            201,
        ),
        (
            groups.as_str(),
            json!({"name": "g2"}),
            json!({"name": "g3"}),
            201,
        ),
        (
            "/api/v1/devices/bind",
            json!({"qr": label}),
            json!({"qr": label, "groupId": group}),
            202,
        ),
        (
            "/api/v1/devices/tent-1/transfer",
            to.clone(),
            json!({"organizationId": organization}),
            200,
        ),
        (
            "/api/v1/devices/tent-4/release",
            json!({"reason": "gone"}),
            json!({"reason": "x"}),
            200,
        ),
        (
            "/api/v1/devices/tent-3/qr",
            json!({"qrType": "hash"}),
            json!({"qrType": "minimal"}),
            201,
        ),
        (
            "/api/v1/devices/tent-3/recovery",
            json!({"hours": 2}),
            json!({"hours": 3}),
            201,
        ),
        (
            "/api/v1/plans",
            json!({"plan": "grower", "title": "Grower", "devicesMax": 100}),
            json!({"plan": "grower", "title": "Grower", "devicesMax": 200}),
            201,
        ),
        (
            "/api/v1/devices/tent-3/suspend",
            json!({}),
            json!({"reason": "x"}),
            202,
        ),
        (
            "/api/v1/devices/tent-3/resume",
            json!({}),
            json!({"reason": "x"}),
            202,
        ),
        (
            "/api/v1/devices/tent-3/revoke",
            json!({}),
            json!({"reason": "superseded"}),
            202,
        ),
    ] {
        let first = send(&stack, "somebody", path, path, &body).await;
        assert_eq!(first.status, status, "{path} {:?}", first.body);
        let entries = "SELECT count(*) FROM audit_entry WHERE outcome = 'done'";
        let done = stack.count(entries).await;
        let again = send(&stack, "somebody", path, path, &body).await;
        is_replay(&first, &again);
        for (name, value) in first.body.as_object().unwrap() {
            // How far an operation is goes on.
            let goes_on = [
                "operationState",
                "timeline",
                "clusters",
                "durability",
                "lastError",
            ];
            assert!(
                goes_on.contains(&name.as_str()) || &again.body[name] == value,
                "{path} {name}"
            );
        }
        assert_eq!(stack.count(entries).await, done, "{path} was done again");
        send(&stack, "somebody", path, path, &other)
            .await
            .is_problem(422, "idempotency_key_reused");
    }
    assert_eq!(
        stack
            .count("SELECT count(*) FROM organization WHERE name = 'o2'")
            .await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_once_is_neither_kept_nor_told_again() {
    let stack = Stack::start().await;
    let owner = stack.account("somebody").await;
    let organization = stack.organization(owner).await;
    stack.bound("tent-1", "somebody").await;
    stack.registered("tent-2").await;
    let post = async |path: &str, body: Value| {
        let first = send(&stack, "somebody", path, path, &body).await;
        assert_eq!(first.status, 201, "{path} {:?}", first.body);
        assert_eq!(first.headers["cache-control"], "no-store, no-transform");
        let again = send(&stack, "somebody", path, path, &body).await;
        (first, again)
    };
    let path = format!("{ORGANIZATIONS}/{organization}/invitations");
    let body = json!({"role": "viewer", "email": "ann@example.com"});
    let (invited, again) = post(&path, body).await;
    is_replay(&invited, &again);
    assert_eq!(invited.body["invitationId"], again.body["invitationId"]);
    assert!(again.body.get("token").is_none() && again.body.get("email").is_none());

    let (offered, again) = post("/api/v1/devices/tent-1/offer", json!({})).await;
    is_replay(&offered, &again);
    assert_eq!(offered.body["expiresAt"], again.body["expiresAt"]);
    assert!(again.body.get("qr").is_none());

    let (made, again) = post("/api/v1/devices/tent-2/qr", json!({})).await;
    again.is_problem(409, "secret_told");

    let secret = |answer: &Value| {
        answer["payload"]["bindingToken"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for told in [
        invited.body["token"].as_str().unwrap().to_owned(),
        secret(&offered.body["qr"]),
        secret(&made.body),
        "ann@example.com".to_owned(),
    ] {
        let kept = format!(
            "SELECT count(*) FROM idempotency_key AS kept WHERE kept::text LIKE '%{told}%'"
        );
        assert_eq!(stack.count(&kept).await, 0, "{told} is kept");
    }
    assert_eq!(stack.count("SELECT count(*) FROM invitation").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_in_under_a_key_is_told_so_again_although_the_invitation_is_used() {
    let stack = Stack::start().await;
    let owner = stack.account("somebody").await;
    let organization = stack.organization(owner).await;
    let invitations = format!("{ORGANIZATIONS}/{organization}/invitations");
    let role = json!({"role": "viewer"});
    let made = send(&stack, "somebody", &invitations, "invite", &role).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let token = json!({"token": made.body["token"]});
    let accept = "/api/v1/invitations/accept";
    let first = send(&stack, "guest", accept, "accept", &token).await;
    assert_eq!(first.status, 200, "{:?}", first.body);
    let again = send(&stack, "guest", accept, "accept", &token).await;
    is_replay(&first, &again);
    assert_eq!(first.body, again.body);
    let late = send(&stack, "eve", accept, "accept", &token).await;
    assert_eq!(late.status, 404, "{:?}", late.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_account_is_never_seen() {
    let stack = Stack::start().await;
    let body = json!({"name": "mine"});
    let first = send(&stack, "ann", ORGANIZATIONS, "k", &body).await;
    let theirs = send(&stack, "bob", ORGANIZATIONS, "k", &body).await;
    assert_eq!((first.status, theirs.status), (201, 201));
    assert!(!theirs.headers.contains_key("idempotency-replayed"));
    assert_ne!(first.body["organizationId"], theirs.body["organizationId"]);
    let other = send(&stack, "bob", ORGANIZATIONS, "k2", &json!({"name": "x"})).await;
    assert_eq!(other.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_repetition_of_a_suspension_does_not_suspend_again() {
    let stack = Stack::start().await;
    stack.registered("tent-1").await;
    let suspend = "/api/v1/devices/tent-1/suspend";
    let first = send(&stack, "somebody", suspend, "s", &json!({})).await;
    assert_eq!(first.body["suspended"], true);
    let resumed = stack
        .post("/api/v1/devices/tent-1/resume", &json!({}))
        .await;
    assert_eq!(resumed.status, 202, "{:?}", resumed.body);
    let late = send(&stack, "somebody", suspend, "s", &json!({})).await;
    is_replay(&first, &late);
    assert_eq!(late.body["operation"], first.body["operation"]);
    assert_eq!(
        stack.get("/api/v1/devices/tent-1").await.body["suspended"],
        false
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_device_meanwhile_is_told_nothing_by_an_old_key() {
    let stack = Stack::start().await;
    stack.bound("tent-1", "ann").await;
    let suspend = async || {
        let token = stack.issuer.mint("ann", &[]);
        let request = stack.http.post(stack.url("/api/v1/devices/tent-1/suspend"));
        Answer::of(request.bearer_auth(token).header(KEY, "s")).await
    };
    assert_eq!(suspend().await.status, 202);
    let path = "/api/v1/devices/tent-1/release";
    assert_eq!(
        stack.post(path, &json!({"reason": "gone"})).await.status,
        200
    );
    suspend().await.is_problem(404, "device_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_request_is_sent_away_while_the_first_is_being_answered() {
    let stack = Stack::start().await;
    stack.account("somebody").await;
    let sql = stack.sql().await;
    // The first comes as far as its work and waits there.
    sql.batch_execute("BEGIN; LOCK TABLE organization IN SHARE MODE")
        .await
        .unwrap();
    let request = stack.request(Method::POST, ORGANIZATIONS, &["admin"]);
    let body = json!({"name": "o"});
    let first = tokio::spawn(Answer::of(request.header(KEY, "k").json(&body)));
    eventually("the first holds its key", async || {
        let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                       AND pid IN (SELECT pid FROM pg_locks WHERE NOT granted)";
        stack.count(held).await > 0
    })
    .await;
    let second = send(&stack, "somebody", ORGANIZATIONS, "k", &body).await;
    second.is_problem(409, "idempotency_key_in_work");
    assert_eq!(second.headers["retry-after"], "1");
    sql.batch_execute("COMMIT").await.unwrap();
    let first = first.await.unwrap();
    assert_eq!(first.status, 201, "{:?}", first.body);
    let third = send(&stack, "somebody", ORGANIZATIONS, "k", &body).await;
    is_replay(&first, &third);
    assert_eq!(first.body, third.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_uses_no_key_up() {
    let stack = Stack::start().await;
    let owner = stack.account("somebody").await;
    let organization = stack.organization(owner).await;
    let groups = format!("{ORGANIZATIONS}/{organization}/groups");
    let taken = stack.group(organization, None, "taken").await;
    send(&stack, "somebody", &groups, "k", &json!({"name": "taken"}))
        .await
        .is_problem(409, "group_name_taken");
    let sql = stack.sql().await;
    let free = "DELETE FROM device_group WHERE group_id = $1";
    sql.execute(free, &[&taken]).await.unwrap();
    let made = send(&stack, "somebody", &groups, "k", &json!({"name": "taken"})).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
}
