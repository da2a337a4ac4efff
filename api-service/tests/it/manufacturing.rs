//! `POST /api/v1/manufacturing/devices`.

use certs::{Certificate, CheckedCsr};
use reqwest::Method;
use serde_json::json;

use crate::support::csr::Key;
use crate::support::{Answer, REGISTER, Stack, eventually, registration};

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_device_gets_a_certificate_that_its_authority_issued() {
    let stack = Stack::start_with(&[("API_CRL_BASE_URL", "http://api.example.com")]).await;
    let body = registration("tent-1");
    let answer = stack.register(&body).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    assert_eq!(answer.headers["cache-control"], "no-store, no-transform");

    let text = |name: &str| answer.body[name].as_str().unwrap().to_owned();
    let certificate = Certificate::read_first(text("certificate").as_bytes()).unwrap();
    let chain = Certificate::read_all(text("chain").as_bytes()).unwrap();
    assert_eq!(chain.len(), 2, "the device authority and the root");
    assert!(certificate.is_issued_by(&chain[0]) && chain[0].is_issued_by(&chain[1]));
    assert_eq!(certificate.common_name().as_deref(), Some("tent-1"));
    let csr = CheckedCsr::parse(body["csr"].as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(&certificate.public_key().unwrap(), csr.public_key());

    assert_eq!(text("fingerprint"), certificate.fingerprint().to_string());
    assert_eq!(text("serial"), certificate.serial().to_string());
    let days = (certificate.not_after() - time::OffsetDateTime::now_utc()).whole_days();
    assert!((364..=365).contains(&days), "{days}");
    let payload = json!({"deviceId": "tent-1", "fingerprint": text("fingerprint"), "v": 1});
    assert_eq!(answer.body["qr"]["payload"], payload);
    let encoded: serde_json::Value =
        serde_json::from_str(answer.body["qr"]["text"].as_str().unwrap()).unwrap();
    assert_eq!(encoded, payload);
    assert!(answer.body["qr"]["svg"].as_str().unwrap().contains("<svg"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_a_signing_request_is_not_taken_over() {
    let stack = Stack::start().await;
    let mut body = registration("tent-1");
    body["csr"] = json!(Key::new().request("victim"));
    let answer = stack.register(&body).await;
    let pem = answer.body["certificate"].as_str().unwrap();
    let certificate = Certificate::read_first(pem.as_bytes()).unwrap();
    assert_eq!(certificate.subject(), "CN=tent-1");
    assert_eq!(
        certificate.alternative_names(),
        ["urn:iot-hub:device:tent-1"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_is_told_at_once() {
    let stack = Stack::start().await;
    let body = json!({
        "deviceId": "a/b", "model": "", "firmwareVersion": 7, "csr": "-----BEGIN", "renew": "yes",
        "publicKey": "x", "isAdmin": true,
    });
    let answer = stack.register(&body).await;
    answer.is_problem(422, "invalid_request");
    let mut fields = answer.wrong_fields();
    fields.sort();
    let expected = [
        "csr",
        "deviceId",
        "firmwareVersion",
        "isAdmin",
        "model",
        "publicKey",
        "renew",
    ];
    assert_eq!(fields, expected);

    let answer = stack.register(&json!({})).await;
    answer.is_problem(422, "invalid_request");
    assert_eq!(answer.wrong_fields(), ["deviceId", "model", "csr"]);
    assert_eq!(stack.count("SELECT count(*) FROM device").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn reserved_and_malformed_ids_are_refused() {
    let stack = Stack::start().await;
    let long = "x".repeat(65);
    for id in [
        "emqx",
        "LOCALHOST",
        "telemetry",
        "svc.gateway.1",
        "a+",
        "",
        long.as_str(),
    ] {
        let mut body = registration("x");
        body["deviceId"] = json!(id);
        let answer = stack.register(&body).await;
        answer.is_problem(422, "invalid_request");
        assert_eq!(answer.wrong_fields(), ["deviceId"], "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_request_for_a_known_device_is_refused_unless_it_is_a_renewal() {
    let stack = Stack::start().await;
    let key = Key::new();
    let body = |csr: String, renew: bool| json!({"deviceId": "tent-1", "model": "m", "csr": csr, "renew": renew});
    stack
        .register(&body(key.request("x"), true))
        .await
        .is_problem(404, "device_not_found");
    assert_eq!(
        stack.register(&body(key.request("x"), false)).await.status,
        201
    );
    stack
        .register(&body(key.request("x"), false))
        .await
        .is_problem(409, "device_exists");
    stack
        .register(&body(Key::new().request("x"), false))
        .await
        .is_problem(409, "device_exists");
    assert_eq!(
        stack.register(&body(key.request("x"), true)).await.status,
        201
    );

    let mut other_model = body(key.request("x"), true);
    other_model["model"] = json!("n");
    stack
        .register(&other_model)
        .await
        .is_problem(409, "model_mismatch");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_admin_gives_a_device_another_key() {
    let stack = Stack::start().await;
    stack.registered("tent-1").await;
    let mut body = registration("tent-1");
    body["renew"] = json!(true);
    stack
        .register(&body)
        .await
        .is_problem(403, "key_change_forbidden");
    let answer = stack.post(REGISTER, &body).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    // From now on the new key is the device's.
    assert_eq!(stack.register(&body).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_certificates_stay_active_at_renewal() {
    let stack = Stack::start().await;
    let mut body = registration("tent-1");
    let mut fingerprints = Vec::new();
    for _ in 0..4 {
        let answer = stack.register(&body).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        fingerprints.insert(0, answer.body["fingerprint"].clone());
        body["renew"] = json!(true);
    }
    let device = stack.get("/api/v1/devices/tent-1").await.body;
    let certificates = device["certificates"].as_array().unwrap();
    let of = |name: &str| {
        certificates
            .iter()
            .map(|c| c[name].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("fingerprint"), fingerprints);
    assert_eq!(of("state"), ["active", "active", "retired", "retired"]);
    assert!(certificates[3]["endedAt"].is_string() && certificates[0]["endedAt"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_and_request_get_the_same_answer_once() {
    let stack = Stack::start().await;
    let send = async |body: &serde_json::Value, key: &str| {
        let request = stack.request(Method::POST, REGISTER, &["manufacturer"]);
        Answer::of(request.header("idempotency-key", key).json(body)).await
    };
    let body = registration("tent-1");
    let first = send(&body, "k-1").await;
    assert_eq!(first.status, 201, "{:?}", first.body);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let again = send(&body, "k-1").await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(stack.count("SELECT count(*) FROM certificate").await, 1);

    let mut other = body.clone();
    other["model"] = json!("another");
    send(&other, "k-1")
        .await
        .is_problem(422, "idempotency_key_reused");
    send(&body, "k-2").await.is_problem(409, "device_exists");
    // A refusal does not use a key up.
    send(&registration("tent-2"), "k-2").await;
    assert_eq!(stack.count("SELECT count(*) FROM device").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_with_the_same_key_is_another_request() {
    let stack = Stack::start().await;
    for (account, id) in [("line-1", "tent-1"), ("line-2", "tent-2")] {
        let token = stack.issuer.mint(account, &["manufacturer"]);
        let request = stack.http.post(stack.url(REGISTER)).bearer_auth(token);
        let request = request
            .header("idempotency-key", "same")
            .json(&registration(id));
        assert_eq!(Answer::of(request).await.status, 201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_odd_idempotency_key_is_refused() {
    let stack = Stack::start().await;
    let long = "k".repeat(129);
    for key in ["", "a b", long.as_str()] {
        let request = stack.request(Method::POST, REGISTER, &["manufacturer"]);
        let request = request
            .header("idempotency-key", key)
            .json(&registration("tent-1"));
        let answer = Answer::of(request).await;
        answer.is_problem(422, "invalid_request");
        assert_eq!(answer.wrong_fields(), ["Idempotency-Key"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_registrations_of_one_id_exactly_one_wins() {
    let stack = Stack::start().await;
    let bodies: Vec<_> = (0..20).map(|_| registration("tent-1")).collect();
    let answers = futures::future::join_all(bodies.iter().map(|body| stack.register(body))).await;
    let won = answers.iter().filter(|answer| answer.status == 201).count();
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.is_problem(409, "device_exists");
    }
    assert_eq!(won, 1);
    assert_eq!(stack.count("SELECT count(*) FROM certificate").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_requests_with_one_key_one_works_and_none_gets_another_answer() {
    let stack = Stack::start().await;
    let body = registration("tent-1");
    let send = async || {
        let request = stack.request(Method::POST, REGISTER, &["manufacturer"]);
        Answer::of(request.header("idempotency-key", "k").json(&body)).await
    };
    let answers = futures::future::join_all((0..20).map(|_| send())).await;
    let after = send().await;
    assert_eq!(after.headers["idempotency-replayed"], "true");
    for answer in &answers {
        if answer.status == 201 {
            assert_eq!(answer.body, after.body);
        } else {
            answer.is_problem(409, "idempotency_key_in_work");
            assert_eq!(answer.headers["retry-after"], "1");
        }
    }
    assert_eq!(stack.count("SELECT count(*) FROM certificate").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_takes_one_number_of_the_change_log() {
    let stack = Stack::start().await;
    stack.registered("tent-1").await;
    let before = stack.count("SELECT count(*) FROM change").await;
    stack.registered("tent-2").await;
    assert_eq!(stack.count("SELECT count(*) FROM change").await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_is_forgotten_after_a_day() {
    let database = schema::testing::MigratedDatabase::create().await.unwrap();
    let (sql, connection) = tokio_postgres::connect(&database.url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let insert = "INSERT INTO idempotency_key (account, key, request_hash, created_at)
                  VALUES ('a', $1, sha256('x'), now() - $2::float8 * interval '1 hour')";
    for (key, hours) in [("old", 25.0), ("young", 23.0)] {
        sql.execute(insert, &[&key, &hours]).await.unwrap();
    }
    let stack = Stack::start_at(&database.api_url(), &[]).await;
    stack.until_ready().await;
    let left = "SELECT string_agg(key, ',') FROM idempotency_key";
    eventually("the old key is gone", async || {
        sql.query_one(left, &[]).await.unwrap().get::<_, &str>(0) == "young"
    })
    .await;
}
