//! A device changes hands, and what its owner may do with it.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{REGISTER, Stack, eventually, registration};

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_hands_a_device_to_whoever_shows_it_once() {
    let stack = Stack::start().await;
    stack.bound("tent-1", "ann").await;
    let path = "/api/v1/devices/tent-1/offer";
    stack
        .ask("bob", Method::POST, path, &Value::Null)
        .await
        .is_problem(404, "device_not_found");
    let offer = stack
        .ask("ann", Method::POST, path, &json!({"minutes": 5}))
        .await;
    assert_eq!(offer.status, 201, "{:?}", offer.body);
    let label = &offer.body["qr"]["payload"];
    stack
        .bind("ann", label)
        .await
        .is_problem(409, "device_bound");
    let takers = join_all(["bob", "cid"].map(|who| stack.bind(who, label))).await;
    let taken = takers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(taken, 1);
    for late in takers.iter().filter(|answer| answer.status != 200) {
        late.is_problem(409, "device_bound");
    }
    let gone = stack
        .ask("ann", Method::GET, "/api/v1/devices/tent-1", &Value::Null)
        .await;
    gone.is_problem(404, "device_not_found");
    let told = stack
        .ask("ann", Method::GET, "/api/v1/notifications", &Value::Null)
        .await;
    assert_eq!(told.body["notifications"][0]["kind"], "device_offer_taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_offer_is_worth_nothing() {
    let stack = Stack::start().await;
    stack.bound("tent-1", "ann").await;
    let path = "/api/v1/devices/tent-1/offer";
    let offer = stack.ask("ann", Method::POST, path, &Value::Null).await;
    assert_eq!(
        stack
            .ask("ann", Method::DELETE, path, &Value::Null)
            .await
            .status,
        204
    );
    stack
        .ask("ann", Method::DELETE, path, &Value::Null)
        .await
        .is_problem(404, "offer_not_found");
    let label = &offer.body["qr"]["payload"];
    stack
        .bind("bob", label)
        .await
        .is_problem(409, "device_bound");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_moves_within_its_organization_and_out_of_sight_of_others() {
    let stack = Stack::start().await;
    stack.bound("tent-1", "ann").await;
    let (ann, bob) = (stack.account("ann").await, stack.account("bob").await);
    let organization = stack.organization(ann).await;
    let (east, west) = (
        stack.group(organization, None, "east").await,
        stack.group(organization, None, "west").await,
    );
    let path = "/api/v1/devices/tent-1/transfer";
    let foreign = stack.organization(bob).await;
    let answer = stack
        .ask(
            "ann",
            Method::POST,
            path,
            &json!({"organizationId": foreign}),
        )
        .await;
    answer.is_problem(404, "organization_not_found");
    let answer = stack
        .ask(
            "ann",
            Method::POST,
            path,
            &json!({"organizationId": foreign, "groupId": east}),
        )
        .await;
    answer.is_problem(422, "invalid_request");
    let answer = stack
        .ask("ann", Method::POST, path, &json!({"groupId": east}))
        .await;
    assert_eq!(
        answer.body["owner"]["groupId"],
        east.to_string(),
        "{:?}",
        answer.body
    );
    let sql = stack.sql().await;
    let join = "INSERT INTO group_member (group_id, account_id, role) VALUES ($1, $2, 'admin')";
    sql.execute(join, &[&east, &bob]).await.unwrap();
    let list = stack
        .ask("bob", Method::GET, "/api/v1/devices", &Value::Null)
        .await;
    assert_eq!(
        list.body["devices"].as_array().unwrap().len(),
        1,
        "{:?}",
        list.body
    );
    // He manages the group it is in, and not the one it would go to.
    let answer = stack
        .ask("bob", Method::POST, path, &json!({"groupId": west}))
        .await;
    answer.is_problem(404, "group_not_found");
    let answer = stack
        .ask("ann", Method::POST, path, &json!({"groupId": west}))
        .await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let gone = stack
        .ask("bob", Method::GET, "/api/v1/devices/tent-1", &Value::Null)
        .await;
    gone.is_problem(404, "device_not_found");
    let lost = format!(
        "SELECT count(*) FROM outbox WHERE kind = 'end_account_sessions' AND subject = '{bob}'"
    );
    assert_eq!(stack.count(&lost).await, 1);
    let below = format!("/api/v1/groups/{west}/devices");
    let list = stack.ask("ann", Method::GET, &below, &Value::Null).await;
    assert_eq!(list.body["devices"][0]["deviceId"], "tent-1");
    stack
        .ask("bob", Method::GET, &below, &Value::Null)
        .await
        .is_problem(404, "group_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_for_an_organization_takes_the_right_to_it_until_the_end() {
    let stack = Stack::start().await;
    let (ann, bob) = (stack.account("ann").await, stack.account("bob").await);
    let organization = stack.organization(ann).await;
    stack.join(organization, bob, "member").await;
    let label = stack.labelled("tent-1").await;
    let body = json!({"qr": label, "organizationId": organization});
    let path = "/api/v1/devices/bind";
    stack
        .ask("bob", Method::POST, path, &body)
        .await
        .is_problem(403, "forbidden");
    stack
        .ask("eve", Method::POST, path, &body)
        .await
        .is_problem(404, "organization_not_found");
    let sql = stack.sql().await;
    sql.execute(
        "UPDATE organization_member SET role = 'admin' WHERE account_id = $1",
        &[&bob],
    )
    .await
    .unwrap();
    assert_eq!(
        stack.ask("bob", Method::POST, path, &body).await.status,
        202
    );
    // He is put out while the device thinks.
    sql.execute(
        "DELETE FROM organization_member WHERE account_id = $1",
        &[&bob],
    )
    .await
    .unwrap();
    assert_eq!(stack.confirm("tent-1").await.body["state"], "refused");
    assert_eq!(
        stack.get("/api/v1/devices/tent-1").await.body["lifecycle"],
        "unbound"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_frees_a_device_and_its_owner_is_told() {
    let stack = Stack::start().await;
    stack.bound("tent-1", "ann").await;
    let path = "/api/v1/devices/tent-1/release";
    let body = json!({"reason": "owner left"});
    stack
        .ask("ann", Method::POST, path, &body)
        .await
        .is_problem(403, "forbidden");
    stack
        .post(path, &json!({}))
        .await
        .is_problem(422, "invalid_request");
    assert_eq!(stack.post(path, &body).await.body["lifecycle"], "unbound");
    stack
        .post(path, &body)
        .await
        .is_problem(409, "device_not_bound");
    let told = stack
        .ask("ann", Method::GET, "/api/v1/notifications", &Value::Null)
        .await;
    assert_eq!(told.body["notifications"][0]["kind"], "device_released");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_suspends_and_resumes_but_not_what_an_administrator_suspended() {
    let stack = Stack::start().await;
    stack.bound("tent-1", "ann").await;
    let (suspend, resume) = (
        "/api/v1/devices/tent-1/suspend",
        "/api/v1/devices/tent-1/resume",
    );
    assert_eq!(
        stack
            .ask("ann", Method::POST, suspend, &Value::Null)
            .await
            .status,
        202
    );
    assert_eq!(
        stack
            .ask("ann", Method::POST, resume, &Value::Null)
            .await
            .status,
        202
    );
    stack
        .ask("bob", Method::POST, suspend, &Value::Null)
        .await
        .is_problem(404, "device_not_found");
    assert_eq!(stack.post(suspend, &json!({})).await.status, 202);
    stack
        .ask("ann", Method::POST, resume, &Value::Null)
        .await
        .is_problem(403, "forbidden");
    assert_eq!(stack.post(resume, &json!({})).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_changed_only_by_who_knows_the_newest() {
    let stack = Stack::start().await;
    stack.bound("tent-1", "ann").await;
    let path = "/api/v1/devices/tent-1";
    let named = |tag: &str, name: Value| {
        let token = stack.issuer.mint("ann", &[]);
        let request = stack
            .http
            .request(Method::PATCH, stack.url(path))
            .bearer_auth(token);
        crate::support::Answer::of(
            request
                .header("if-match", tag)
                .json(&json!({ "name": name })),
        )
    };
    let first = named("*", json!("one")).await;
    let tag = first.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(named(&tag, json!("two")).await.body["name"], "two");
    named(&tag, json!("three"))
        .await
        .is_problem(412, "version_mismatch");
    assert!(named("*", Value::Null).await.body["name"].is_null());
    named("*", json!(""))
        .await
        .is_problem(422, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bind_command_that_nobody_carries_out_holds_up_no_revocation() {
    let stack = Stack::start().await;
    let label = stack.labelled("tent-1").await;
    assert_eq!(stack.bind("ann", &label).await.status, 202);
    let revoked = stack
        .post("/api/v1/devices/tent-1/revoke", &json!({}))
        .await;
    assert_eq!(revoked.status, 202);
    // Without a broker it is tried and fails, which it would not if it waited.
    eventually("the end of its sessions is tried", async || {
        let tried =
            "SELECT count(*) FROM outbox WHERE kind = 'end_device_sessions' AND attempts > 0";
        stack.count(tried).await == 1
    })
    .await;
    stack
        .confirm("tent-1")
        .await
        .is_problem(409, "device_revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_registration_tells_no_secret_again() {
    let stack = Stack::start().await;
    let mut body = registration("tent-1");
    body["qrType"] = json!("token");
    let send = async || {
        let request = stack.request(Method::POST, REGISTER, &["manufacturer"]);
        crate::support::Answer::of(request.header("idempotency-key", "k").json(&body)).await
    };
    let (first, again) = (send().await, send().await);
    assert!(first.body["qr"].is_object() && again.body["qr"].is_null());
    assert_eq!(first.body["certificate"], again.body["certificate"]);
    let token = first.body["qr"]["payload"]["bindingToken"]
        .as_str()
        .unwrap();
    let kept =
        format!("SELECT count(*) FROM idempotency_key WHERE response_body::text LIKE '%{token}%'");
    assert_eq!(stack.count(&kept).await, 0);
}
