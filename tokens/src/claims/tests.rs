//! The rules of one token's claims, each with the claim that breaks it.

use serde_json::{Value, json};

use super::*;

const NOW: u64 = 1_800_000_000;

fn good() -> Value {
    json!({
        "iss": "https://login.example.com", "sub": "s-1", "aud": "iot-hub",
        "exp": NOW + 60, "nbf": NOW - 1, "iat": NOW - 1, "azp": "console",
        "realm_access": {"roles": ["admin"]},
        "resource_access": {
            "iot-hub": {"roles": ["manufacturer"]},
            "other": {"roles": ["foreign"]},
        },
        "groups": ["/tenants/acme"],
    })
}

fn read(claims: &Value, kind: Kind) -> Result<Caller, TokenError> {
    Claims::parse(claims.to_string().as_bytes())?.into_caller(kind, "iot-hub", NOW)
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = good();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = good();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

#[test]
fn roles_come_from_the_realm_and_from_this_audience_only() {
    let caller = read(&good(), Kind::AccessToken).unwrap();
    assert!(caller.has_role("admin") && caller.has_role("manufacturer"));
    assert!(!caller.has_role("foreign") && !caller.has_role("/tenants/acme"));
    assert_eq!(caller.subject, "s-1");
    assert_eq!(caller.client.as_deref(), Some("console"));
    assert_eq!(caller.expires_at_s, NOW + 60);
}

#[test]
fn a_token_ends_at_its_end_plus_the_leeway() {
    let at = |exp: u64| read(&with("exp", json!(exp)), Kind::AccessToken);
    assert!(at(NOW - LEEWAY_S + 1).is_ok());
    assert_eq!(at(NOW - LEEWAY_S), Err(TokenError::Expired));
    assert_eq!(at(0), Err(TokenError::Expired));
    assert!(at(u64::MAX).is_ok());
}

#[test]
fn a_missing_or_odd_end_is_refused() {
    assert_eq!(
        read(&without("exp"), Kind::AccessToken),
        Err(TokenError::Claim("exp"))
    );
    for odd in [json!(-1), json!(1e300), json!(-0.5)] {
        assert_eq!(
            read(&with("exp", odd), Kind::AccessToken),
            Err(TokenError::Claim("exp"))
        );
    }
    let text = with("exp", json!("1900000000"));
    assert_eq!(read(&text, Kind::AccessToken), Err(TokenError::Malformed));
}

#[test]
fn an_end_with_a_fraction_counts() {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let end = NOW as f64 + 60.5;
    assert!(read(&with("exp", json!(end)), Kind::AccessToken).is_ok());
}

#[test]
fn a_token_of_the_future_is_refused_beyond_the_leeway() {
    for claim in ["nbf", "iat"] {
        let near = with(claim, json!(NOW + LEEWAY_S));
        assert!(read(&near, Kind::AccessToken).is_ok());
        let far = with(claim, json!(NOW + LEEWAY_S + 1));
        assert_eq!(read(&far, Kind::AccessToken), Err(TokenError::NotYetValid));
    }
}

#[test]
fn the_audience_must_name_this_service() {
    assert!(
        read(
            &with("aud", json!(["account", "iot-hub"])),
            Kind::AccessToken
        )
        .is_ok()
    );
    for other in [
        json!("account"),
        json!([]),
        json!("iot-hub2"),
        json!(["IOT-HUB"]),
    ] {
        assert_eq!(
            read(&with("aud", other), Kind::AccessToken),
            Err(TokenError::Audience)
        );
    }
    assert_eq!(
        read(&without("aud"), Kind::AccessToken),
        Err(TokenError::Audience)
    );
}

#[test]
fn a_subject_must_be_there_and_short() {
    assert_eq!(
        read(&without("sub"), Kind::AccessToken),
        Err(TokenError::Claim("sub"))
    );
    for bad in [json!(""), json!("s".repeat(256))] {
        assert_eq!(
            read(&with("sub", bad), Kind::AccessToken),
            Err(TokenError::Claim("sub"))
        );
    }
}

#[test]
fn keycloaks_id_and_refresh_tokens_are_refused() {
    let typ = |typ: &str| read(&with("typ", json!(typ)), Kind::Plain);
    assert!(typ("Bearer").is_ok());
    assert_eq!(typ("ID"), Err(TokenError::Type));
    assert_eq!(typ("Refresh"), Err(TokenError::Type));
    assert_eq!(typ("bearer"), Err(TokenError::Type));
    assert_eq!(read(&good(), Kind::Plain), Err(TokenError::Type));
    assert_eq!(
        read(&with("typ", json!("ID")), Kind::AccessToken),
        Err(TokenError::Type)
    );
}

#[test]
fn claims_of_wrong_shape_or_given_twice_are_refused() {
    for bad in [
        r#"{"iss":["a"]}"#,
        r#"{"sub":"x"}"#,
        r#"{"iss":"a","iss":"b"}"#,
        r#"{"iss":"a","realm_access":"admin"}"#,
        r#"{"iss":"a","groups":"g"}"#,
        "[]",
        "null",
        "",
    ] {
        assert!(Claims::parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn a_token_that_a_client_got_for_itself_is_a_services() {
    let is_service = |claims: Value| read(&claims, Kind::AccessToken).unwrap().is_service;
    assert!(!is_service(good()));
    assert!(is_service(with("sub", json!("console"))));
    let name = "preferred_username";
    assert!(is_service(with(name, json!("service-account-console"))));
    assert!(!is_service(with(name, json!("service-account-other"))));
    let mut unknown = with("sub", json!("console"));
    unknown.as_object_mut().unwrap().remove("azp");
    assert!(!is_service(unknown));
}

#[test]
fn organizations_are_read_in_each_of_keycloaks_shapes() {
    let aliases = |value: Value| {
        let caller = read(&with("organization", value), Kind::AccessToken).unwrap();
        caller.organizations.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(aliases(json!("acme")), ["acme"]);
    assert_eq!(aliases(json!(["b", "a"])), ["a", "b"]);
    assert_eq!(aliases(json!({"acme": {"id": "1"}})), ["acme"]);
    assert!(read(&with("organization", json!(1)), Kind::AccessToken).is_err());
}

#[test]
fn a_token_of_the_same_second_counts_as_older() {
    let caller = read(&good(), Kind::AccessToken).unwrap();
    let issued = i128::from(NOW - 1) * 1_000_000;
    assert!(!caller.is_issued_before(issued));
    assert!(caller.is_issued_before(issued + 1));
    let silent = read(&without("iat"), Kind::AccessToken).unwrap();
    assert!(silent.is_issued_before(1));
}
