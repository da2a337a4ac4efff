//! An organization with people of every role in it, a factory, an administrator, and one of everything
//! that a path can name. What belongs to others exists, so that a refusal is no accident.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::reader::Operation;
use crate::support::binding::ME;
use crate::support::{Answer, Stack};

/// Who calls, by the name of their column in the table of rights, and with which platform-wide role.
pub const CALLERS: [(&str, &[&str]); 7] = [
    ("stranger", &[]),
    ("viewer", &[]),
    ("member", &[]),
    ("manager", &[]),
    ("owner", &[]),
    ("factory", &["manufacturer"]),
    ("root", &["admin"]),
];

/// Everything that paths can name, none of it the stranger's.
pub struct World {
    pub stack: Stack,
    pub organization: Uuid,
    pub group: Uuid,
    /// Owned by the organization.
    pub device: String,
    /// Claimed by the owner in person.
    pending: String,
    fingerprint: String,
    issuer: String,
    /// A member whom others may move about.
    member: Uuid,
    invitation: String,
    operation: i64,
    revocation: i64,
    notification: i64,
    replica: String,
}

impl World {
    pub async fn make() -> Self {
        let stack = Stack::start().await;
        stack.without_limits().await;
        for (who, roles) in CALLERS {
            let token = stack.issuer.mint(who, roles);
            let seen = Answer::of(stack.http.get(stack.url(ME)).bearer_auth(token)).await;
            assert_eq!(seen.status, 200, "{:?}", seen.body);
        }
        let organization = stack.organization(stack.account("owner").await).await;
        for (who, role) in [
            ("viewer", "viewer"),
            ("member", "member"),
            ("manager", "admin"),
        ] {
            stack
                .join(organization, stack.account(who).await, role)
                .await;
        }
        let group = stack.group(organization, None, "hall").await;
        let member = stack.account("tom").await;
        stack.join(organization, member, "viewer").await;
        let mut world = Self {
            stack,
            organization,
            group,
            device: String::new(),
            pending: String::new(),
            fingerprint: String::new(),
            issuer: String::new(),
            member,
            invitation: String::new(),
            operation: 0,
            revocation: 0,
            notification: 0,
            replica: String::new(),
        };
        world.furnish().await;
        world
    }

    async fn furnish(&mut self) {
        self.device = self.new_device("hall-1").await;
        self.pending = self.new_pending("claimed-1").await;
        let stack = &self.stack;
        let path = format!("/api/v1/devices/{}/certificates", self.device);
        let certificates = stack.get(&path).await.body;
        let text = |name: &str| {
            certificates["certificates"][0][name]
                .as_str()
                .unwrap()
                .to_owned()
        };
        let (fingerprint, issuer) = (text("fingerprint"), text("issuer"));
        let suspended = self.new_device("kept-out").await;
        let stack = &self.stack;
        let suspend = format!("/api/v1/devices/{suspended}/suspend");
        let operation = stack.post(&suspend, &json!({})).await.body["operation"].as_i64();
        let gone = json!({"ids": ["kept-out"]});
        let revocation = stack.post("/api/v1/revocations", &gone).await.body["revocation"].as_i64();
        let told =
            "SELECT min(n.notification_id) FROM notification n JOIN account a USING (account_id)
                    WHERE a.subject = 'owner'";
        let notification = stack.count(told).await;
        let lease = "INSERT INTO hook_lease (process_uuid, replica_name, applied, renewals, length_ms)
                     VALUES (gen_random_uuid(), 'hook-0', 1, 7, 300000) RETURNING process_uuid::text";
        let lease = stack.sql().await.query_one(lease, &[]).await.unwrap();
        (self.fingerprint, self.issuer) = (fingerprint, issuer);
        (self.operation, self.revocation) = (operation.unwrap(), revocation.unwrap());
        (self.notification, self.replica) = (notification, lease.get(0));
        self.invitation = self.new_invitation().await;
    }

    /// A device that the organization owns, in its group.
    pub async fn new_device(&self, id: &str) -> String {
        let label = self.stack.labelled(id).await;
        let body = json!({"qr": label, "groupId": self.group});
        let path = "/api/v1/devices/bind";
        let bound = self.stack.ask("owner", Method::POST, path, &body).await;
        assert_eq!(bound.status, 202, "{:?}", bound.body);
        assert_eq!(self.stack.confirm(id).await.body["state"], "bound");
        id.to_owned()
    }

    /// A device that the owner claims in person.
    async fn new_pending(&self, id: &str) -> String {
        let label = self.stack.labelled(id).await;
        assert_eq!(self.stack.bind("owner", &label).await.status, 202);
        id.to_owned()
    }

    async fn new_invitation(&self) -> String {
        let path = format!("/api/v1/organizations/{}/invitations", self.organization);
        let body = json!({"role": "viewer"});
        let made = self.stack.ask("owner", Method::POST, &path, &body).await;
        made.body["invitationId"].as_str().unwrap().to_owned()
    }

    /// The path of an operation with the ids of things that are there. A variable part that is not known
    /// here fails the test: whoever adds a path says what stands for it.
    pub fn path(&self, operation: &Operation) -> String {
        let is_claim = operation.path.contains("/binding");
        self.path_with(
            operation,
            if is_claim {
                &self.pending
            } else {
                &self.device
            },
            self.group,
            &self.invitation,
            self.member,
        )
    }

    /// The same with things of its own that may be spoilt, for somebody who may.
    pub async fn path_to_spoil(&self, operation: &Operation, who: &str) -> String {
        let name = format!("{}-{who}", operation.id);
        let device = if operation.path.contains("/binding") {
            self.new_pending(&name).await
        } else if operation.path.starts_with("/api/v1/devices/{id}") {
            self.new_device(&name).await
        } else {
            self.device.clone()
        };
        let post = |path: String| async move {
            let made = self
                .stack
                .ask("owner", Method::POST, &path, &json!({}))
                .await;
            assert_eq!(made.status, 201, "{path}: {:?}", made.body);
        };
        match operation.id.as_str() {
            "withdrawOffer" => post(format!("/api/v1/devices/{device}/offer")).await,
            "withdrawRecovery" => post(format!("/api/v1/devices/{device}/recovery")).await,
            _ => {}
        }
        let stack = &self.stack;
        let group = match operation.path.starts_with("/api/v1/groups/{id}") {
            true => {
                stack
                    .group(self.organization, Some(self.group), &name)
                    .await
            }
            false => self.group,
        };
        let member = match operation.path.contains("/members/")
            || operation.path.starts_with("/api/v1/users/{id}")
        {
            true => {
                let member = stack.account(&name).await;
                stack.join(self.organization, member, "viewer").await;
                let joined = "INSERT INTO group_member (group_id, account_id, role)
                              VALUES ($1, $2, 'viewer')";
                let sql = stack.sql().await;
                let values: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&group, &member];
                sql.execute(joined, &values).await.unwrap();
                member
            }
            false => self.member,
        };
        let invitation = match operation.path.contains("{invitationId}") {
            true => self.new_invitation().await,
            false => self.invitation.clone(),
        };
        self.path_with(operation, &device, group, &invitation, member)
    }

    fn path_with(
        &self,
        operation: &Operation,
        device: &str,
        group: Uuid,
        invitation: &str,
        member: Uuid,
    ) -> String {
        let mut before = "";
        let mut path = String::new();
        for segment in operation.path.split('/').skip(1) {
            path.push('/');
            let value = match (before, segment) {
                (_, fixed) if !fixed.starts_with('{') => fixed.to_owned(),
                ("devices", "{id}") => device.to_owned(),
                ("organizations", "{id}") => self.organization.to_string(),
                ("groups", "{id}") => group.to_string(),
                ("members", "{accountId}") | ("users", "{id}") => member.to_string(),
                ("invitations", "{invitationId}") => invitation.to_owned(),
                ("operations", "{id}") => self.operation.to_string(),
                ("revocations", "{id}") => self.revocation.to_string(),
                ("notifications", "{id}") => self.notification.to_string(),
                ("certificates", "{fingerprint}") => self.fingerprint.clone(),
                ("hook-replicas", "{uuid}") => self.replica.clone(),
                ("plans", "{plan}") => "free".to_owned(),
                ("crl", "{issuer}") => self.issuer.clone(),
                ("{issuer}", "{file}") => "0.pem".to_owned(),
                _ => panic!(
                    "nothing in this world stands for {segment} of {}",
                    operation.name()
                ),
            };
            path.push_str(&value);
            before = segment;
        }
        if operation
            .parameters()
            .iter()
            .any(|each| each["name"] == "confirm")
        {
            // Nobody is erased and nothing deleted by it; that it is wrong is told only to whoever may.
            path.push_str("?confirm=00000000-0000-4000-8000-000000000000");
        }
        path
    }

    /// The document's example, about things that are there.
    pub fn body(&self, document: &Value, operation: &Operation, device: &str) -> Option<Value> {
        let mut body = operation.example(document)?;
        for (name, value) in body.as_object_mut().unwrap() {
            match name.as_str() {
                "deviceId" => *value = json!(device),
                "organizationId" => *value = json!(self.organization),
                _ => {}
            }
        }
        Some(body)
    }

    /// Calls as somebody; without a token as nobody.
    pub async fn call(
        &self,
        who: Option<(&str, &[&str])>,
        operation: &Operation,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let stack = &self.stack;
        let request = stack
            .http
            .request(operation.method.clone(), stack.url(path));
        let request = match who {
            Some((name, roles)) => request.bearer_auth(stack.issuer.mint(name, roles)),
            None => request,
        };
        let lines = operation.object["requestBody"]["content"]["application/x-ndjson"].is_object();
        let request = match body {
            Some(body) => request.json(&body),
            None if lines => {
                let line = json!({"deviceId": "line-1", "model": "m", "csr": "x"});
                let request = request.header("content-type", "application/x-ndjson");
                request.body(format!("{line}\n"))
            }
            None => request,
        };
        Answer::of(request).await
    }

    /// Every row of every table but those that a refusal or a background task writes, as one line a
    /// table.
    pub async fn digest(&self) -> Vec<String> {
        let sql = self.stack.sql().await;
        let tables = "SELECT table_name::text FROM information_schema.tables
                      WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'
                      ORDER BY table_name";
        let mut digest = Vec::new();
        for row in sql.query(tables, &[]).await.unwrap() {
            let table: String = row.get(0);
            let columns = match table.as_str() {
                // Refusals are entered, and what is committed is sealed.
                "audit_entry" | "audit_personal" | "audit_seal" | "audit_sealed"
                | "audit_unsealed" => continue,
                // The keeper of the revocation lists makes them anew in its own time.
                "crl_list" | "crl_due" => continue,
                // Keys of commands that were refused.
                "idempotency_key" => continue,
                // Workers try, and note how far they came.
                "outbox" => "ROW(t.id, t.kind, t.subject, t.payload)",
                "bulk_operation" => "ROW(t.id, t.kind, t.params, t.account)",
                _ => "t",
            };
            let rows = format!(
                "SELECT count(*)::text || ' ' || coalesce(md5(string_agg({columns}::text, ',' \
                 ORDER BY {columns}::text)), '') FROM {table} t"
            );
            let told: String = sql.query_one(&rows, &[]).await.unwrap().get(0);
            digest.push(format!("{table} {told}"));
        }
        digest
    }
}
