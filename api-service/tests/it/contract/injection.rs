//! Texts that would be commands elsewhere: to the database and to a log they are only texts.

use serde_json::json;

use crate::support::Stack;
use crate::support::binding::ME;

const EVIL: [&str; 6] = [
    "'; DROP TABLE account; --",
    "' OR '1'='1",
    "%' UNION SELECT subject FROM account --",
    "${jndi:ldap://127.0.0.1/a}",
    "{{7*7}}",
    "\\x27; SELECT pg_sleep(60)",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_looks_like_sql_or_a_log_line_is_only_text() {
    let stack = Stack::start().await;
    let accounts = "SELECT count(*) FROM account";
    stack.get(ME).await;
    let before = stack.count(accounts).await;
    for evil in EVIL {
        let made = stack
            .post("/api/v1/organizations", &json!({"name": evil}))
            .await;
        assert_eq!(made.status, 201, "{evil}: {:?}", made.body);
        assert_eq!(made.body["name"], evil);
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("name", evil)
            .finish();
        let found = stack.get(&format!("/api/v1/organizations?{query}")).await;
        let names = found.body["organizations"].as_array().unwrap();
        assert_eq!(names.len(), 1, "{evil}: {:?}", found.body);
        for path in [
            "/api/v1/users?search",
            "/api/v1/devices?search",
            "/api/v1/devices?model",
        ] {
            let (_, value) = query.split_once('=').unwrap();
            let answer = stack.get(&format!("{path}={value}")).await;
            assert!(
                matches!(answer.status, 200 | 422),
                "{path} {evil}: {:?}",
                answer.body
            );
            assert!(
                !answer.body.to_string().contains("\"somebody\""),
                "{path} {evil}"
            );
        }
    }
    assert_eq!(stack.count(accounts).await, before);
    // A line of its own in the log begins with a line feed, which no name has.
    for line in ["a\nlevel=error", "a\r\nb", "a\u{1b}[2J", "a\u{0}"] {
        let refused = stack
            .post("/api/v1/organizations", &json!({"name": line}))
            .await;
        refused.is_problem(422, "invalid_request");
    }
}
