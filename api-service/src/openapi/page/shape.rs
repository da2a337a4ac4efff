//! One shape on the page: its fields, and the bounds of each.

use serde_json::Value;

use super::html::{Html, word};

/// Writes a named shape.
pub(super) fn write(page: &mut Html, name: &str, schema: &Value) {
    page.section(name);
    page.element("h3", name);
    page.element("p", word(&schema["description"]));
    fields(page, schema);
    for each in several(schema) {
        kind(page, each);
        fields(page, each);
    }
    if several(schema).next().is_none() && schema["properties"].is_null() {
        kind(page, schema);
    }
    page.raw("</section>");
}

fn fields(page: &mut Html, schema: &Value) {
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    let required = |name: &str| {
        let mut names = schema["required"].as_array().into_iter().flatten();
        names.any(|each| each == name)
    };
    page.raw("<table><tr><th>field</th><th>kind</th><th></th></tr>");
    for (name, property) in properties {
        page.raw("<tr><td><code>");
        page.text(name);
        page.raw("</code>");
        page.text(if required(name) { "" } else { " (optional)" });
        page.raw("</td><td>");
        kind(page, property);
        page.raw("</td>");
        page.element("td", word(&property["description"]));
        page.raw("</tr>");
    }
    page.raw("</table>");
}

/// Writes what a value is: a link to a shape, or its kind with its bounds.
pub(super) fn kind(page: &mut Html, schema: &Value) {
    if let Some(place) = schema["$ref"].as_str() {
        let name = place.rsplit('/').next().unwrap_or(place);
        page.link(name, name);
        return;
    }
    let mut is_first = true;
    for each in several(schema) {
        if !is_first {
            page.text(" or ");
        }
        is_first = false;
        kind(page, each);
    }
    match &schema["type"] {
        Value::String(kind) => page.text(kind),
        Value::Array(kinds) => {
            let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
            page.text(&kinds.join(" or "));
        }
        _ => {}
    }
    page.text(&bounds(schema));
    if !schema["items"].is_null() {
        page.text(" of ");
        kind(page, &schema["items"]);
    }
}

fn several(schema: &Value) -> impl Iterator<Item = &Value> {
    ["oneOf", "anyOf", "allOf"]
        .into_iter()
        .flat_map(|name| schema[name].as_array().into_iter().flatten())
}

fn bounds(schema: &Value) -> String {
    let mut text = String::new();
    let mut say = |what: &str| {
        text.push_str(", ");
        text.push_str(what);
    };
    for (least, most, unit) in [
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
    ] {
        match (&schema[least], &schema[most]) {
            (Value::Number(least), Value::Number(most)) => say(&format!("{least} to {most}{unit}")),
            (Value::Number(least), _) => say(&format!("at least {least}{unit}")),
            (_, Value::Number(most)) => say(&format!("at most {most}{unit}")),
            _ => {}
        }
    }
    for name in ["format", "pattern"] {
        if let Some(value) = schema[name].as_str() {
            say(value);
        }
    }
    let words: Vec<&str> = schema["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if !words.is_empty() {
        say(&words.join(" | "));
    }
    if !schema["default"].is_null() {
        say(&format!("{} if not said", schema["default"]));
    }
    text
}
