//! People with real tokens, whose rights follow the database.

use dev_issuer::{DevIssuer, Options};
use schema::testing::MigratedDatabase;
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::support::{Running, allowed, config, connect, execute, post, registered, start, until};

struct House {
    client: Client,
    service: Running,
    issuer: DevIssuer,
    database: MigratedDatabase,
}

async fn house(devices: &[&str]) -> House {
    let database = MigratedDatabase::create().await.unwrap();
    let client = connect(&database.url()).await;
    registered(&client, devices).await;
    let issuer = DevIssuer::start(Options::default()).await.unwrap();
    let service = served(&database, &issuer).await;
    House {
        client,
        service,
        issuer,
        database,
    }
}

async fn served(database: &MigratedDatabase, issuer: &DevIssuer) -> Running {
    let issuers = ("HOOK_TOKEN_ISSUERS", issuer.issuer());
    let service = start(config(&database.hook_url(), &[issuers])).await;
    service.ready().await;
    service
}

fn usr(account: Uuid) -> String {
    format!("usr.{account}.tab1")
}

impl House {
    /// An account of the issuer's `subject`.
    async fn account(&self, subject: &str) -> Uuid {
        let sql = format!(
            "INSERT INTO account (issuer, subject) VALUES ('{}', '{subject}') RETURNING account_id",
            self.issuer.issuer()
        );
        self.one(&sql).await
    }

    async fn one(&self, sql: &str) -> Uuid {
        self.client.query_one(sql, &[]).await.unwrap().get(0)
    }

    async fn lets_in(&self, account: Uuid, token: &str) -> bool {
        let body = json!({
            "clientid": usr(account), "username": "jwt", "password": token, "peerhost": "127.0.0.1",
        });
        allowed(&post(self.service.hooks, "/authn/person", &body.to_string()).await)
    }

    async fn sees(&self, account: Uuid, topic: &str) -> bool {
        let body = json!({
            "clientid": usr(account), "username": "jwt", "cert_common_name": "",
            "action": "subscribe", "topic": topic, "qos": "1", "retain": "",
        });
        allowed(&post(self.service.hooks, "/authz", &body.to_string()).await)
    }

    async fn until_sees(&self, account: Uuid, topic: &str, expected: bool) {
        let what = format!("{account} sees {topic}: {expected}");
        until(&what, async || self.sees(account, topic).await == expected).await;
    }
}

#[tokio::test]
async fn a_person_with_a_token_of_a_configured_issuer_is_let_in_and_told_nothing_of_others() {
    let h = house(&[]).await;
    let ann = h.account("ann").await;
    let token = h.issuer.mint("ann", &[]);
    until(
        "the account is there and the keys are fetched",
        async || h.lets_in(ann, &token).await,
    )
    .await;
    let body = json!({ "clientid": usr(ann), "username": "jwt", "password": token });
    let answer = post(h.service.hooks, "/authn/person", &body.to_string()).await;
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["is_superuser"], false);
    let acl = answer["acl"].as_array().unwrap();
    assert!(acl.iter().all(|rule| rule["permission"] == "deny"));
    assert!(
        acl.iter()
            .all(|rule| rule["topics"] != json!(["#"]) || rule["action"] == "publish"),
        "a SUBSCRIBE falls through to /authz"
    );
    assert!(!h.lets_in(ann, &h.issuer.mint("ben", &[])).await);
    assert!(!h.lets_in(ann, "no token").await);
    let stranger = DevIssuer::start(Options::default()).await.unwrap();
    assert!(!h.lets_in(ann, &stranger.mint("ann", &[])).await);
    assert_eq!(stranger.key_fetches(), 0);
}

#[tokio::test]
async fn an_outage_of_the_issuer_shuts_nobody_out() {
    let h = house(&[]).await;
    let ann = h.account("ann").await;
    until("the first key is known", async || {
        h.lets_in(ann, &h.issuer.mint("ann", &[])).await
    })
    .await;
    h.issuer.set_down(true);
    let token = h.issuer.mint("ann", &[]);
    assert!(h.lets_in(ann, &token).await, "the last good keys are kept");
}

#[tokio::test]
async fn memberships_groups_and_owners_reach_the_next_subscribe() {
    let h = house(&["tent-1", "tent-2", "tent-3"]).await;
    let (ann, ben) = (h.account("ann").await, h.account("ben").await);
    let acme = h
        .one("INSERT INTO organization (name) VALUES ('Acme') RETURNING organization_id")
        .await;
    let group = async |parent: &str, name: &str| {
        h.one(&format!(
            "INSERT INTO device_group (organization_id, parent_id, name)
             VALUES ('{acme}', {parent}, '{name}') RETURNING group_id"
        ))
        .await
    };
    let hall = group("NULL", "hall").await;
    let row = group(&format!("'{hall}'"), "row").await;
    execute(
        &h.client,
        &format!(
            "UPDATE device SET lifecycle = 'bound', owner_account_id = '{ann}'
              WHERE device_id = 'tent-1';
             UPDATE device SET lifecycle = 'bound', organization_id = '{acme}'
              WHERE device_id = 'tent-2';
             UPDATE device SET lifecycle = 'bound', organization_id = '{acme}', group_id = '{row}'
              WHERE device_id = 'tent-3'"
        ),
    )
    .await;
    h.until_sees(ann, "tent-1/telemetry", true).await;
    assert!(!h.sees(ben, "tent-1/telemetry").await);
    assert!(!h.sees(ben, "tent-3/status").await);

    let join = format!(
        "INSERT INTO group_member (group_id, account_id, role) VALUES ('{hall}', '{ben}', 'viewer')"
    );
    execute(&h.client, &join).await;
    h.until_sees(ben, "tent-3/status", true).await;
    assert!(!h.sees(ben, "tent-2/status").await, "not in the group");

    // The row leaves the hall, and comes back.
    let leave = format!("UPDATE device_group SET parent_id = NULL WHERE group_id = '{row}'");
    execute(&h.client, &leave).await;
    h.until_sees(ben, "tent-3/status", false).await;
    let back = format!("UPDATE device_group SET parent_id = '{hall}' WHERE group_id = '{row}'");
    execute(&h.client, &back).await;
    h.until_sees(ben, "tent-3/status", true).await;

    execute(&h.client, "DELETE FROM group_member").await;
    h.until_sees(ben, "tent-3/status", false).await;
    let member = format!(
        "INSERT INTO organization_member (organization_id, account_id, role)
         VALUES ('{acme}', '{ben}', 'member')"
    );
    execute(&h.client, &member).await;
    h.until_sees(ben, "tent-2/attributes", true).await;
    assert!(
        h.sees(ben, "tent-3/attributes").await,
        "and in all its groups"
    );
    execute(
        &h.client,
        "UPDATE device SET organization_id = NULL, lifecycle = 'unbound' WHERE device_id = 'tent-2'",
    )
    .await;
    h.until_sees(ben, "tent-2/attributes", false).await;

    // A full load of the same database decides the same.
    let second = served(&h.database, &h.issuer).await;
    let again = House {
        service: second,
        ..h
    };
    assert!(again.sees(ben, "tent-3/attributes").await);
    assert!(!again.sees(ben, "tent-2/attributes").await);
    assert!(again.sees(ann, "tent-1/status").await);
    assert!(!again.sees(ann, "tent-3/status").await);
}

#[tokio::test]
async fn disabled_signed_out_and_erased_accounts_are_shut_out() {
    let h = house(&["tent-1"]).await;
    let ann = h.account("ann").await;
    let token = h.issuer.mint("ann", &[]);
    until("ann is let in", async || h.lets_in(ann, &token).await).await;
    for (act, undo) in [
        ("disabled = true", "disabled = false"),
        (
            "sessions_from = now() + interval '1 hour'",
            "sessions_from = '-infinity'",
        ),
        (
            "sessions_from = 'infinity'",
            "sessions_from = now() - interval '1 hour'",
        ),
    ] {
        execute(&h.client, &format!("UPDATE account SET {act}")).await;
        until(act, async || !h.lets_in(ann, &token).await).await;
        execute(&h.client, &format!("UPDATE account SET {undo}")).await;
        until(undo, async || h.lets_in(ann, &token).await).await;
    }
    let erase = "UPDATE account SET issuer = NULL, subject = NULL, disabled = true,
                        erased_at = now()";
    execute(&h.client, erase).await;
    until("ann is no more", async || !h.lets_in(ann, &token).await).await;
}

#[tokio::test]
async fn a_full_compare_finds_no_person_to_correct() {
    let database = MigratedDatabase::create().await.unwrap();
    let client = connect(&database.url()).await;
    let url = database.hook_url();
    let compared = [("HOOK_COMPARE_MS", "1000")];
    let service = start(config(&url, &compared)).await;
    service.ready().await;
    let people = "WITH a AS (
                      INSERT INTO account (issuer, subject)
                      SELECT 'https://issuer', n::text FROM generate_series(1, 50) AS n
                      RETURNING account_id
                  ), o AS (
                      INSERT INTO organization (name) VALUES ('Acme') RETURNING organization_id
                  ), g AS (
                      INSERT INTO device_group (organization_id, name)
                      SELECT organization_id, 'hall' FROM o RETURNING group_id
                  )
                  INSERT INTO group_member (group_id, account_id, role)
                  SELECT group_id, account_id, 'member' FROM a, g";
    execute(&client, people).await;
    until("the people are there", async || {
        service.fleet.people().len() == 50
    })
    .await;
    let before = service.metrics.compares.get();
    until("everything was compared", async || {
        service.metrics.compares.get() > before + 1
    })
    .await;
    assert_eq!(service.metrics.corrections.get(), 0);
}
