//! Refused commands in the audit.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Stack, eventually};

/// The refusals in the audit, newest first.
async fn refusals(stack: &Stack) -> Vec<Value> {
    let page = stack.get("/api/v1/audit?outcome=refused&limit=200").await;
    page.body["entries"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_command_leaves_who_what_on_what_and_why_and_nothing_of_its_body() {
    let stack = Stack::start().await;
    let ann = stack.account("ann").await.to_string();
    stack.bound("tent-1", "bob").await;
    let token = stack.issuer.mint("ann", &[]);
    let url = stack.url("/api/v1/devices/tent-1/suspend");
    let request = stack.http.post(url).bearer_auth(token);
    let request = request
        .header("user-agent", "probe/1")
        .header("x-request-id", "request-1");
    let body = json!({"reason": "s3cret-word"});
    Answer::of(request.json(&body))
        .await
        .is_problem(404, "device_not_found");

    let entry = &refusals(&stack).await[0];
    assert_eq!(entry["action"], "POST /api/v1/devices/{id}/suspend");
    assert_eq!(entry["actor"], json!({"kind": "account", "accountId": ann}));
    assert_eq!(entry["subject"], json!({"kind": "device", "id": "tent-1"}));
    assert_eq!(entry["code"], "device_not_found");
    assert_eq!(entry["requestId"], "request-1");
    let sql = "SELECT count(*) FROM audit_personal AS p JOIN audit_entry AS e USING (entry_id)
                WHERE e.outcome = 'refused' AND p.fields = jsonb_build_object(
                      'address', '127.0.0.1', 'userAgent', 'probe/1')";
    assert_eq!(stack.count(sql).await, 1);
    let told = "SELECT count(*) FROM audit_entry AS e WHERE e::text LIKE '%s3cret-word%'";
    assert_eq!(stack.count(told).await, 0);

    // Whoever owns the device is not told of people who do not even see it.
    let history = stack
        .ask(
            "bob",
            Method::GET,
            "/api/v1/devices/tent-1/history",
            &Value::Null,
        )
        .await;
    let entries = history.body["entries"].as_array().unwrap();
    assert!(
        entries.iter().all(|entry| entry["outcome"] == "done"),
        "{entries:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_refusal_is_entered_and_reading_is_not() {
    let stack = Stack::start().await;
    stack.account("ann").await;
    let organization = uuid::Uuid::now_v7();
    let member = uuid::Uuid::now_v7();
    let put = format!("/api/v1/organizations/{organization}/members/{member}");
    for (method, path, body, code) in [
        (
            Method::POST,
            "/api/v1/revocations",
            json!({"model": "x"}),
            "forbidden",
        ),
        (
            Method::POST,
            "/api/v1/devices/bind",
            json!({}),
            "invalid_request",
        ),
        (
            Method::PUT,
            put.as_str(),
            json!({"role": "admin"}),
            "organization_not_found",
        ),
        (
            Method::DELETE,
            "/api/v1/devices/a%0Ab/offer",
            Value::Null,
            "invalid_request",
        ),
        (
            Method::POST,
            "/api/v1/organizations",
            Value::Null,
            "media_type_unsupported",
        ),
    ] {
        let answer = stack.ask("ann", method.clone(), path, &body).await;
        assert_eq!(answer.body["code"], code, "{path}");
        let entry = &refusals(&stack).await[0];
        assert_eq!(entry["code"], code, "{path}");
        assert!(
            entry["action"]
                .as_str()
                .unwrap()
                .starts_with(method.as_str())
        );
    }
    let known = refusals(&stack).await;
    assert_eq!(known.len(), 5);
    assert_eq!(known[1]["subject"]["id"], "(odd)");
    let names = json!({"id": organization.to_string(), "accountId": member.to_string()});
    assert_eq!(known[2]["after"]["path"], names);
    for path in ["/api/v1/audit", "/api/v1/devices/nobodys", "/api/v1/users"] {
        let answer = stack.ask("ann", Method::GET, path, &Value::Null).await;
        assert!(matches!(answer.status, 403 | 404), "{path}");
    }
    assert_eq!(refusals(&stack).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_share_a_few_entries_and_are_counted() {
    let stack = Stack::start().await;
    let url = stack.url("/api/v1/devices/tent-1/revoke");
    for _ in 0..30 {
        Answer::of(stack.http.post(&url))
            .await
            .is_problem(401, "token_missing");
    }
    let entries = refusals(&stack).await;
    assert!((6..30).contains(&entries.len()), "{}", entries.len());
    assert_eq!(entries[0]["actor"], json!({"kind": "stranger"}));
    assert_eq!(
        entries[0]["subject"],
        json!({"kind": "device", "id": "tent-1"})
    );
    assert_eq!(entries[0]["code"], "token_missing");
    assert!(entries[0]["after"]["leftOutBefore"].is_u64());
    let counted = async |outcome: &str| {
        let name = "api_audit_refusals_total";
        let line = format!(r#"{name}{{caller="stranger",outcome="{outcome}"}} "#);
        let metrics = stack.metrics().await;
        let line = metrics.lines().find_map(|text| text.strip_prefix(&line));
        line.unwrap().parse::<usize>().unwrap()
    };
    assert_eq!(counted("entered").await, entries.len());
    assert_eq!(counted("entered").await + counted("left_out").await, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_account_fills_no_audit_and_takes_no_room_from_another() {
    let stack = Stack::start().await;
    let refuse = async |who: &str| {
        let path = "/api/v1/devices/tent-1/unbind";
        let answer = stack.ask(who, Method::POST, path, &Value::Null).await;
        answer.is_problem(404, "device_not_found");
    };
    for _ in 0..60 {
        refuse("ann").await;
    }
    let entries = refusals(&stack).await.len();
    assert!((20..60).contains(&entries), "{entries}");
    let metrics = stack.metrics().await;
    let left_out = r#"api_audit_refusals_total{caller="account",outcome="left_out"}"#;
    assert!(metrics.contains(left_out), "{metrics}");
    refuse("bob").await;
    assert!(refusals(&stack).await.len() > entries);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_while_it_cannot_be_entered() {
    let stack = Stack::start().await;
    stack.account("ann").await;
    let sql = stack.sql().await;
    sql.batch_execute("ALTER TABLE audit_entry ADD CHECK (outcome = 'done') NOT VALID")
        .await
        .unwrap();
    let path = "/api/v1/devices/tent-1/unbind";
    let answer = stack.ask("ann", Method::POST, path, &Value::Null).await;
    answer.is_problem(404, "device_not_found");
    let failed = r#"api_audit_refusals_total{caller="account",outcome="failed"} 1"#;
    assert!(stack.metrics().await.contains(failed));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_declared_a_replica_dead_stands_in_the_audit() {
    let stack = Stack::start().await;
    let process = uuid::Uuid::now_v7();
    let lease = "INSERT INTO hook_lease (process_uuid, replica_name, applied, renewals, length_ms)
                 VALUES ($1, 'hook-1', 0, 1, 300000)";
    stack.sql().await.execute(lease, &[&process]).await.unwrap();
    eventually("the replica is seen", async || {
        let seen = stack.get("/api/v1/hook-replicas").await;
        seen.body.to_string().contains("hook-1")
    })
    .await;
    let path = format!("/api/v1/hook-replicas/{process}/declare-dead");
    let answer = stack.post(&path, &json!({"force": true})).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let page = stack.get("/api/v1/audit?action=replica.declare_dead").await;
    let entry = &page.body["entries"][0];
    let subject = json!({"kind": "replica", "id": process.to_string()});
    assert_eq!(entry["subject"], subject);
    assert_eq!(entry["before"]["name"], "hook-1");
    assert_eq!(entry["after"], json!({"force": true}));
    stack
        .post(&path, &json!({"force": true}))
        .await
        .is_problem(404, "replica_not_found");
    let refused = &refusals(&stack).await[0];
    assert_eq!(
        (&refused["subject"], &refused["code"]),
        (&subject, &json!("replica_not_found"))
    );
}
