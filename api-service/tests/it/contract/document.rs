//! The document in itself: nothing that a program which reads it needs is missing.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use super::reader::{document, operations, resolved};
use crate::support::{Answer, Stack};

#[test]
fn every_operation_has_a_name_of_its_own_a_summary_and_one_tag() {
    let document = document();
    let mut names = BTreeSet::new();
    for operation in operations(&document) {
        let told = operation.name();
        let id = &operation.id;
        assert!(
            id.chars()
                .next()
                .is_some_and(|first| first.is_ascii_lowercase()),
            "{told}: {id}"
        );
        assert!(names.insert(id.clone()), "{told}: {id} stands twice");
        let summary = operation.object["summary"].as_str().unwrap_or_default();
        assert!(summary.len() > 3, "{told} has no summary");
        assert_eq!(
            operation.object["tags"].as_array().unwrap().len(),
            1,
            "{told}"
        );
    }
}

/// These are for everybody: authorities and revocation lists are public, and a device whose
/// certificate ran out proves itself by its key.
const OPEN: [&str; 5] = [
    "getCaCertificates",
    "recoverDevice",
    "getCrl",
    "getDeviceCrlPem",
    "getDeviceCrlDer",
];

#[test]
fn every_operation_but_five_needs_a_token() {
    let document = document();
    assert_eq!(
        document["components"]["securitySchemes"]["bearer"]["scheme"],
        "bearer"
    );
    let open: BTreeSet<String> = operations(&document)
        .into_iter()
        .filter(|operation| !operation.is_signed_in())
        .map(|operation| operation.id)
        .collect();
    assert_eq!(open, OPEN.map(str::to_owned).into());
}

#[test]
fn every_refusal_that_an_operation_can_meet_is_told() {
    let document = document();
    for operation in operations(&document) {
        let responses = operation.responses(&document);
        let mut wanted = vec!["500", "503"];
        if !operation.path.starts_with("/crl/") {
            wanted.push("429");
        }
        if operation.is_signed_in() {
            wanted.extend(["401", "403"]);
        }
        if operation.has_body() {
            wanted.extend(["400", "413", "415", "422"]);
        }
        let header = |name: &str| {
            let mut parameters = operation.parameters().iter();
            parameters.any(|each| each["in"] == "header" && each["name"] == name)
        };
        if header("If-Match") {
            wanted.push("412");
        }
        if operation.path.contains('{') {
            wanted.push("404");
        }
        for status in wanted {
            assert!(
                responses.contains_key(status),
                "{} lacks {status}",
                operation.name()
            );
        }
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{}",
            operation.name()
        );
    }
}

#[test]
fn every_answer_has_words_a_body_that_is_described_and_a_request_id() {
    let document = document();
    for operation in operations(&document) {
        for (status, response) in operation.responses(&document) {
            let told = format!("{} {status}", operation.name());
            let words = response["description"].as_str().unwrap_or_default();
            assert!(words.len() > 3, "{told} has no description");
            assert!(response["headers"]["x-request-id"].is_object(), "{told}");
            let content = response["content"].as_object();
            if matches!(status.as_str(), "204" | "304") {
                assert!(content.is_none(), "{told}");
                continue;
            }
            let content = content.unwrap_or_else(|| panic!("{told} has no body"));
            for (media_type, body) in content {
                assert!(body["schema"].is_object(), "{told} {media_type}");
            }
            if status.as_bytes()[0] >= b'4' {
                let schema = &content["application/problem+json"]["schema"];
                assert_eq!(schema["$ref"], "#/components/schemas/ProblemView", "{told}");
            }
        }
    }
}

#[test]
fn every_parameter_is_bounded() {
    let document = document();
    for operation in operations(&document) {
        for parameter in operation.parameters() {
            let name = parameter["name"].as_str().unwrap();
            let told = format!("{} {name}", operation.name());
            assert!(
                bounded(&document, &parameter["schema"]).is_ok(),
                "{told}: {parameter}"
            );
            match name {
                "limit" => {
                    let schema = &parameter["schema"];
                    assert_eq!(
                        (&schema["minimum"], &schema["maximum"]),
                        (&1.into(), &200.into())
                    );
                }
                "cursor" => assert!(parameter["schema"]["maxLength"].is_number(), "{told}"),
                _ => {}
            }
        }
    }
}

#[test]
fn every_field_of_a_request_is_bounded_and_no_other_is_taken() {
    let document = document();
    for operation in operations(&document) {
        let Some(content) = operation.object["requestBody"]["content"].as_object() else {
            continue;
        };
        for body in content.values() {
            if let Err(what) = bounded(&document, &body["schema"]) {
                panic!("{}: {what} is not bounded", operation.name());
            }
        }
    }
}

#[test]
fn every_json_body_is_shown_by_an_example() {
    let document = document();
    for operation in operations(&document) {
        if operation.object["requestBody"]["content"]["application/json"].is_object() {
            let example = operation.example(&document);
            assert!(
                example.is_some_and(|each| each.is_object()),
                "{}",
                operation.name()
            );
        }
    }
}

/// Whether a schema tells how long, how many, or which; else what of it does not.
fn bounded(document: &Value, schema: &Value) -> Result<(), String> {
    let schema = resolved(document, schema);
    for several in ["oneOf", "anyOf", "allOf"] {
        for each in schema[several].as_array().into_iter().flatten() {
            bounded(document, each)?;
        }
    }
    let is = |kind: &str| {
        schema["type"] == kind
            || schema["type"]
                .as_array()
                .is_some_and(|each| each.contains(&kind.into()))
    };
    let has = |names: &[&str]| names.iter().any(|name| !schema[name].is_null());
    let fits = (!is("string") || has(&["enum", "maxLength", "pattern", "format"]))
        && (!is("integer") || has(&["minimum"]))
        && (!is("array") || has(&["maxItems"]))
        && (!is("object") || has(&["additionalProperties"]));
    if !fits {
        return Err(schema.to_string());
    }
    if is("array") {
        bounded(document, &schema["items"])?;
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        bounded(document, property).map_err(|what| format!("{name}: {what}"))?;
    }
    Ok(())
}

/// What is served and is no operation: the document itself and the page that shows it.
const ABOUT_ITSELF: [&str; 1] = ["/api/v1/openapi.json"];

#[test]
fn every_path_of_the_routes_is_in_the_document() {
    let routes = [
        include_str!("../../../src/routes.rs"),
        include_str!("../../../src/routes/devices.rs"),
        include_str!("../../../src/routes/organizations.rs"),
        include_str!("../../../src/routes/people.rs"),
    ];
    let routed: BTreeSet<&str> = routes
        .iter()
        .flat_map(|text| text.split('"'))
        .filter(|text| text.starts_with("/api/v1/") || text.starts_with("/crl/"))
        .filter(|path| !ABOUT_ITSELF.contains(path) && !path.contains("; "))
        .collect();
    let document = document();
    let documented = document["paths"].as_object().unwrap();
    let documented: BTreeSet<&str> = documented.keys().map(String::as_str).collect();
    let missing: Vec<_> = routed.symmetric_difference(&documented).collect();
    assert!(
        missing.is_empty(),
        "in one of routes and document only: {missing:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_has_the_methods_of_the_document_and_no_other() {
    let stack = Stack::start().await;
    let document = document();
    let all = operations(&document);
    for path in document["paths"].as_object().unwrap().keys() {
        let of_path = all.iter().filter(|each| each.path == *path);
        let mut wanted: BTreeSet<String> = of_path.map(|each| each.method.to_string()).collect();
        if wanted.contains("GET") {
            wanted.insert("HEAD".to_owned());
        }
        let somewhere = filled(path);
        let request = stack.http.request(Method::TRACE, stack.url(&somewhere));
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, 405, "{path}: {:?}", answer.body);
        let allow = answer.headers["allow"].to_str().unwrap();
        let allowed: BTreeSet<String> = allow
            .split(',')
            .map(|each| each.trim().to_owned())
            .collect();
        // A fixed word beside a variable one, like `/devices/my` beside `/devices/{id}`, is a path of
        // its own, with methods of its own.
        assert_eq!(allowed, wanted, "{path}");
    }
}

/// A path with something in its variable places.
fn filled(path: &str) -> String {
    let segments = path
        .split('/')
        .map(|each| if each.starts_with('{') { "x" } else { each });
    segments.collect::<Vec<_>>().join("/")
}

#[test]
fn a_field_without_bounds_is_found() {
    let document = serde_json::json!({"components": {"schemas": {"Inner": {"type": "string"}}}});
    let schema = serde_json::json!({
        "type": "object", "additionalProperties": false,
        "properties": {"list": {"type": "array", "maxItems": 3, "items": {"$ref": "#/components/schemas/Inner"}}},
    });
    let what = bounded(&document, &schema).unwrap_err();
    assert!(what.starts_with("list"), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_page_is_served_whole_and_lets_nothing_run() {
    let stack = Stack::start().await;
    let answer = Answer::of(stack.http.get(stack.url("/api/docs"))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(
        !policy.contains("unsafe") && !policy.contains("script-src"),
        "{policy}"
    );
    let page = answer.body.as_str().unwrap();
    for operation in operations(&document()) {
        assert!(
            page.contains(&format!("id=\"{}\"", operation.id)),
            "{}",
            operation.id
        );
    }
    // Nothing of another host, and nothing in an attribute that the policy would refuse.
    for outside in [
        "=\"http",
        "=\"//",
        "<script",
        "<link",
        "<img",
        " style=",
        " onclick=",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn no_path_takes_or_gives_a_private_key() {
    let text = document().to_string().to_lowercase();
    for word in [
        "privatekey",
        "private_key",
        "private-key",
        "pkcs8",
        "begin private",
        "begin ec",
    ] {
        assert!(!text.contains(word), "{word}");
    }
}
