//! People, their claims and what they see of devices.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, REGISTER, Stack, registration};

impl Stack {
    /// A request of a person without any role.
    pub async fn ask(&self, who: &str, method: Method, path: &str, body: &Value) -> Answer {
        let token = self.issuer.mint(who, &[]);
        let request = self.http.request(method, self.url(path)).bearer_auth(token);
        let request = if body.is_null() {
            request
        } else {
            request.json(body)
        };
        Answer::of(request).await
    }

    /// A person's account, made at first sight.
    pub async fn account(&self, who: &str) -> Uuid {
        let answer = self.ask(who, Method::GET, ME, &Value::Null).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        let sql = self.sql().await;
        let row = sql
            .query_one("SELECT account_id FROM account WHERE subject = $1", &[&who])
            .await;
        row.unwrap().get(0)
    }

    /// A new device's label with a claim secret.
    pub async fn labelled(&self, id: &str) -> Value {
        let mut body = registration(id);
        body["qrType"] = json!("token");
        let request = self.request(Method::POST, REGISTER, &["manufacturer"]);
        let answer = Answer::of(request.json(&body)).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        answer.body["qr"]["payload"].clone()
    }

    pub async fn bind(&self, who: &str, label: &Value) -> Answer {
        let path = "/api/v1/devices/bind";
        self.ask(who, Method::POST, path, &json!({ "qr": label }))
            .await
    }

    /// An administrator confirms for the device.
    pub async fn confirm(&self, id: &str) -> Answer {
        let path = format!("/api/v1/devices/{id}/binding/confirm");
        Answer::of(self.request(Method::POST, &path, &["admin"])).await
    }

    /// A device that a person owns; its label's secret is used.
    pub async fn bound(&self, id: &str, who: &str) -> Value {
        let label = self.labelled(id).await;
        let answer = self.bind(who, &label).await;
        assert_eq!(answer.status, 202, "{:?}", answer.body);
        let answer = self.confirm(id).await;
        assert_eq!(answer.body["state"], "bound", "{:?}", answer.body);
        label
    }

    /// An organization of a person, straight in the database.
    pub async fn organization(&self, owner: Uuid) -> Uuid {
        let sql = self.sql().await;
        let made = "WITH made AS (
                INSERT INTO organization (name) VALUES ('o') RETURNING organization_id)
            INSERT INTO organization_member (organization_id, account_id, role)
            SELECT organization_id, $1, 'owner' FROM made RETURNING organization_id";
        sql.query_one(made, &[&owner]).await.unwrap().get(0)
    }

    /// A group, straight in the database.
    pub async fn group(&self, organization: Uuid, parent: Option<Uuid>, name: &str) -> Uuid {
        let sql = self.sql().await;
        let made = "INSERT INTO device_group (organization_id, parent_id, name)
                    VALUES ($1, $2, $3) RETURNING group_id";
        sql.query_one(made, &[&organization, &parent, &name])
            .await
            .unwrap()
            .get(0)
    }

    /// Puts somebody into an organization.
    pub async fn join(&self, organization: Uuid, account: Uuid, role: &str) {
        let sql = self.sql().await;
        let made = "INSERT INTO organization_member (organization_id, account_id, role)
                    VALUES ($1, $2, $3)";
        sql.execute(made, &[&organization, &account, &role])
            .await
            .unwrap();
    }
}

/// Where a caller's account is made at the latest.
pub const ME: &str = "/api/v1/auth/me";
