//! Writing HTML: whatever comes from the document goes through one function that escapes it.

use serde_json::Value;

/// A page being written.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Markup of ours, which is never a part of the document.
    pub(super) fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    /// A text, escaped for elements and for attributes in double quotes.
    pub(super) fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                other => self.0.push(other),
            }
        }
    }

    /// An element that holds a text.
    pub(super) fn element(&mut self, name: &'static str, text: &str) {
        self.raw(&format!("<{name}>"));
        self.text(text);
        self.raw(&format!("</{name}>"));
    }

    /// A link to a place on this page.
    pub(super) fn link(&mut self, place: &str, text: &str) {
        self.raw("<a href=\"#");
        self.text(place);
        self.raw("\">");
        self.text(text);
        self.raw("</a>");
    }

    /// The begin of a section that links lead to.
    pub(super) fn section(&mut self, place: &str) {
        self.raw("\n<section id=\"");
        self.text(place);
        self.raw("\">");
    }

    /// The page.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// A text of the document; empty where there is none.
pub(super) fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
