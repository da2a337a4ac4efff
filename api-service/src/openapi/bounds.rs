//! The bounds of parameters that many paths have, by their names: one table instead of a copy at every
//! handler.

use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, SchemaFormat};
use utoipa::openapi::{Object, ObjectBuilder, RefOr, Schema, Type};

/// What [`schema::DeviceId`] takes.
pub(super) const DEVICE_ID: &str = "^[A-Za-z0-9_-]{1,64}$";

/// What [`certs::Fingerprint`] takes: with colons, or without.
pub(super) const FINGERPRINT: &str = "^([0-9A-Fa-f]{64}|[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){31})$";

/// Gives a parameter the bounds that its name has on this path, if the table knows it.
pub(super) fn bound(path: &str, parameter: &mut RefOr<Parameter>) {
    let RefOr::T(parameter) = parameter else {
        return;
    };
    if let Some(bounds) = of(path, &parameter.parameter_in, &parameter.name) {
        parameter.schema = Some(RefOr::T(Schema::Object(bounds)));
    }
}

fn of(path: &str, place: &ParameterIn, name: &str) -> Option<Object> {
    let numbered = [
        "/api/v1/operations/",
        "/api/v1/revocations/",
        "/api/v1/notifications/",
    ];
    let object = match (place, name) {
        (ParameterIn::Path, "id") if path.starts_with("/api/v1/devices/") => device_id(),
        (ParameterIn::Path, "id") if numbered.iter().any(|each| path.starts_with(each)) => number(),
        (ParameterIn::Query, "deviceId") => device_id(),
        (ParameterIn::Path, "fingerprint") => {
            text(FINGERPRINT).examples([example_fingerprint()]).build()
        }
        (ParameterIn::Path, "plan") => text("^[a-z0-9-]{1,32}$").examples(["free"]).build(),
        (ParameterIn::Path, "uuid") => uuid(),
        (ParameterIn::Query, "accountId" | "groupId") => uuid(),
        (ParameterIn::Query, "parentId") => {
            text("^(root|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$")
                .examples(["root"])
                .build()
        }
        (ParameterIn::Query, "cursor") => text("^[A-Za-z0-9_-]+$").max_length(Some(512)).build(),
        (ParameterIn::Header, "If-Match") => text(r#"^(\*|(W/)?"[0-9]{1,19}")$"#)
            .examples([r#""7""#])
            .build(),
        (ParameterIn::Header, "Idempotency-Key") => text("^[!-~]{1,128}$")
            .examples(["9b2f0c4e-order-17"])
            .build(),
        _ => return None,
    };
    Some(object)
}

fn text(pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern))
}

fn device_id() -> Object {
    text(DEVICE_ID).examples(["tent-0001"]).build()
}

fn number() -> Object {
    let format = SchemaFormat::KnownFormat(KnownFormat::Int64);
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(format))
        .minimum(Some(1))
        .examples([4711])
        .build()
}

fn uuid() -> Object {
    let format = SchemaFormat::Custom("uuid".to_owned());
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(format))
        .build()
}

fn example_fingerprint() -> String {
    (0_u8..32).map(|byte| format!("{:02X}", byte * 7)).collect()
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn the_patterns_take_what_the_readers_take() {
        let fingerprint = Regex::new(FINGERPRINT).unwrap();
        let plain = example_fingerprint();
        let colons = plain.as_bytes().chunks(2);
        let colons: Vec<_> = colons
            .map(|pair| std::str::from_utf8(pair).unwrap())
            .collect();
        let colons = colons.join(":");
        for text in [
            &plain,
            &colons,
            &plain.to_lowercase(),
            &plain[1..].to_owned(),
            &colons.replacen(':', "", 1),
        ] {
            assert_eq!(
                fingerprint.is_match(text),
                certs::Fingerprint::parse(text).is_ok(),
                "{text}"
            );
        }
        let device = Regex::new(DEVICE_ID).unwrap();
        for text in [
            "a",
            "A-_9",
            "",
            "a b",
            "ä",
            &"a".repeat(64),
            &"a".repeat(65),
        ] {
            assert_eq!(
                device.is_match(text),
                schema::DeviceId::is_valid(text),
                "{text}"
            );
        }
    }
}
