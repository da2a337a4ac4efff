//! One operation on the page: what it takes and what it answers.

use serde_json::Value;

use super::html::{Html, word};
use super::shape;

/// An operation of the document.
pub(super) struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    object: &'a Value,
}

/// Every operation, in the order of the paths.
pub(super) fn all(document: &Value) -> impl Iterator<Item = Operation<'_>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(move |(method, object)| Operation {
            method,
            path,
            object,
        })
    })
}

impl<'a> Operation<'a> {
    /// Its name.
    pub(super) fn id(&self) -> &'a str {
        word(&self.object["operationId"])
    }

    /// What it is about.
    pub(super) fn tag(&self) -> &'a str {
        word(&self.object["tags"][0])
    }

    /// Writes it.
    pub(super) fn write(&self, page: &mut Html, document: &Value) {
        page.section(self.id());
        page.raw("<h3><code>");
        page.text(&self.method.to_uppercase());
        page.raw(" ");
        page.text(self.path);
        page.raw("</code></h3>");
        page.element("p", word(&self.object["summary"]));
        page.element("p", word(&self.object["description"]));
        if self.object["security"].is_null() {
            page.element("p", "Needs no token.");
        }
        self.parameters(page);
        self.body(page, document);
        self.answers(page, document);
        page.raw("</section>");
    }

    fn parameters(&self, page: &mut Html) {
        let Some(parameters) = self.object["parameters"].as_array() else {
            return;
        };
        page.raw("<table><tr><th>parameter</th><th>in</th><th>kind</th><th></th></tr>");
        for each in parameters {
            page.raw("<tr><td><code>");
            page.text(word(&each["name"]));
            page.raw("</code></td>");
            page.element("td", word(&each["in"]));
            page.raw("<td>");
            shape::kind(page, &each["schema"]);
            page.raw("</td>");
            page.element("td", word(&each["description"]));
            page.raw("</tr>");
        }
        page.raw("</table>");
    }

    fn body(&self, page: &mut Html, document: &Value) {
        let body = resolved(document, &self.object["requestBody"]);
        let Some(content) = body["content"].as_object() else {
            return;
        };
        page.element("h4", "Body");
        page.element("p", word(&body["description"]));
        contents(page, content.iter());
        for media in content.values() {
            if let Some(example) = example(document, &media["schema"]) {
                page.raw("<pre>");
                page.text(&format!("{example:#}"));
                page.raw("</pre>");
            }
        }
    }

    fn answers(&self, page: &mut Html, document: &Value) {
        page.raw("<table><tr><th>status</th><th>when</th><th>body</th></tr>");
        let responses = self.object["responses"].as_object();
        for (status, response) in responses.into_iter().flatten() {
            let response = resolved(document, response);
            page.raw("<tr>");
            page.element("td", status);
            page.element("td", word(&response["description"]));
            page.raw("<td>");
            contents(page, response["content"].as_object().into_iter().flatten());
            page.raw("</td></tr>");
        }
        page.raw("</table>");
    }
}

fn contents<'a>(page: &mut Html, content: impl Iterator<Item = (&'a String, &'a Value)>) {
    for (media_type, media) in content {
        page.element("code", media_type);
        page.raw(" ");
        shape::kind(page, &media["schema"]);
        page.raw(" ");
    }
}

/// What the schema of a body, or what it refers to, shows as its example.
fn example<'a>(document: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    let schema = resolved(document, schema);
    if let Some(several) = schema["oneOf"].as_array() {
        return several.iter().find_map(|each| example(document, each));
    }
    schema.get("example")
}

/// What a reference points to; anything else as it is.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let place = value["$ref"]
        .as_str()
        .and_then(|place| place.strip_prefix('#'));
    place
        .and_then(|place| document.pointer(place))
        .unwrap_or(value)
}
