//! People from end to end: the shipped configuration, the real hook-service, a real database and real
//! tokens; and what api-service asks of the broker to end an account's sessions.

use std::collections::BTreeMap;

use dev_broker::DevBroker;
use dev_issuer::{DevIssuer, Options as IssuerOptions};
use hook_service::config::{Config, PREFIX};
use hook_service::service::Service;
use reqwest::{Method, StatusCode};
use schema::testing::MigratedDatabase;
use serde_json::{Value, json};
use service_kit::Settings;
use service_kit::shutdown::Shutdown;
use tokio_postgres::NoTls;

use crate::support::api::Api;
use crate::support::lab::options;
use crate::support::mqtt::{Client, Connect, Said};
use crate::support::until;
use crate::support::websocket::websocket;

/// SUBACK and DISCONNECT: not authorized, and ended by an administrator (MQTT 5, 2.4).
const NOT_AUTHORIZED: u8 = 0x87;
const ADMINISTRATIVE_ACTION: u8 = 0x98;

/// Ann, a member of a group that has `tent-1`; Ben, who is in nothing; and `tent-2`, nobody's.
const PEOPLE: &str = "
INSERT INTO device (device_id, model, public_key)
VALUES ('tent-1', 'test', '\\x00'), ('tent-2', 'test', '\\x00');
WITH acme AS (
    INSERT INTO organization (name) VALUES ('Acme') RETURNING organization_id
), hall AS (
    INSERT INTO device_group (organization_id, name)
    SELECT organization_id, 'hall' FROM acme RETURNING group_id, organization_id
), shelf AS (
    INSERT INTO device_group (organization_id, parent_id, name)
    SELECT organization_id, group_id, 'shelf' FROM hall RETURNING group_id, organization_id
), ann AS (
    INSERT INTO account (issuer, subject) VALUES ($issuer, 'ann') RETURNING account_id
), ben AS (
    INSERT INTO account (issuer, subject) VALUES ($issuer, 'ben') RETURNING account_id
), joined AS (
    INSERT INTO group_member (group_id, account_id, role)
    SELECT group_id, account_id, 'viewer' FROM hall, ann
)
UPDATE device
   SET lifecycle = 'bound', organization_id = shelf.organization_id, group_id = shelf.group_id
  FROM shelf
 WHERE device_id = 'tent-1';";

struct House {
    sql: tokio_postgres::Client,
    issuer: DevIssuer,
    hooks: Service,
    broker: DevBroker,
    api: Api,
    _database: MigratedDatabase,
}

impl House {
    async fn start() -> Self {
        let database = MigratedDatabase::create().await.expect("a database");
        let (sql, connection) = tokio_postgres::connect(&database.url(), NoTls)
            .await
            .expect("connected");
        tokio::spawn(connection);
        let issuer = DevIssuer::start(IssuerOptions::default())
            .await
            .expect("an issuer");
        let people = PEOPLE.replace("$issuer", &format!("'{}'", issuer.issuer()));
        sql.batch_execute(&people)
            .await
            .expect("the people move in");
        let settings: BTreeMap<String, String> = [
            ("HOOK_DATABASE_URL", database.hook_url().as_str()),
            ("HOOK_LISTEN", "127.0.0.1:0"),
            ("HOOK_OPS_LISTEN", "127.0.0.1:0"),
            ("HOOK_POLL_MS", "50"),
            ("HOOK_SHED_LATE_MS", "1000"),
            ("HOOK_TOKEN_ISSUERS", issuer.issuer()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let (config, _) = Config::read(Settings::from_map(PREFIX, settings)).expect("settings");
        let hooks = Service::start(config, Shutdown::default())
            .await
            .expect("hook-service starts");
        let broker = DevBroker::start(options(&[], Some(hooks.addresses.hooks)))
            .await
            .expect("the broker starts");
        let api = Api::new(broker.addresses["api"]);
        Self {
            sql,
            issuer,
            hooks,
            broker,
            api,
            _database: database,
        }
    }

    async fn account(&self, subject: &str) -> String {
        let sql = "SELECT account_id::text FROM account WHERE subject = $1";
        let row = self.sql.query_one(sql, &[&subject]).await.expect("there");
        row.get(0)
    }

    async fn connects(&self, connect: &Connect) -> (Client, Option<u8>) {
        Client::connect(websocket(self.broker.addresses["people"]).await, connect).await
    }

    /// Connects as soon as account and keys are known.
    async fn connected(&self, connect: &Connect) -> Client {
        let mut connected = None;
        until("the person is let in", async || {
            let (client, code) = self.connects(connect).await;
            connected = Some(client);
            code == Some(0)
        })
        .await;
        connected.expect("let in")
    }

    fn person(&self, subject: &str, account: &str, tag: &str) -> Connect {
        Connect {
            username: Some("jwt".to_owned()),
            password: Some(self.issuer.mint(subject, &[]).into_bytes()),
            ..Connect::v5(&format!("usr.{account}.{tag}"))
        }
    }

    async fn publish(&self, topic: &str, payload: &str) {
        let message = json!({ "topic": topic, "payload": payload, "qos": 1 });
        let (status, _) = self.api.call(Method::POST, "/publish", Some(message)).await;
        assert!(status.is_success(), "{status}");
    }

    /// The client ids that the broker has for an account, as api-service asks for them.
    async fn sessions(&self, account: &str) -> Vec<String> {
        let path = format!("/clients?like_clientid=usr.{account}.&page=1&limit=1000");
        let (status, page) = self.api.get(&path).await;
        assert_eq!(status, StatusCode::OK);
        let data = page["data"].as_array().expect("a page").iter();
        data.map(|client| client["clientid"].as_str().expect("an id").to_owned())
            .collect()
    }

    async fn newest_change(&self) -> i64 {
        let row = self.sql.query_one("SELECT max(number) FROM change", &[]);
        row.await.expect("a number").get(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_hears_what_they_may_see_loses_a_membership_and_is_cut_off() {
    let house = House::start().await;
    let (ann, ben) = (house.account("ann").await, house.account("ben").await);
    let live = house.person("ann", &ann, "live");
    let mut client = house.connected(&live).await;
    assert!(matches!(
        client.subscribe("tent-1/telemetry").await,
        Said::Answer(0..=2)
    ));
    for foreign in [
        "tent-2/telemetry",
        "tent-1/rpc/request",
        "+/telemetry",
        "#",
        "$SYS/#",
    ] {
        assert_eq!(
            client.subscribe(foreign).await,
            Said::Answer(NOT_AUTHORIZED),
            "{foreign}"
        );
    }
    house.publish("tent-1/telemetry", "21.5").await;
    assert_eq!(client.message().await.payload, "21.5");

    let (_, code) = house.connects(&house.person("ann", &ben, "stolen")).await;
    assert_eq!(code, Some(NOT_AUTHORIZED), "ann's token is not ben's");
    let mut bens = house.connected(&house.person("ben", &ben, "live")).await;
    assert_eq!(
        bens.subscribe("tent-1/telemetry").await,
        Said::Answer(NOT_AUTHORIZED)
    );

    // A second session of ann's that the broker keeps for her return, with its subscription.
    let kept = Connect {
        clean: false,
        expiry: 600,
        ..house.person("ann", &ann, "kept")
    };
    let mut tab = house.connected(&kept).await;
    assert!(matches!(
        tab.subscribe("tent-1/status").await,
        Said::Answer(0..=2)
    ));
    tab.disconnect().await;

    let lose = "DELETE FROM group_member";
    house.sql.batch_execute(lose).await.expect("ann leaves");
    let number = house.newest_change().await;
    until("the hooks have applied it", async || {
        house.hooks.metrics.applied.get() >= number
    })
    .await;
    let (mut new, code) = house.connects(&house.person("ann", &ann, "new")).await;
    assert_eq!(code, Some(0), "the account itself may still connect");
    let refused = new.subscribe("tent-1/telemetry").await;
    assert_eq!(refused, Said::Answer(NOT_AUTHORIZED));
    new.disconnect().await;

    let mut sessions = house.sessions(&ann).await;
    sessions.sort();
    let of = |tag: &str| format!("usr.{ann}.{tag}");
    assert_eq!(sessions, [of("kept"), of("live")], "connected or kept");
    let ids = Value::from(sessions);
    let kicked = house
        .api
        .call(Method::POST, "/clients/kickout/bulk", Some(ids));
    assert_eq!(kicked.await.0, StatusCode::NO_CONTENT);
    assert_eq!(
        client.ended().await,
        Said::Disconnect(ADMINISTRATIVE_ACTION)
    );
    until("no session is left", async || {
        house.sessions(&ann).await.is_empty()
    })
    .await;
    let back = house.connected(&kept).await;
    assert!(
        !back.session_present,
        "what was kept is gone with its subscriptions"
    );
    bens.ping().await;
}
