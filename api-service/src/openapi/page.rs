//! `GET /api/docs`: the document as a page to read. Made here, so that it needs no other host, no
//! script, and nothing but its own style sheet.

mod html;
mod operation;
mod shape;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use axum::http::{HeaderName, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use self::html::Html;

const STYLE: &str = include_str!("page/style.css");

/// What never changes while the program runs.
struct Page {
    html: String,
    policy: String,
}

/// `GET /api/docs`.
pub(crate) async fn handler() -> ([(HeaderName, &'static str); 3], &'static str) {
    static PAGE: OnceLock<Page> = OnceLock::new();
    let page = PAGE.get_or_init(|| Page {
        html: page(&super::json()),
        policy: policy(),
    });
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, page.policy.as_str()),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, &page.html)
}

/// Nothing is loaded and nothing runs; the one style sheet is known by its hash.
fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

/// The page of a document.
fn page(document: &str) -> String {
    let document: Value = serde_json::from_str(document).expect("it was just made");
    let mut by_tag: BTreeMap<&str, Vec<operation::Operation<'_>>> = BTreeMap::new();
    for each in operation::all(&document) {
        by_tag.entry(each.tag()).or_default().push(each);
    }
    let title = html::word(&document["info"]["title"]);
    let mut page = Html::default();
    page.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    page.element("title", title);
    page.raw(&format!("<style>{STYLE}</style></head><body>\n<header>"));
    page.element("h1", title);
    page.element("p", html::word(&document["info"]["description"]));
    page.raw("<p>The same for programs: <a href=\"/api/v1/openapi.json\">openapi.json</a></p></header>\n<nav>");
    for (tag, operations) in &by_tag {
        page.element("h2", tag);
        page.raw("<ul>");
        for each in operations {
            page.raw("<li>");
            page.link(each.id(), each.id());
            page.raw("</li>");
        }
        page.raw("</ul>");
    }
    page.raw("</nav>\n<main>");
    for (tag, operations) in &by_tag {
        page.element("h2", tag);
        for each in operations {
            each.write(&mut page, &document);
        }
    }
    page.element("h2", "Shapes");
    let shapes = document["components"]["schemas"].as_object();
    for (name, schema) in shapes.into_iter().flatten() {
        shape::write(&mut page, name, schema);
    }
    page.raw("</main></body></html>\n");
    page.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(schema: &Value, summary: &str) -> String {
        let document = json!({
            "info": {"title": "T & U", "description": "<d>"},
            "paths": {"/a/{id}": {"post": {
                "operationId": "doIt", "tags": ["things"], "summary": summary,
                "parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}}],
                "responses": {"200": {"description": "d", "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}},
            }}},
            "components": {"schemas": {"Thing": schema}},
        });
        page(&document.to_string())
    }

    #[test]
    fn whatever_stands_in_the_document_is_shown_as_text() {
        let evil = "</title><script>alert(1)</script>\"'&";
        let schema = json!({"type": "object", "description": evil, "properties": {evil: {
            "type": "string", "pattern": evil, "example": evil, "description": evil}}});
        let page = of(&schema, evil);
        assert!(!page.contains("<script"), "{page}");
        assert!(!page.contains("\"'&"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(page.contains("<title>T &amp; U</title>"));
    }

    #[test]
    fn operations_and_shapes_are_there_and_linked() {
        let schema = json!({"type": "object", "required": ["n"], "properties": {
            "n": {"type": "integer", "minimum": 1, "maximum": 9, "description": "a number"}}});
        let page = of(&schema, "Does it.");
        for part in [
            "id=\"doIt\"",
            "href=\"#doIt\"",
            "/a/{id}",
            "Does it.",
            "id=\"Thing\"",
            "href=\"#Thing\"",
            "a number",
            "1 to 9",
        ] {
            assert!(page.contains(part), "{part} is missing in {page}");
        }
    }

    #[test]
    fn our_own_document_is_shown_whole() {
        let (text, page) = (crate::openapi::json(), page(&crate::openapi::json()));
        let document: Value = serde_json::from_str(&text).unwrap();
        for each in operation::all(&document) {
            assert!(
                page.contains(&format!("id=\"{}\"", each.id())),
                "{}",
                each.id()
            );
        }
        for name in document["components"]["schemas"]
            .as_object()
            .unwrap()
            .keys()
        {
            assert!(page.contains(&format!("id=\"{name}\"")), "{name}");
        }
        // Every place that a link leads to is there.
        for link in page.split("href=\"#").skip(1) {
            let name = link.split('"').next().unwrap();
            assert!(page.contains(&format!("id=\"{name}\"")), "{name}");
        }
    }
}
