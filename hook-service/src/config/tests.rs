use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;

const SAMPLE: &str = include_str!("../../hook-service.env");

fn read(pairs: &[(&str, &str)]) -> Result<(Config, LogConfig), SettingsErrors> {
    let values = pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    Config::read(Settings::from_map(PREFIX, values))
}

const URL: (&str, &str) = ("HOOK_DATABASE_URL", "postgres://hook@localhost/iot_hub");

#[test]
fn only_the_database_has_to_be_told() {
    let (config, log) = read(&[URL]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8081");
    assert_eq!(config.policy.identity, IdentityMode::CertPem);
    assert_eq!(config.feed.staleness_max, Duration::from_secs(30));
    assert!(!config.policy.serve_known);
    assert_eq!(log.filter, "info");
    let SettingsErrors(mistakes) = read(&[]).unwrap_err();
    assert_eq!(mistakes.len(), 1);
    assert!(mistakes[0].contains("HOOK_DATABASE_URL"), "{mistakes:?}");
}

#[test]
fn the_staleness_bound_has_limits() {
    for (given, right) in [
        ("4999", false),
        ("5000", true),
        ("300000", true),
        ("300001", false),
    ] {
        assert_eq!(
            read(&[URL, ("HOOK_STALENESS_MS", given)]).is_ok(),
            right,
            "{given}"
        );
    }
    let tight = [URL, ("HOOK_STALENESS_MS", "5000"), ("HOOK_POLL_MS", "1300")];
    let SettingsErrors(mistakes) = read(&tight).unwrap_err();
    assert!(mistakes[0].contains("at most 1250"), "{mistakes:?}");
}

#[test]
fn people_need_issuers_that_are_addresses_and_without_any_nobody_is_let_in() {
    let (config, _) = read(&[URL]).unwrap();
    assert!(config.tokens.issuers.is_empty());
    assert_eq!(config.tokens.audience, "iot-hub");
    let two = "https://a.example, https://b.example/realms/x";
    let (config, _) = read(&[URL, ("HOOK_TOKEN_ISSUERS", two)]).unwrap();
    assert_eq!(config.tokens.issuers.len(), 2);
    for bad in ["a.example", "http://a.example", "https://a.example,ftp://b"] {
        let SettingsErrors(mistakes) = read(&[URL, ("HOOK_TOKEN_ISSUERS", bad)]).unwrap_err();
        assert!(mistakes[0].contains("HOOK_TOKEN_ISSUERS"), "{mistakes:?}");
    }
}

#[test]
fn tls_needs_all_its_files_and_a_password_in_a_bad_url_is_not_repeated() {
    let SettingsErrors(mistakes) = read(&[URL, ("HOOK_TLS_CERT_FILE", "/a.pem")]).unwrap_err();
    assert!(mistakes[0].contains("HOOK_TLS_KEY_FILE"), "{mistakes:?}");
    let bad = ("HOOK_DATABASE_URL", "postgres://hook:s3cret@host:port/db");
    let SettingsErrors(mistakes) = read(&[bad]).unwrap_err();
    assert!(!mistakes.concat().contains("s3cret"), "{mistakes:?}");
}

/// The sample shows optional settings as `#NAME=value`.
fn sample() -> BTreeMap<String, String> {
    SAMPLE
        .lines()
        .map(|line| line.strip_prefix('#').unwrap_or(line))
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn the_sample_names_every_setting_and_nothing_else() {
    let source = concat!(
        include_str!("../config.rs"),
        include_str!("database.rs"),
        include_str!("tokens.rs")
    );
    let in_code: BTreeSet<&str> = source
        .split('"')
        .filter(|text| text.starts_with(PREFIX) && !text.contains(' ') && *text != PREFIX)
        .collect();
    let in_sample = sample();
    let in_sample: BTreeSet<&str> = in_sample
        .keys()
        .map(String::as_str)
        // A secret's file is the same setting.
        .filter(|name| {
            !name
                .strip_suffix("_FILE")
                .is_some_and(|name| in_code.contains(name))
        })
        .collect();
    assert_eq!(in_sample, in_code);
}

#[test]
fn what_the_sample_sets_is_right() {
    let given: Vec<(&str, &str)> = SAMPLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .collect();
    read(&given).unwrap();
}
