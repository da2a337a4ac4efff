//! People with their tokens, and the calls they share.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Stack};

pub const ORGANIZATIONS: &str = "/api/v1/organizations";

/// Somebody.
pub struct Person<'a> {
    stack: &'a Stack,
    subject: &'a str,
    roles: &'a [&'a str],
}

/// Somebody without a platform-wide role.
pub fn person<'a>(stack: &'a Stack, subject: &'a str) -> Person<'a> {
    Person {
        stack,
        subject,
        roles: &[],
    }
}

/// An admin of the platform.
pub fn admin(stack: &Stack) -> Person<'_> {
    Person {
        stack,
        subject: "root",
        roles: &["admin"],
    }
}

impl Person<'_> {
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let token = self.stack.issuer.mint(self.subject, self.roles);
        let request = self.stack.http.request(method, self.stack.url(path));
        let request = request.bearer_auth(token);
        Answer::of(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// Their account.
    pub async fn id(&self) -> String {
        let me = self.get("/api/v1/auth/me").await;
        me.body["accountId"].as_str().unwrap().to_owned()
    }

    /// An organization of theirs.
    pub async fn founds(&self, name: &str) -> String {
        let made = self.post(ORGANIZATIONS, json!({"name": name})).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        self.stack.without_limits().await;
        made.body["organizationId"].as_str().unwrap().to_owned()
    }

    /// A group that they make.
    pub async fn groups(&self, organization: &str, name: &str, parent: Option<&str>) -> String {
        let path = format!("{ORGANIZATIONS}/{organization}/groups");
        let made = self
            .post(&path, json!({"name": name, "parentId": parent}))
            .await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        made.body["groupId"].as_str().unwrap().to_owned()
    }

    /// The token of an invitation that they make.
    pub async fn invites(&self, organization: &str, body: Value) -> String {
        let path = format!("{ORGANIZATIONS}/{organization}/invitations");
        let made = self.post(&path, body).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        made.body["token"].as_str().unwrap().to_owned()
    }

    pub async fn accepts(&self, token: &str) -> Answer {
        let path = "/api/v1/invitations/accept";
        self.post(path, json!({"token": token})).await
    }

    /// Another comes in, invited by this one.
    pub async fn lets_in(&self, organization: &str, whom: &Person<'_>, role: &str) {
        let token = self.invites(organization, json!({"role": role})).await;
        let accepted = whom.accepts(&token).await;
        assert_eq!(accepted.status, 200, "{:?}", accepted.body);
        assert_eq!(accepted.body["role"], role);
    }

    /// Another comes into a group, invited by this one.
    pub async fn lets_into(&self, organization: &str, group: &str, whom: &Person<'_>, role: &str) {
        let body = json!({"role": role, "groupId": group});
        let token = self.invites(organization, body).await;
        assert_eq!(whom.accepts(&token).await.status, 200);
    }
}

/// How often somebody's sessions were to be ended.
pub async fn cut_off(stack: &Stack, account: &str) -> i64 {
    let sql = "SELECT count(*) FROM outbox WHERE kind = 'end_account_sessions' AND subject = $1";
    let rows = stack.sql().await.query_one(sql, &[&account]).await;
    rows.unwrap().get(0)
}
