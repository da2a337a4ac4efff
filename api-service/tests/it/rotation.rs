//! A new device authority beside the old one: both sides verify, both lists are served.

use certs::folder::InitOptions;
use certs::{CaKind, Certificate};

use crate::crl::verify;
use crate::support::{Answer, Stack, eventually};

const BASE: (&str, &str) = ("API_CRL_BASE_URL", "http://crl.example.com");

#[tokio::test(flavor = "multi_thread")]
async fn devices_of_both_authorities_verify_and_both_lists_go_on() {
    let stack = Stack::start_with(&[BASE]).await;
    let old = stack.device("tent-1").await;
    let old_revoked = stack.device("tent-2").await;
    let (pki, database) = stack.stop().await;
    let database = database.unwrap();

    let now = time::OffsetDateTime::now_utc();
    let rotation = pki
        .folder
        .rotate(
            CaKind::Device,
            &InitOptions::default(),
            now,
            &mut rand::rng(),
        )
        .unwrap();
    let text = |path: &std::path::Path| path.display().to_string();
    let current = (
        text(&rotation.current.certificate),
        text(&rotation.current.key),
    );
    // The one that signs may be named among the retired.
    let retired = format!("{},{}", text(&rotation.retired[0].certificate), current.0);
    let settings = [
        BASE,
        ("API_DEVICE_CA_CERT_FILE", current.0.as_str()),
        ("API_DEVICE_CA_KEY_FILE", current.1.as_str()),
        ("API_DEVICE_CA_RETIRED_FILES", retired.as_str()),
    ];
    let mut stack = Stack::start_in(pki, &database.api_url(), &settings).await;
    stack.database = Some(database);
    stack.until_ready().await;
    let new = stack.device("tent-3").await;
    let new_revoked = stack.device("tent-4").await;
    assert_ne!(old.issuer(), new.issuer());
    stack.revoke("tent-2").await;
    stack.revoke("tent-4").await;

    for (good, revoked) in [(&old, &old_revoked), (&new, &new_revoked)] {
        let list = stack.list_with(revoked).await;
        assert_eq!(list.issuer(), revoked.issuer());
        let said = verify(&stack.pki, revoked, &list);
        assert!(said.contains("certificate revoked"), "{said}");
        let list = stack.list_at(&good.crl_url().unwrap()).await;
        let said = verify(&stack.pki, good, &list);
        assert!(said.contains("OK"), "{said}");
    }

    // Under the old name stand the whole lists of both, the signing one's first.
    let lists = stack.crl("/crl/device.pem").await.text().await.unwrap();
    assert_eq!(lists.matches("-----BEGIN X509 CRL-----").count(), 2);
    let first =
        certs::RevocationList::parse(&stack.crl("/crl/device.der").await.bytes().await.unwrap())
            .unwrap();
    assert!(lists.starts_with(&first.pem()) && first.issuer() == new.issuer());

    let view = Answer::of(stack.http.get(stack.url("/api/v1/certificates/ca"))).await;
    assert_eq!(view.body["issuer"]["subject"], new.issuer());
    assert_eq!(view.body["retired"][0]["subject"], old.issuer());
    let metrics = stack.metrics().await;
    for role in ["device", "device_retired", "root", "server"] {
        let role = format!("role=\"{role}\"");
        let mut lines = metrics.lines();
        let line = lines.find(|line| {
            line.starts_with("api_authority_not_after_seconds") && line.contains(&role)
        });
        assert!(line.is_some(), "{role}: {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_without_living_certificates_signs_no_lists_any_more() {
    let stack = Stack::start_with(&[BASE, ("API_CRL_SHARDS", "1")]).await;
    let old = stack.device("tent-1").await;
    let url = old.crl_url().unwrap();
    stack.list_at(&url).await;
    let (pki, database) = stack.stop().await;
    let database = database.unwrap();
    let now = time::OffsetDateTime::now_utc();
    let rotation = pki
        .folder
        .rotate(
            CaKind::Device,
            &InitOptions::default(),
            now,
            &mut rand::rng(),
        )
        .unwrap();
    let [certificate, key, retired] = [
        &rotation.current.certificate,
        &rotation.current.key,
        &rotation.retired[0].certificate,
    ]
    .map(|path| path.display().to_string());
    let settings = [
        BASE,
        ("API_CRL_SHARDS", "1"),
        ("API_DEVICE_CA_CERT_FILE", certificate.as_str()),
        ("API_DEVICE_CA_KEY_FILE", key.as_str()),
        ("API_DEVICE_CA_RETIRED_FILES", retired.as_str()),
    ];
    let mut stack = Stack::start_in(pki, &database.api_url(), &settings).await;
    stack.database = Some(database);
    let sql = stack.sql().await;
    let end = "UPDATE certificate SET not_before = now() - interval '400 days',
                      not_after = now() - interval '30 days'";
    sql.execute(end, &[]).await.unwrap();
    let age = "UPDATE crl_list SET number = number + 1, made_at = made_at - interval '20 hours'
                WHERE issuer = (SELECT issuer FROM certificate LIMIT 1)";
    assert_eq!(sql.execute(age, &[]).await.unwrap(), 2);
    // A new authority's list that is made meanwhile shows that the keeper looked.
    let new: Certificate = stack.device("tent-2").await;
    stack.revoke("tent-2").await;
    stack.list_with(&new).await;
    let old_ones = "SELECT count(*) FROM crl_list
                     WHERE made_at < now() - interval '12 hours'";
    assert_eq!(stack.count(old_ones).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_authority_that_is_not_loaded_is_counted_while_its_certificates_live() {
    let stack = Stack::start_with(&[BASE, ("API_CRL_SHARDS", "1")]).await;
    stack.device("tent-1").await;
    let (pki, database) = stack.stop().await;
    let database = database.unwrap();
    let now = time::OffsetDateTime::now_utc();
    let init = InitOptions::default();
    let rotation = pki
        .folder
        .rotate(CaKind::Device, &init, now, &mut rand::rng())
        .unwrap();
    let [certificate, key] = [&rotation.current.certificate, &rotation.current.key]
        .map(|path| path.display().to_string());
    let forgotten = [
        BASE,
        ("API_CRL_SHARDS", "1"),
        ("API_DEVICE_CA_CERT_FILE", certificate.as_str()),
        ("API_DEVICE_CA_KEY_FILE", key.as_str()),
    ];
    let counts = async |stack: &Stack, count: u8| {
        let line = format!("api_authorities_not_loaded {count}\n");
        // Counted together with what ends soon, whose series exist from the first count on.
        let series = "api_certificates_expiring{within=\"7d\"}";
        eventually("it is counted", async || {
            let metrics = stack.metrics().await;
            metrics.contains(series) && metrics.contains(&line)
        })
        .await;
    };
    let mut stack = Stack::start_in(pki, &database.api_url(), &forgotten).await;
    stack.database = Some(database);
    counts(&stack, 1).await;
    let sql = stack.sql().await;
    let end = "UPDATE certificate SET not_before = now() - interval '400 days',
                      not_after = now() - interval '30 days'";
    sql.execute(end, &[]).await.unwrap();
    drop(sql);
    let (pki, database) = stack.stop().await;
    let database = database.unwrap();
    let stack = Stack::start_in(pki, &database.api_url(), &forgotten).await;
    counts(&stack, 0).await;
}
