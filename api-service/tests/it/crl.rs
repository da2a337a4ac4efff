//! Revocation lists in shards: OpenSSL judges them, replicas share them, settings change under them.

use std::path::Path;
use std::process::Command;

use certs::{Certificate, RevocationList};
use serde_json::json;

use crate::support::{Pki, Stack, eventually};

/// What certificates name in these tests; the lists are fetched below the real address.
const BASE: (&str, &str) = ("API_CRL_BASE_URL", "http://crl.example.com/");

impl Stack {
    /// A path of the lists' own listener.
    pub async fn crl(&self, path: &str) -> reqwest::Response {
        let url = format!("http://{}{path}", self.addresses.crl.unwrap());
        self.http.get(url).send().await.unwrap()
    }

    /// The list that a URL in a certificate leads to, once it is there.
    pub async fn list_at(&self, url: &str) -> RevocationList {
        let path = &url["http://crl.example.com".len()..];
        eventually("the list is there", async || {
            self.crl(path).await.status() == 200
        })
        .await;
        RevocationList::parse(&self.crl(path).await.bytes().await.unwrap()).unwrap()
    }

    /// A new device's certificate.
    pub async fn device(&self, id: &str) -> Certificate {
        let made = self.registered(id).await;
        Certificate::read_first(made["certificate"].as_str().unwrap().as_bytes()).unwrap()
    }

    pub async fn revoke(&self, id: &str) {
        let path = format!("/api/v1/devices/{id}/revoke");
        let answer = self.post(&path, &json!({"reason": "superseded"})).await;
        assert_eq!(answer.status, 202, "{:?}", answer.body);
    }

    /// Waits until the list of a certificate names it, and gives that list.
    pub async fn list_with(&self, certificate: &Certificate) -> RevocationList {
        let url = certificate.crl_url().unwrap();
        eventually("the certificate is listed", async || {
            names(&self.list_at(&url).await, certificate)
        })
        .await;
        self.list_at(&url).await
    }
}

fn names(list: &RevocationList, certificate: &Certificate) -> bool {
    list.entries()
        .any(|entry| entry.serial == certificate.serial())
}

/// What OpenSSL says of a certificate, its chain and one list.
pub fn verify(pki: &Pki, certificate: &Certificate, list: &RevocationList) -> String {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        std::fs::write(dir.path().join(name), text).unwrap();
    };
    write("leaf.pem", certificate.pem());
    write("list.pem", list.pem());
    let bundle = pki.folder.path("device-trust.pem").display().to_string();
    openssl(
        dir.path(),
        &[
            "verify",
            "-x509_strict",
            "-crl_check",
            "-CRLfile",
            "list.pem",
            "-CAfile",
            &bundle,
            "leaf.pem",
        ],
    )
}

fn openssl(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(dir)
        .output()
        .unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_takes_the_good_and_refuses_the_revoked_and_the_list_of_another_shard() {
    let stack = Stack::start_with(&[BASE, ("API_CRL_SHARDS", "2")]).await;
    let mut certificates = Vec::new();
    for id in ["tent-1", "tent-2", "tent-3"] {
        certificates.push((id, stack.device(id).await));
    }
    // Of three certificates in two shards, two are in the same.
    let url = |index: usize| certificates[index].1.crl_url();
    let (revoked, good) = if url(0) == url(1) {
        (0, 1)
    } else if url(0) == url(2) {
        (0, 2)
    } else {
        (1, 2)
    };
    stack.revoke(certificates[revoked].0).await;
    let (revoked, good) = (&certificates[revoked].1, &certificates[good].1);
    let list = stack.list_with(revoked).await;
    assert_eq!(list.shard_url(), revoked.crl_url());
    let said = verify(&stack.pki, good, &list);
    assert!(said.contains("OK"), "{said}");
    let said = verify(&stack.pki, revoked, &list);
    assert!(said.contains("certificate revoked"), "{said}");

    let mine = good.crl_url().unwrap();
    let sql = stack.sql().await;
    let other = "SELECT url FROM crl_list WHERE shard > 0 AND url <> $1";
    let other: String = sql.query_one(other, &[&mine]).await.unwrap().get(0);
    let other = stack.list_at(&other).await;
    let said = verify(&stack.pki, revoked, &other);
    assert!(said.contains("different CRL scope"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_shows_the_number_and_the_critical_distribution_point() {
    let stack = Stack::start_with(&[BASE, ("API_CRL_SHARDS", "1")]).await;
    let url = stack.device("tent-1").await.crl_url().unwrap();
    let list = stack.list_at(&url).await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("list.pem"), list.pem()).unwrap();
    let said = openssl(dir.path(), &["crl", "-in", "list.pem", "-noout", "-text"]);
    for part in [
        "X509v3 CRL Number",
        "X509v3 Issuing Distribution Point: critical",
        &format!("URI:{url}"),
        "Only User Certificates",
        "X509v3 Authority Key Identifier",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_spent_only_when_something_was_revoked_or_time_is_up() {
    let stack = Stack::start_with(&[BASE, ("API_CRL_SHARDS", "1")]).await;
    let certificate = stack.device("tent-1").await;
    let url = certificate.crl_url().unwrap();
    let first = stack.list_at(&url).await;
    stack.revoke("tent-1").await;
    let second = stack.list_with(&certificate).await;
    assert!(second.number() > first.number());
    assert!(second.this_update() > first.this_update());

    // The numbers go on after a restart, and a young list is not made again by it.
    let (pki, database) = stack.stop().await;
    let database = database.unwrap();
    let mut stack =
        Stack::start_in(pki, &database.api_url(), &[BASE, ("API_CRL_SHARDS", "1")]).await;
    stack.database = Some(database);
    assert_eq!(stack.list_at(&url).await.number(), second.number());

    // Half of its time is over.
    let sql = stack.sql().await;
    let age = "UPDATE crl_list SET number = number + 1, made_at = made_at - interval '12 hours'";
    assert_eq!(sql.execute(age, &[]).await.unwrap(), 2);
    eventually("the list is made anew", async || {
        stack.list_at(&url).await.number().unwrap() > second.number().unwrap() + 1
    })
    .await;
    assert!(names(&stack.list_at(&url).await, &certificate));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_replicas_one_signs_and_both_serve() {
    let one = Stack::start_with(&[BASE, ("API_CRL_SHARDS", "3")]).await;
    let settings = |name: &str| one.pki.folder.path(name).display().to_string();
    let files = [
        ("API_DEVICE_CA_CERT_FILE", settings("device-ca.pem")),
        ("API_DEVICE_CA_KEY_FILE", settings("device-ca.key")),
        ("API_ROOT_CA_CERT_FILE", settings("root-ca.pem")),
    ];
    let mut more = vec![BASE, ("API_CRL_SHARDS", "3")];
    more.extend(files.iter().map(|(name, value)| (*name, value.as_str())));
    let two = Stack::start_at(&one.database.as_ref().unwrap().api_url(), &more).await;
    let certificate = one.device("tent-1").await;
    eventually("all lists are there", async || {
        one.count("SELECT count(*) FROM crl_list WHERE number > 0")
            .await
            == 4
    })
    .await;
    one.revoke("tent-1").await;
    let seen = two.list_with(&certificate).await;
    assert_eq!(one.list_with(&certificate).await, seen);

    // Four lists at first, and the whole one and the shard's after the revocation.
    let signed = async |stack: &Stack| -> f64 {
        let text = stack.metrics().await;
        let line = r#"api_signatures_total{what="revocation_list"} "#;
        let found = text.lines().find_map(|text| text.strip_prefix(line));
        found.map_or(0.0, |number| number.parse().unwrap())
    };
    eventually("each list was signed once for each reason", async || {
        (signed(&one).await + signed(&two).await - 6.0).abs() < 0.1
    })
    .await;
    assert_eq!(one.count("SELECT count(*) FROM crl_list").await, 4);
    assert_eq!(one.count("SELECT count(*) FROM crl_due").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_keep_their_shard_when_the_settings_change() {
    let stack = Stack::start_with(&[BASE, ("API_CRL_SHARDS", "1")]).await;
    let old = stack.device("tent-1").await;
    let (pki, database) = stack.stop().await;
    let database = database.unwrap();
    let other = [
        ("API_CRL_BASE_URL", "http://crl.example.net"),
        ("API_CRL_SHARDS", "2"),
    ];
    let mut stack = Stack::start_in(pki, &database.api_url(), &other).await;
    stack.database = Some(database);
    stack.until_ready().await;
    let new = stack.device("tent-2").await;
    assert!(
        new.crl_url()
            .unwrap()
            .starts_with("http://crl.example.net/crl/")
    );
    stack.revoke("tent-1").await;
    stack.revoke("tent-2").await;
    let listed = stack.list_with(&old).await;
    assert_eq!(listed.shard_url(), old.crl_url());
    assert!(!names(&listed, &new));
    // Both hosts have the same length, which is what `list_at` cuts off.
    let listed = stack.list_with(&new).await;
    assert_eq!(listed.shard_url(), new.crl_url());
    assert!(!names(&listed, &old));
    assert_eq!(stack.count("SELECT count(*) FROM crl_list").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_leaves_only_after_a_list_beyond_its_certificates_end() {
    let stack = Stack::start_with(&[BASE, ("API_CRL_SHARDS", "1")]).await;
    let mut certificates = Vec::new();
    for id in ["long-ended", "just-ended", "living"] {
        certificates.push(stack.device(id).await);
    }
    for id in ["long-ended", "just-ended"] {
        stack.revoke(id).await;
    }
    stack.list_with(&certificates[0]).await;
    stack.list_with(&certificates[1]).await;
    let sql = stack.sql().await;
    for (id, ago) in [("long-ended", "2 days"), ("just-ended", "1 hour")] {
        let end = format!(
            "UPDATE certificate SET not_before = now() - interval '9 days',
                    not_after = now() - interval '{ago}' WHERE device_id = $1"
        );
        assert_eq!(sql.execute(&end, &[&id]).await.unwrap(), 1);
    }
    stack.revoke("living").await;
    let list = stack.list_with(&certificates[2]).await;
    assert!(!names(&list, &certificates[0]), "it was listed for a day");
    assert!(names(&list, &certificates[1]));
}
