//! `GET /api/v1/certificates/{fingerprint}` and `POST /api/v1/certificates/verify`.

use certs::{CaKind, Certificate, CheckedCsr, DeviceSpec, IssuingCa};
use reqwest::Method;
use schema::testing::MigratedDatabase;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::support::{Answer, Pki, Stack, csr, registration};

const VERIFY: &str = "/api/v1/certificates/verify";
const NOBODYS: &str =
    "/api/v1/certificates/0000000000000000000000000000000000000000000000000000000000000000";

/// A certificate that a device authority signed and nobody registered.
fn issued(pki: &Pki, id: &str, at: OffsetDateTime) -> String {
    let path = |name: &str| pki.folder.path(name);
    let (certificate, key) = (path("device-ca.pem"), path("device-ca.key"));
    let ca = IssuingCa::load(CaKind::Device, &certificate, &key).unwrap();
    let request = CheckedCsr::parse(csr::Key::new().request(id).as_bytes()).unwrap();
    let spec = DeviceSpec {
        device_id: id,
        days: 1,
        crl_url: None,
    };
    let made = ca.issue_device(&request, &spec, at, &mut rand::rng());
    made.unwrap().pem()
}

/// What an admin is told about a certificate: whether it is good, and the reasons why not.
async fn judged(stack: &Stack, pem: &str) -> (bool, Vec<String>) {
    verdict(&stack.post(VERIFY, &json!({"certificate": pem})).await)
}

fn verdict(answer: &Answer) -> (bool, Vec<String>) {
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let reasons = answer.body["reasons"].as_array().unwrap().iter();
    let codes = reasons.map(|reason| reason["code"].as_str().unwrap().to_owned());
    (answer.body["valid"].as_bool().unwrap(), codes.collect())
}

async fn by(stack: &Stack, who: &str, pem: &str) -> Answer {
    let body = json!({"certificate": pem});
    stack.ask(who, Method::POST, VERIFY, &body).await
}

fn path(made: &Value) -> String {
    let fingerprint = made["fingerprint"].as_str().unwrap();
    format!("/api/v1/certificates/{fingerprint}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_shown_to_whoever_sees_its_device() {
    let stack = Stack::start().await;
    stack.bound("tent-1", "ann").await;
    let list = stack.get("/api/v1/devices/tent-1/certificates").await.body;
    let path = path(&list["certificates"][0]);
    let shown = stack.get(&path).await;
    assert_eq!(shown.status, 200, "{:?}", shown.body);
    assert_eq!(shown.body["deviceId"], "tent-1");
    assert_eq!(shown.body["subject"], "CN=tent-1");
    assert_eq!(shown.body["status"], "active");
    assert_eq!(
        shown.body["alternativeNames"],
        json!(["urn:iot-hub:device:tent-1"])
    );
    let pem = shown.body["pem"].as_str().unwrap();
    let certificate = Certificate::read_first(pem.as_bytes()).unwrap();
    assert_eq!(
        certificate.fingerprint().to_string(),
        shown.body["fingerprint"]
    );
    let own = stack.ask("ann", Method::GET, &path, &Value::Null).await;
    assert_eq!(own.body, shown.body);
    let maker = stack.request(Method::GET, &path, &["manufacturer"]);
    assert_eq!(Answer::of(maker).await.body, shown.body);

    // To a stranger it is as if there was none.
    let there = stack.ask("eve", Method::GET, &path, &Value::Null).await;
    there.is_problem(404, "certificate_not_found");
    let nowhere = stack.ask("eve", Method::GET, NOBODYS, &Value::Null).await;
    nowhere.is_problem(404, "certificate_not_found");
    assert_eq!(there.body["detail"], nowhere.body["detail"]);
    stack
        .get("/api/v1/certificates/00")
        .await
        .is_problem(422, "invalid_request");

    let reason = json!({"reason": "keyCompromise"});
    stack.post(&format!("{path}/revoke"), &reason).await;
    let shown = stack.get(&path).await.body;
    assert_eq!(shown["status"], "revoked");
    assert_eq!(shown["revocationReason"], "keyCompromise");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_good_until_something_happens_to_it_or_its_device() {
    let stack = Stack::start().await;
    let mut body = registration("tent-1");
    let older = stack.register(&body).await.body;
    let pem = older["certificate"].as_str().unwrap();
    assert_eq!(judged(&stack, pem).await, (true, vec![]));
    body["renew"] = json!(true);
    let newer = stack.register(&body).await.body;
    assert_eq!(judged(&stack, pem).await, (true, vec![]), "two are active");

    stack
        .post(&format!("{}/retire", path(&older)), &json!({}))
        .await;
    let told = judged(&stack, pem).await;
    assert_eq!(told, (false, vec!["retired".into(), "replaced".into()]));
    stack
        .post(&format!("{}/revoke", path(&newer)), &json!({}))
        .await;
    let pem = newer["certificate"].as_str().unwrap();
    assert_eq!(judged(&stack, pem).await, (false, vec!["revoked".into()]));
    stack
        .post("/api/v1/devices/tent-1/suspend", &json!({}))
        .await;
    stack
        .post("/api/v1/devices/tent-1/revoke", &json!({}))
        .await;
    let told = judged(&stack, pem).await.1;
    assert_eq!(told, ["revoked", "device_suspended", "device_revoked"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_certificate_is_told_all_at_once() {
    let now = OffsetDateTime::now_utc();
    let database = MigratedDatabase::create().await.unwrap();
    let pki = Pki::at(now - Duration::days(30));
    let mut stack = Stack::start_in(pki, &database.api_url(), &[]).await;
    stack.database = Some(database);
    stack.until_ready().await;
    stack.registered("tent-1").await;
    let foreign = Pki::at(now - Duration::days(30));
    let old = now - Duration::days(10);
    let authority = std::fs::read_to_string(stack.pki.folder.path("device-ca.pem")).unwrap();
    for (what, pem, expected) in [
        (
            "ours, not registered",
            issued(&stack.pki, "tent-1", now),
            &["not_registered"][..],
        ),
        (
            "ours, over",
            issued(&stack.pki, "tent-1", old),
            &["expired", "not_registered"],
        ),
        (
            "ours, early",
            issued(&stack.pki, "tent-2", now + Duration::days(2)),
            &["not_yet_valid", "not_registered"],
        ),
        (
            "another's with our names",
            issued(&foreign, "tent-1", old),
            &["not_ours", "expired", "not_registered"],
        ),
        (
            "an authority",
            authority,
            &["not_ours", "wrong_usage", "not_registered"],
        ),
    ] {
        let (valid, reasons) = judged(&stack, &pem).await;
        assert!(!valid, "{what}");
        assert_eq!(reasons, expected, "{what}");
    }
}

/// Somebody who found a certificate learns nothing of another's device by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_told_the_same_of_a_foreign_device_and_of_one_that_never_was() {
    let stack = Stack::start().await;
    stack.bound("tent-1", "ann").await;
    let list = stack.get("/api/v1/devices/tent-1/certificates").await.body;
    let path = path(&list["certificates"][0]);
    let pem = stack.get(&path).await.body["pem"].clone();
    let pem = pem.as_str().unwrap();
    assert!(verdict(&by(&stack, "ann", pem).await).0);
    for verb in ["suspend", "revoke"] {
        let there = by(&stack, "eve", pem).await;
        assert_eq!(
            verdict(&there),
            (false, vec!["not_shown".into()]),
            "before {verb}"
        );
        assert!(there.body["deviceId"].is_null());
        stack
            .post(&format!("/api/v1/devices/tent-1/{verb}"), &json!({}))
            .await;
    }
    let never = issued(&stack.pki, "tent-9", OffsetDateTime::now_utc());
    for pem in [pem, &never] {
        let told = verdict(&by(&stack, "eve", pem).await);
        assert_eq!(told, (false, vec!["not_shown".into()]));
    }
    // To its owner one that was never registered for it is no secret.
    let other = issued(&stack.pki, "tent-1", OffsetDateTime::now_utc());
    let told = verdict(&by(&stack, "ann", &other).await);
    assert_eq!(told, (false, vec!["not_registered".into()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_certificate_or_too_long_is_refused_and_damage_never_breaks_the_service() {
    let stack = Stack::start().await;
    let good = stack.registered("tent-1").await["certificate"].clone();
    let good = good.as_str().unwrap();
    let key = std::fs::read_to_string(stack.pki.folder.path("device-ca.key")).unwrap();
    for bad in [
        json!(""),
        json!("tent-1"),
        json!(7),
        Value::Null,
        json!(key),
        json!(format!("{good}{good}")),
        json!(good.replace("MI", "MA")),
        json!("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"),
        json!("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        json!(format!("{good}{}", " \n".repeat(8192))),
    ] {
        let answer = stack.post(VERIFY, &json!({"certificate": bad})).await;
        answer.is_problem(422, "invalid_request");
        assert_eq!(answer.wrong_fields(), ["certificate"], "{bad}");
        assert!(!answer.body.to_string().contains("PRIVATE"), "{bad}");
    }
    let huge = json!({"certificate": "x".repeat(70_000)});
    stack
        .post(VERIFY, &huge)
        .await
        .is_problem(413, "body_too_large");
    // One wrong bit anywhere: it is judged or refused, and never good.
    let certificate = Certificate::read_first(good.as_bytes()).unwrap();
    for at in (0..certificate.der().len()).step_by(23) {
        let mut der = certificate.der().to_vec();
        der[at] ^= 1 << (at % 8);
        let pem = der::pem::encode_string("CERTIFICATE", der::pem::LineEnding::LF, &der).unwrap();
        let answer = stack.post(VERIFY, &json!({"certificate": pem})).await;
        assert!(
            matches!(answer.status, 200 | 422),
            "{at}: {:?}",
            answer.body
        );
        assert_ne!(answer.body["valid"], true, "{at}");
    }
}
