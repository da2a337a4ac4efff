//! Settings from maps: what is needed, what is refused, what is never shown.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn good() -> BTreeMap<String, String> {
    [
        ("API_DATABASE_URL", "postgres://api@localhost/iot_hub"),
        (
            "API_TOKEN_ISSUERS",
            "https://login.example.com/realms/iot-hub",
        ),
        ("API_DEVICE_CA_CERT_FILE", "device-ca.pem"),
        ("API_DEVICE_CA_KEY_FILE", "device-ca.key"),
        ("API_SERVER_CA_CERT_FILE", "server-trust.pem"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn read(changes: &[(&str, &str)]) -> Result<Config, String> {
    let mut map = good();
    for (name, value) in changes {
        map.insert((*name).to_owned(), (*value).to_owned());
    }
    Config::read(Settings::from_map(PREFIX, map)).map_err(|errors| errors.to_string())
}

#[test]
fn five_settings_are_enough() {
    let config = read(&[]).unwrap();
    assert_eq!(config.listen.port(), 8080);
    assert_eq!(config.token_audience, "iot-hub");
    assert!(config.brokers.is_empty() && config.crl.base.is_none());
    assert_eq!((config.crl.shards, config.crl.listen), (16, None));
}

#[test]
fn nothing_works_without_an_issuer() {
    let error = read(&[("API_TOKEN_ISSUERS", " ")]).map(drop).unwrap_err();
    assert!(error.contains("API_TOKEN_ISSUERS is not set"), "{error}");
    for bad in ["http://login.example.com", "https://a.example.com,nonsense"] {
        assert!(read(&[("API_TOKEN_ISSUERS", bad)]).is_err(), "{bad}");
    }
}

#[test]
fn nobody_is_believed_about_callers_unless_listed() {
    let config = read(&[]).unwrap();
    assert!(!config.callers.proxies.is_trusted([127, 0, 0, 1].into()));
    assert!(config.callers.origins.is_empty());
    let listed = [
        ("API_TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        (
            "API_CORS_ORIGINS",
            "https://console.example.com,http://localhost:5173",
        ),
    ];
    let config = read(&listed).unwrap();
    assert!(config.callers.proxies.is_trusted([10, 1, 2, 3].into()));
    assert_eq!(config.callers.origins.len(), 2);
    for (name, bad) in [
        ("API_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("API_CORS_ORIGINS", "*"),
    ] {
        let error = read(&[(name, bad)]).map(drop).unwrap_err();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn how_often_callers_may_ask_is_bounded_unless_a_setting_says_0() {
    let rates = |changes: &[(&str, &str)]| {
        let callers = read(changes).unwrap().callers;
        [callers.per_account, callers.per_address].map(|rate| rate.map(|rate| rate.burst()))
    };
    assert_eq!(rates(&[]), [Some(200), Some(800)]);
    let set = [
        ("API_RATE_PER_ACCOUNT", "0"),
        ("API_RATE_PER_ADDRESS", "5:7"),
    ];
    assert_eq!(rates(&set), [None, Some(7)]);
    for name in ["API_RATE_PER_ACCOUNT", "API_RATE_PER_ADDRESS"] {
        for bad in ["-1", "5:0", "many"] {
            let error = read(&[(name, bad)]).map(drop).unwrap_err();
            assert!(error.contains(name) && error.contains("50:200"), "{error}");
        }
    }
}

#[test]
fn traces_go_nowhere_unless_a_collector_is_named() {
    assert!(read(&[]).unwrap().traces.is_none());
    let named = [
        ("API_OTLP_ENDPOINT", "http://collector:4318"),
        ("API_OTLP_PERCENT", "7"),
    ];
    assert_eq!(read(&named).unwrap().traces.unwrap().percent, 7);
    for bad in [
        "collector:4318",
        "ftp://collector",
        "http://u:s3cret@collector",
        "http://c/?k=s3cret",
    ] {
        let error = read(&[("API_OTLP_ENDPOINT", bad)]).map(drop).unwrap_err();
        assert!(error.contains("API_OTLP_ENDPOINT"), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
    assert!(read(&[("API_OTLP_PERCENT", "101")]).is_err());
}

#[test]
fn every_mistake_is_told_at_once() {
    let changes = [
        ("API_LISTEN", "here"),
        ("API_DEVICE_CERT_DAYS", "0"),
        ("API_BROKER_URL", "emqx"),
        ("API_CRL_BASE_URL", "https://api.example.com"),
        ("API_MISSPELLED", "1"),
    ];
    let error = read(&changes).map(drop).unwrap_err();
    for (name, _) in changes {
        assert!(error.contains(name), "{name} is missing in: {error}");
    }
}

#[test]
fn a_password_is_never_repeated() {
    let changes = [
        ("API_DATABASE_URL", "postgres://api:geheim@"),
        ("API_BROKER_URL", "http://user:geheim@emqx:18083"),
        ("API_BROKER_KEY", "geheim"),
    ];
    let error = read(&changes).map(drop).unwrap_err();
    assert!(!error.contains("geheim"), "{error}");
}

#[test]
fn a_broker_needs_a_key_and_its_secret() {
    let url = ("API_BROKER_URL", "http://emqx:18083");
    for bad in ["", "key", "key:", ":secret"] {
        let error = read(&[url, ("API_BROKER_KEY", bad)]).map(drop).unwrap_err();
        assert!(error.contains("key:secret"), "{error}");
    }
    let config = read(&[url, ("API_BROKER_KEY", "key:se:cret")]).unwrap();
    let broker = &config.brokers[0];
    assert_eq!(
        (broker.key.as_str(), broker.secret.expose()),
        ("key", "se:cret")
    );
}

#[test]
fn several_clusters_have_names_and_keys_of_their_own() {
    let many = ("API_BROKERS", "eu=http://eu:18083, us-1=http://us:18083");
    let eu = ("API_BROKER_EU_KEY", "key:a");
    let config = read(&[many, eu, ("API_BROKER_US_1_KEY", "key:b")]).unwrap();
    let clusters: Vec<_> = config
        .brokers
        .iter()
        .map(|broker| (broker.name.as_str(), broker.secret.expose()))
        .collect();
    assert_eq!(clusters, [("eu", "a"), ("us-1", "b")]);

    let error = read(&[many, eu]).map(drop).unwrap_err();
    assert!(error.contains("API_BROKER_US_1_KEY"), "{error}");
    let one = ("API_BROKER_URL", "http://emqx:18083");
    let error = read(&[("API_BROKERS", "eu=http://eu:18083"), eu, one]);
    assert!(error.map(drop).unwrap_err().contains("both set"));
    for bad in [
        "eu",
        "eu=",
        "=http://eu:18083",
        "EU=http://eu:18083",
        "eu=http://a:1,eu=http://b:1",
        "eu=http://user@eu:18083",
    ] {
        let error = read(&[("API_BROKERS", bad), eu]).map(drop).unwrap_err();
        assert!(error.contains("API_BROKERS"), "{bad}: {error}");
    }
}

#[test]
fn commands_with_few_needs_know_the_keys_of_several_clusters() {
    let mut map = good();
    for (name, value) in [
        ("API_BROKERS", "eu=http://eu:1"),
        ("API_BROKER_EU_KEY", "k:s"),
    ] {
        map.insert(name.to_owned(), value.to_owned());
    }
    assert!(DatabaseConfig::read(Settings::from_map(PREFIX, map)).is_ok());
}

#[test]
fn the_list_of_revoked_certificates_has_a_plain_http_address() {
    let config = read(&[("API_CRL_BASE_URL", "http://api.example.com/")]).unwrap();
    assert_eq!(config.crl.base.unwrap().as_str(), "http://api.example.com");
    let long = format!("http://{}", "x".repeat(400));
    for bad in [
        "https://crl.example.com",
        "crl.example.com",
        "http://u@crl.example.com",
        &long,
    ] {
        assert!(read(&[("API_CRL_BASE_URL", bad)]).is_err(), "{bad}");
    }
}

#[test]
fn the_lists_have_limits_of_number_and_time() {
    for (name, good, bad) in [
        ("API_CRL_SHARDS", ["1", "1000"], ["0", "1001"]),
        ("API_CRL_VALID_HOURS", ["1", "2160"], ["0", "2161"]),
    ] {
        for value in good {
            assert!(read(&[(name, value)]).is_ok(), "{name}={value}");
        }
        for value in bad {
            let error = read(&[(name, value)]).map(drop).unwrap_err();
            assert!(error.contains(name), "{error}");
        }
    }
    let config = read(&[("API_DEVICE_CA_RETIRED_FILES", "a.pem, b.pem,")]).unwrap();
    assert_eq!(config.pki.device_ca_retired.len(), 2);
}

#[test]
fn commands_with_few_needs_accept_the_settings_of_the_service() {
    let mut map = good();
    for name in NAMES {
        map.entry((*name).to_owned()).or_default();
    }
    assert!(DatabaseConfig::read(Settings::from_map(PREFIX, map.clone())).is_ok());
    map.insert("API_MISSPELLED".to_owned(), "1".to_owned());
    assert!(DatabaseConfig::read(Settings::from_map(PREFIX, map)).is_err());
}

#[test]
fn every_setting_is_documented() {
    let page = include_str!("../../../docs/API.md");
    for name in NAMES
        .iter()
        .filter(|name| !name.ends_with("KEY_FILE") && !name.ends_with("PASSWORD_FILE"))
    {
        assert!(
            page.contains(&format!("`{name}`")),
            "docs/API.md lacks {name}"
        );
    }
}

const SAMPLE: &str = include_str!("../../api-service.env");

#[test]
fn the_sample_names_every_setting_and_nothing_else() {
    let lines = SAMPLE.lines();
    let lines = lines.map(|line| line.strip_prefix('#').unwrap_or(line));
    let in_sample: BTreeSet<&str> = lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
        .filter(|name| name.starts_with(PREFIX))
        .collect();
    let known: BTreeSet<&str> = NAMES.iter().chain(&doctor::NAMES).copied().collect();
    assert_eq!(in_sample, known);
}

#[test]
fn what_the_sample_sets_is_right() {
    let lines = SAMPLE.lines().filter(|line| !line.starts_with('#'));
    let given = lines.filter_map(|line| line.split_once('='));
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Config::read(Settings::from_map(PREFIX, given.collect())).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn the_audit_is_kept_for_ever_unless_a_setting_says_otherwise() {
    let retention = read(&[]).unwrap().retention;
    assert_eq!(
        (retention.audit_days, retention.notification_days),
        (None, 90)
    );
    let most = [("API_AUDIT_DAYS", "36500"), ("API_NOTIFICATION_DAYS", "1")];
    let retention = read(&most).unwrap().retention;
    assert_eq!(
        (retention.audit_days, retention.notification_days),
        (Some(36_500), 1)
    );
    for bad in [
        ("API_AUDIT_DAYS", "36501"),
        ("API_AUDIT_DAYS", "-1"),
        ("API_NOTIFICATION_DAYS", "0"),
    ] {
        assert!(read(&[bad]).is_err(), "{bad:?}");
    }
}
