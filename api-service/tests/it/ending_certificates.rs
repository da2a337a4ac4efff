//! `GET /api/v1/devices/{id}/certificates`, `POST /api/v1/certificates/{fingerprint}/retire` and
//! `/revoke`.

use certs::{RevocationList, RevocationReason};
use serde_json::{Value, json};

use crate::support::{Stack, eventually, registration};

/// A device with two active certificates; the older one's fingerprint first.
async fn with_two(stack: &Stack) -> [String; 2] {
    let mut body = registration("tent-1");
    let older = stack.register(&body).await.body;
    body["renew"] = json!(true);
    let newer = stack.register(&body).await.body;
    [older, newer].map(|made| made["fingerprint"].as_str().unwrap().to_owned())
}

fn path(fingerprint: &str, verb: &str) -> String {
    format!("/api/v1/certificates/{fingerprint}/{verb}")
}

/// The same answer, but for how far the operation is by now.
#[track_caller]
fn same(first: &Value, again: &Value) {
    for name in [
        "deviceId",
        "certificate",
        "activeCertificates",
        "changeNumber",
        "operation",
    ] {
        assert_eq!(first[name], again[name], "{name}");
    }
}

async fn states(stack: &Stack) -> Vec<Value> {
    let page = stack.get("/api/v1/devices/tent-1/certificates").await.body;
    let certificates = page["certificates"].as_array().unwrap().iter();
    certificates.map(|each| each["state"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_devices_certificates_are_listed_newest_first_with_their_issuer() {
    let stack = Stack::start().await;
    let [older, newer] = with_two(&stack).await;
    let page = stack.get("/api/v1/devices/tent-1/certificates").await.body;
    let certificates = page["certificates"].as_array().unwrap();
    assert_eq!(certificates.len(), 2);
    assert_eq!(certificates[0]["fingerprint"], newer.as_str());
    assert_eq!(certificates[1]["fingerprint"], older.as_str());
    // The database reads the same out of the DER as the authority writes into it.
    let authority = stack.get("/api/v1/certificates/ca").await.body;
    for certificate in certificates {
        assert_eq!(certificate["issuer"], authority["issuer"]["keyIdentifier"]);
    }
    assert!(!page.to_string().contains("BEGIN"));
    stack
        .get("/api/v1/devices/nobody/certificates")
        .await
        .is_problem(404, "device_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn retiring_ends_the_session_of_that_certificate_alone() {
    let stack = Stack::start().await;
    let [older, newer] = with_two(&stack).await;
    let answer = stack.post(&path(&older, "retire"), &json!({})).await;
    assert_eq!(answer.status, 202, "{:?}", answer.body);
    assert_eq!(answer.body["deviceId"], "tent-1");
    assert_eq!(answer.body["certificate"]["state"], "retired");
    assert_eq!(answer.body["activeCertificates"], 1);
    assert_eq!(answer.body["changeNumber"], 4);
    assert_eq!(states(&stack).await, ["active", "retired"]);
    let sql = "SELECT kind, subject, payload ->> 'fingerprint' FROM outbox";
    let rows = stack.sql().await.query(sql, &[]).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].get::<_, &str>(0), "end_certificate_session");
    assert_eq!(rows[0].get::<_, &str>(1), "tent-1");
    assert_eq!(rows[0].get::<_, &str>(2), older);
    // The last one leaves a device that needs a renewal: legal, and told.
    let answer = stack.post(&path(&newer, "retire"), &json!({})).await;
    assert_eq!(answer.body["activeCertificates"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_one_certificate_lists_it_and_leaves_the_device() {
    let stack = Stack::start().await;
    let [older, newer] = with_two(&stack).await;
    // Any written form of the fingerprint will do.
    let plain = older.replace(':', "").to_lowercase();
    let answer = stack
        .post(&path(&plain, "revoke"), &json!({"reason": "keyCompromise"}))
        .await;
    assert_eq!(answer.status, 202, "{:?}", answer.body);
    assert_eq!(answer.body["certificate"]["state"], "revoked");
    assert_eq!(
        answer.body["certificate"]["revocationReason"],
        "keyCompromise"
    );
    let device = stack.get("/api/v1/devices/tent-1").await.body;
    assert_eq!(device["lifecycle"], "unbound");
    assert_eq!(device["certificates"][0]["fingerprint"], newer.as_str());
    assert_eq!(device["certificates"][0]["state"], "active");

    eventually("the list names it, and why", async || {
        let list = stack.http.get(stack.url("/crl/device.pem"));
        let list = list.send().await.unwrap().bytes().await.unwrap();
        let list = RevocationList::parse(&list).unwrap();
        let reasons: Vec<_> = list.entries().map(|entry| entry.reason).collect();
        reasons == [RevocationReason::KeyCompromise]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeating_changes_nothing_and_a_retired_one_may_still_be_revoked() {
    let stack = Stack::start().await;
    let [older, _] = with_two(&stack).await;
    let none = json!({});
    let retired = stack.post(&path(&older, "retire"), &none).await.body;
    let again = stack.post(&path(&older, "retire"), &none).await.body;
    same(&retired, &again);
    let revoked = stack.post(&path(&older, "revoke"), &none).await.body;
    assert_ne!(revoked["operation"], retired["operation"]);
    assert_eq!(revoked["changeNumber"], 5);
    let reason = json!({"reason": "superseded"});
    let again = stack.post(&path(&older, "revoke"), &reason).await.body;
    same(&revoked, &again);
    let first = &revoked["certificate"]["revocationReason"];
    assert_eq!(first, "unspecified", "a revocation keeps its first reason");
    assert_eq!(stack.count("SELECT count(*) FROM outbox").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn moves_that_cannot_be_are_refused_by_name() {
    let stack = Stack::start().await;
    let [older, newer] = with_two(&stack).await;
    let none = json!({});
    stack.post(&path(&older, "revoke"), &none).await;
    stack
        .post(&path(&older, "retire"), &none)
        .await
        .is_problem(409, "certificate_revoked");
    let unknown = "00".repeat(32);
    for verb in ["retire", "revoke"] {
        stack
            .post(&path(&unknown, verb), &none)
            .await
            .is_problem(404, "certificate_not_found");
        let answer = stack.post(&path("00", verb), &none).await;
        answer.is_problem(422, "invalid_request");
        assert_eq!(answer.wrong_fields(), ["fingerprint"]);
    }
    // With its device every certificate ends, without an operation of its own.
    stack.post("/api/v1/devices/tent-1/revoke", &none).await;
    let answer = stack.post(&path(&newer, "revoke"), &none).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.body["operation"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn reasons_are_those_of_a_device_and_retiring_takes_none() {
    let stack = Stack::start().await;
    let [older, _] = with_two(&stack).await;
    for (verb, body) in [
        ("retire", json!({"reason": "superseded"})),
        ("revoke", json!({"reason": "CACompromise"})),
        ("revoke", json!({"reason": "stolen"})),
    ] {
        let answer = stack.post(&path(&older, verb), &body).await;
        answer.is_problem(422, "invalid_request");
        assert_eq!(answer.wrong_fields(), ["reason"], "{verb}");
    }
    assert_eq!(states(&stack).await, ["active", "active"]);
}
