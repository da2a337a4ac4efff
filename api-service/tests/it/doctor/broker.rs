//! A broker that obeys a file, and what the doctor says of one with seeded mistakes.

use std::collections::BTreeMap;

use certs::folder::LeafOptions;
use certs::{ServerName, ServerSpec};
use dev_broker::{ApiKey, DevBroker};
use emqx_config::{EMQX_5_8, EmqxConf};
use schema::testing::MigratedDatabase;

use super::{Settings, doctor, read, set};
use crate::support::Pki;

/// Of the management API's key: never to be seen.
pub(super) const SECRET: &str = "s3cret-of-the-key";

/// A broker that obeys a file.
pub(super) async fn broker(pki: &Pki, text: &str) -> DevBroker {
    let names: [ServerName; 2] = ["localhost", "127.0.0.1"].map(|name| name.parse().unwrap());
    let spec = ServerSpec {
        names: &names,
        days: 90,
    };
    let options = LeafOptions {
        stem: "broker",
        renew: false,
    };
    let now = time::OffsetDateTime::now_utc();
    pki.folder
        .server_leaf(options, &spec, now, &mut rand::rng())
        .unwrap();
    DevBroker::start(dev_broker::Options {
        conf: EmqxConf::parse(text).unwrap(),
        certs_dir: pki.folder.path("broker.pem").parent().unwrap().to_owned(),
        bind: BTreeMap::new(),
        hook_base_url: None,
        crl: None,
        api_bind: ([127, 0, 0, 1], 0).into(),
        api_key: ApiKey {
            key: "key".to_owned(),
            secret: SECRET.to_owned(),
        },
        hook_headers: BTreeMap::new(),
    })
    .await
    .unwrap()
}

/// Settings that reach its management API.
pub(super) fn reaches(settings: &mut Settings, broker: &DevBroker) {
    let url = format!("http://{}", broker.addresses["api"]);
    let key = format!("key:{SECRET}");
    set(
        settings,
        &[("API_BROKER_URL", &url), ("API_BROKER_KEY", &key)],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_broker_with_a_seeded_mistake_is_found_out() {
    let pki = Pki::new();
    let text = EMQX_5_8
        .replace("no_match = deny", "no_match = allow")
        .replace("reuse_sessions = false", "reuse_sessions = true")
        .replace("request_timeout = 2s", "request_timeout = 5s")
        .replace(
            "# \"x-hook-secret\" = \"the value",
            "\"x-hook-secret\" = \"hunter2 the value",
        );
    let broker = broker(&pki, &text).await;
    let database = MigratedDatabase::create().await.unwrap();
    let mut settings = pki.settings();
    reaches(&mut settings, &broker);
    set(&mut settings, &[("API_DATABASE_URL", &database.api_url())]);
    let output = doctor(&settings, &["--json", "--watch", "0"]).await;
    let (report, codes) = read(&output);
    assert_eq!(output.status.code(), Some(2));
    for code in [
        "emqx_no_match_allow",
        "emqx_session_reuse",
        "emqx_request_timeout_long",
        "lease_missing",
    ] {
        assert!(
            codes.iter().any(|found| found == code),
            "{code} in {report:#}"
        );
    }
    // Without the file the zones were not seen, and that is said.
    assert!(report.to_string().contains("emqx_zones_unseen"));
    assert!(!report.to_string().contains("hunter2"));
}
