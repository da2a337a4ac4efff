//! Files that would make a test on this broker lie about EMQX are refused with their mend.

use dev_broker::{DevBroker, StartError};

use crate::support::lab::options;
use crate::support::pki::pki;

async fn refusal(changes: &[(&str, &str)]) -> String {
    let error = DevBroker::start(options(changes, None))
        .await
        .expect_err("the file is refused");
    error.to_string()
}

#[tokio::test]
async fn what_is_not_imitated_is_refused_by_name() {
    let rows: [(&str, &str, &str); 6] = [
        (
            "cache { enable = false }",
            "cache { enable = true }",
            "authorization.cache.enable",
        ),
        (
            "delayed.enable = false",
            "delayed.enable = true",
            "delayed.enable",
        ),
        (
            "verify = verify_peer",
            "verify = verify_none",
            "ssl_options",
        ),
        (
            "enable_authn = true",
            "enable_authn = false",
            "enable_authn",
        ),
        (
            "strict_mode = false",
            "strict_mode = false\n  peer_cert_as_clientid = cn",
            "mqtt.peer_cert_as_clientid",
        ),
        (
            "http://hook-service:8081/authz",
            "https://hook-service:8081/authz",
            "https://hook-service:8081/authz",
        ),
    ];
    for (from, to, named) in rows {
        let sentence = refusal(&[(from, to)]).await;
        assert!(sentence.contains(named), "`{named}` is not in: {sentence}");
    }
}

#[tokio::test]
async fn an_unknown_listener_and_a_missing_file_are_named() {
    let mut unknown = options(&[], None);
    unknown
        .bind
        .insert("device".to_owned(), ([127, 0, 0, 1], 0).into());
    unknown
        .bind
        .insert("robots".to_owned(), ([127, 0, 0, 1], 0).into());
    let error = DevBroker::start(unknown)
        .await
        .expect_err("nobody is called robots");
    assert!(matches!(&error, StartError::UnknownListener { name, .. } if name == "robots"));
    let mut nowhere = options(&[], None);
    nowhere.certs_dir = pki().folder.join("nowhere");
    let error = DevBroker::start(nowhere)
        .await
        .expect_err("no files are there");
    assert!(error.to_string().contains("device-trust.pem"), "{error}");
}
