//! Claiming a device, from its label to its owner.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Stack, eventually, registration};

const UNBIND: &str = "/api/v1/devices/tent-1/unbind";
const BINDING: &str = "/api/v1/devices/tent-1/binding";

#[tokio::test(flavor = "multi_thread")]
async fn a_label_leads_to_an_owner_once_the_device_confirms() {
    let stack = Stack::start().await;
    let label = stack.labelled("tent-1").await;
    let claimed = stack.bind("ann", &label).await;
    assert_eq!(
        (claimed.status, &claimed.body["state"]),
        (202, &json!("pending"))
    );
    assert_eq!(
        stack.get("/api/v1/devices/tent-1").await.body["lifecycle"],
        "pending"
    );
    // Not hers yet.
    let seen = stack
        .ask("ann", Method::GET, "/api/v1/devices/tent-1", &Value::Null)
        .await;
    seen.is_problem(404, "device_not_found");

    assert_eq!(stack.confirm("tent-1").await.body["state"], "bound");
    let seen = stack
        .ask("ann", Method::GET, "/api/v1/devices/tent-1", &Value::Null)
        .await;
    assert_eq!(
        (seen.status, &seen.body["lifecycle"]),
        (200, &json!("bound"))
    );
    let list = stack
        .ask("ann", Method::GET, "/api/v1/devices", &Value::Null)
        .await;
    assert_eq!(list.body["devices"][0]["deviceId"], "tent-1");
    let told = stack
        .ask("ann", Method::GET, "/api/v1/notifications", &Value::Null)
        .await;
    assert_eq!(told.body["notifications"][0]["kind"], "device_bound");

    let stranger = stack
        .ask("bob", Method::GET, "/api/v1/devices/tent-1", &Value::Null)
        .await;
    stranger.is_problem(404, "device_not_found");
    stack
        .bind("bob", &label)
        .await
        .is_problem(409, "device_bound");
    let open = "SELECT count(*) FROM ownership WHERE ended_at IS NULL";
    assert_eq!(stack.count(open).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_claimants_one_has_the_claim_and_asking_twice_changes_nothing() {
    let stack = Stack::start().await;
    let label = stack.labelled("tent-1").await;
    let people: Vec<String> = (0..20).map(|n| format!("p{}", n % 4)).collect();
    let answers = join_all(people.iter().map(|who| stack.bind(who, &label))).await;
    let won: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 202)
        .collect();
    for answer in answers.iter().filter(|answer| answer.status != 202) {
        answer.is_problem(409, "device_pending");
    }
    // The winner asked five times and has one claim.
    assert_eq!(won.len(), 5);
    assert!(
        won.iter()
            .all(|answer| answer.body["bindingId"] == won[0].body["bindingId"])
    );
    assert_eq!(stack.count("SELECT count(*) FROM binding").await, 1);
    let sent = "SELECT count(*) FROM outbox WHERE kind = 'send_bind_command'";
    assert_eq!(stack.count(sent).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_the_device_is_answered_like_what_does_not_exist() {
    let stack = Stack::start().await;
    let label = stack.labelled("tent-1").await;
    let device = stack.get("/api/v1/devices/tent-1").await.body;
    let fingerprint = &device["certificates"][0]["fingerprint"];
    let mut other_secret = label.clone();
    other_secret["bindingToken"] = json!("A".repeat(43));
    let mut unknown = label.clone();
    unknown["deviceId"] = json!("tent-9");
    for wrong in [
        other_secret,
        unknown,
        // With a claim secret, what anybody may have seen counts no more.
        json!({"deviceId": "tent-1", "fingerprint": fingerprint, "v": 1}),
    ] {
        stack
            .bind("ann", &wrong)
            .await
            .is_problem(404, "label_not_found");
    }
    stack
        .bind("ann", &json!({"deviceId": "tent-1"}))
        .await
        .is_problem(422, "invalid_request");
    let secrets =
        "SELECT count(*) FROM device_claim WHERE secret_hash = sha256(convert_to($$X$$, 'UTF8'))";
    let token = label["bindingToken"].as_str().unwrap();
    assert_eq!(
        stack
            .count(&secrets.replace("$$X$$", &format!("'{token}'")))
            .await,
        1
    );
    assert_eq!(stack.bind("ann", &label).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_without_a_secret_binds_by_the_certificate_it_names() {
    let stack = Stack::start().await;
    for (id, form) in [("tent-1", "minimal"), ("tent-2", "hash")] {
        let mut body = registration(id);
        body["qrType"] = json!(form);
        let made = stack.register(&body).await;
        let text = made.body["qr"]["text"].clone();
        let answer = stack
            .ask(
                "ann",
                Method::POST,
                "/api/v1/devices/bind-qr",
                &json!({"qrData": text}),
            )
            .await;
        assert_eq!(answer.status, 202, "{:?}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_ten_wrong_labels_no_more_are_looked_at() {
    let stack = Stack::start().await;
    let label = stack.labelled("tent-1").await;
    let mut wrong = label.clone();
    wrong["bindingToken"] = json!("A".repeat(43));
    for _ in 0..10 {
        stack
            .bind("eve", &wrong)
            .await
            .is_problem(404, "label_not_found");
    }
    stack
        .bind("eve", &label)
        .await
        .is_problem(429, "too_many_guesses");
    assert_eq!(stack.bind("ann", &label).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_nobody_confirms_expires_and_its_claimant_is_told() {
    let stack = Stack::start().await;
    let label = stack.labelled("tent-1").await;
    assert_eq!(stack.bind("ann", &label).await.status, 202);
    let late = "UPDATE binding SET created_at = now() - interval '1 hour',
                       expires_at = now() - interval '1 minute'";
    stack.sql().await.execute(late, &[]).await.unwrap();
    eventually("the claim has expired", async || {
        let answer = stack.ask("ann", Method::GET, BINDING, &Value::Null).await;
        answer.body["state"] == "expired"
    })
    .await;
    let told = stack
        .ask(
            "ann",
            Method::GET,
            "/api/v1/notifications?unread=true",
            &Value::Null,
        )
        .await;
    assert_eq!(
        told.body["notifications"][0]["kind"],
        "device_claim_expired"
    );
    let id = &told.body["notifications"][0]["id"];
    let read = format!("/api/v1/notifications/{id}/read");
    assert_eq!(
        stack
            .ask("ann", Method::POST, &read, &Value::Null)
            .await
            .status,
        200
    );
    stack
        .ask("bob", Method::POST, &read, &Value::Null)
        .await
        .is_problem(404, "notification_not_found");
    stack
        .confirm("tent-1")
        .await
        .is_problem(409, "device_not_pending");
    let waiting =
        "SELECT count(*) FROM outbox WHERE kind = 'send_bind_command' AND state = 'pending'";
    assert_eq!(stack.count(waiting).await, 0);
    // The same label may try again.
    assert_eq!(stack.bind("bob", &label).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_its_claimant_sees_and_cancels_a_claim() {
    let stack = Stack::start().await;
    let label = stack.labelled("tent-1").await;
    assert_eq!(stack.bind("ann", &label).await.status, 202);
    for method in [Method::GET, Method::DELETE] {
        let answer = stack.ask("bob", method, BINDING, &Value::Null).await;
        answer.is_problem(404, "binding_not_found");
    }
    assert_eq!(
        stack
            .ask("ann", Method::DELETE, BINDING, &Value::Null)
            .await
            .status,
        204
    );
    let again = stack
        .ask("ann", Method::DELETE, BINDING, &Value::Null)
        .await;
    again.is_problem(404, "binding_not_found");
    assert_eq!(stack.bind("bob", &label).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unbound_device_needs_another_label_and_forgets_its_owner() {
    let stack = Stack::start().await;
    let label = stack.bound("tent-1", "ann").await;
    let named = json!({"name": "Greenhouse", "metadata": {"room": 1}});
    let path = "/api/v1/devices/tent-1";
    let answer = stack.ask("ann", Method::PATCH, path, &named).await;
    assert_eq!(
        (answer.status, &answer.body["name"]),
        (200, &json!("Greenhouse"))
    );
    stack
        .ask("bob", Method::POST, UNBIND, &Value::Null)
        .await
        .is_problem(404, "device_not_found");
    let freed = stack.ask("ann", Method::POST, UNBIND, &Value::Null).await;
    assert_eq!(
        (freed.status, &freed.body["lifecycle"]),
        (200, &json!("unbound"))
    );
    let ended = "SELECT count(*) FROM outbox WHERE kind = 'end_account_sessions'";
    assert_eq!(stack.count(ended).await, 1);
    stack
        .ask("ann", Method::POST, UNBIND, &Value::Null)
        .await
        .is_problem(404, "device_not_found");
    stack
        .bind("bob", &label)
        .await
        .is_problem(409, "label_used");
    let made = stack.post("/api/v1/devices/tent-1/qr", &json!({})).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    assert_eq!(stack.bind("bob", &made.body["payload"]).await.status, 202);
    assert_eq!(stack.confirm("tent-1").await.status, 200);
    let seen = stack.ask("bob", Method::GET, path, &Value::Null).await;
    assert!(seen.body["name"].is_null() && seen.body["metadata"] == json!({}));
    // Ann's time is not Bob's to read.
    let history = stack
        .ask(
            "bob",
            Method::GET,
            "/api/v1/devices/tent-1/history",
            &Value::Null,
        )
        .await;
    assert_eq!(history.body["entries"], json!([]), "{:?}", history.body);
    let all = stack.get("/api/v1/devices/tent-1/history").await;
    assert!(
        all.body["entries"].as_array().unwrap().len() >= 5,
        "{:?}",
        all.body
    );
}
