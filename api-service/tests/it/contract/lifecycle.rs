//! The life of a device over HTTP: every move that its state does not allow is refused with the name of
//! the reason, and changes nothing. `domain::lifecycle_table` has the table itself.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, REGISTER, Stack, registration};

/// How a device came to stand where it stands.
#[derive(Debug, Clone, Copy)]
enum State {
    Unbound,
    Pending,
    Bound,
    Revoked,
}

/// What is tried.
#[derive(Debug, Clone, Copy)]
enum Try {
    Claim,
    Confirm,
    Unbind,
    Transfer,
    Suspend,
    Resume,
    Certify,
}

use State::{Bound, Pending, Revoked, Unbound};
use Try::{Certify, Claim, Confirm, Resume, Suspend, Transfer, Unbind};

/// State, whether suspended, what is tried, and the name of the refusal.
const ILLEGAL: [(State, bool, Try, &str); 28] = [
    (Unbound, false, Confirm, "device_not_pending"),
    (Unbound, false, Unbind, "device_not_bound"),
    (Unbound, false, Transfer, "device_not_bound"),
    (Unbound, false, Resume, "device_not_suspended"),
    (Unbound, true, Claim, "device_suspended"),
    (Unbound, true, Confirm, "device_not_pending"),
    (Unbound, true, Unbind, "device_not_bound"),
    (Unbound, true, Transfer, "device_not_bound"),
    (Pending, false, Claim, "device_pending"),
    (Pending, false, Unbind, "device_not_bound"),
    (Pending, false, Transfer, "device_not_bound"),
    (Pending, false, Resume, "device_not_suspended"),
    (Pending, true, Claim, "device_pending"),
    (Pending, true, Confirm, "device_suspended"),
    (Pending, true, Unbind, "device_not_bound"),
    (Pending, true, Transfer, "device_not_bound"),
    (Bound, false, Claim, "device_bound"),
    (Bound, false, Confirm, "device_not_pending"),
    (Bound, false, Resume, "device_not_suspended"),
    (Bound, true, Claim, "device_bound"),
    (Bound, true, Confirm, "device_not_pending"),
    (Revoked, false, Claim, "device_revoked"),
    (Revoked, false, Confirm, "device_revoked"),
    (Revoked, false, Transfer, "device_revoked"),
    (Revoked, false, Suspend, "device_revoked"),
    (Revoked, false, Resume, "device_revoked"),
    (Revoked, false, Certify, "device_revoked"),
    (Revoked, true, Resume, "device_revoked"),
];

async fn admin(stack: &Stack, id: &str, verb: &str, body: &Value) -> Answer {
    stack
        .post(&format!("/api/v1/devices/{id}/{verb}"), body)
        .await
}

/// A device in a state, and its label.
async fn device(stack: &Stack, id: &str, state: State, suspended: bool) -> Value {
    let label = stack.labelled(id).await;
    if !matches!(state, Unbound) {
        assert_eq!(stack.bind("ann", &label).await.status, 202);
    }
    if matches!(state, Bound | Revoked) {
        assert_eq!(stack.confirm(id).await.status, 200);
    }
    if suspended {
        assert_eq!(admin(stack, id, "suspend", &json!({})).await.status, 202);
    }
    if matches!(state, Revoked) {
        assert_eq!(admin(stack, id, "revoke", &json!({})).await.status, 202);
    }
    label
}

async fn tried(stack: &Stack, id: &str, what: Try, label: &Value, organization: &str) -> Answer {
    match what {
        Claim => stack.bind("bob", label).await,
        Confirm => stack.confirm(id).await,
        Unbind => admin(stack, id, "unbind", &json!({})).await,
        Transfer => {
            admin(
                stack,
                id,
                "transfer",
                &json!({"organizationId": organization}),
            )
            .await
        }
        Suspend => admin(stack, id, "suspend", &json!({})).await,
        Resume => admin(stack, id, "resume", &json!({})).await,
        Certify => {
            let mut body = registration(id);
            body["renew"] = json!(true);
            let request = stack.request(Method::POST, REGISTER, &["admin"]);
            Answer::of(request.json(&body)).await
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_illegal_move_is_refused_by_its_name_and_changes_nothing() {
    let stack = Stack::start().await;
    stack.without_limits().await;
    let owner = stack.account("carl").await;
    let organization = stack.organization(owner).await.to_string();
    let sql = stack.sql().await;
    for (number, (state, suspended, what, code)) in ILLEGAL.into_iter().enumerate() {
        let id = format!("life-{number}");
        let label = device(&stack, &id, state, suspended).await;
        let look = async || -> String {
            let row = "SELECT ROW(lifecycle, suspended, (SELECT count(*) FROM certificate c
                          WHERE c.device_id = d.device_id), (SELECT count(*) FROM binding b
                          WHERE b.device_id = d.device_id))::text FROM device d WHERE device_id = $1";
            sql.query_one(row, &[&id]).await.unwrap().get(0)
        };
        let before = look().await;
        let answer = tried(&stack, &id, what, &label, &organization).await;
        let told = format!(
            "{state:?}, suspended {suspended}: {what:?}: {:?}",
            answer.body
        );
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (409, &json!(code)),
            "{told}"
        );
        assert_eq!(look().await, before, "{told}");
    }
}
