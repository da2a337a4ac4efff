//! Prints a tree the way EMQX's `GET /configs` does: one key on a line, braces, quoted strings.
//!
//! What it prints, [`parse`](super::parse()) reads back as the same tree.

use std::fmt::Write as _;

use super::Value;

/// Prints the root object. Anything else prints as nothing.
pub fn render(root: &Value) -> String {
    let mut text = String::new();
    if let Value::Object(entries) = root {
        for (name, value) in entries {
            entry(&mut text, name, value, 0);
        }
    }
    text
}

fn entry(text: &mut String, name: &str, value: &Value, depth: usize) {
    indent(text, depth);
    string(text, name);
    if matches!(value, Value::Object(_)) {
        text.push(' ');
    } else {
        text.push_str(" = ");
    }
    print(text, value, depth);
    text.push('\n');
}

fn print(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(flag) => {
            let _ = write!(text, "{flag}");
        }
        Value::Int(number) => {
            let _ = write!(text, "{number}");
        }
        Value::Float(number) => {
            let _ = write!(text, "{number:?}");
        }
        Value::String(value) => string(text, value),
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push_str(", ");
                }
                print(text, item, depth);
            }
            text.push(']');
        }
        Value::Object(entries) => {
            text.push_str("{\n");
            for (name, value) in entries {
                entry(text, name, value, depth + 1);
            }
            indent(text, depth);
            text.push('}');
        }
    }
}

fn indent(text: &mut String, depth: usize) {
    for _ in 0..depth {
        text.push_str("  ");
    }
}

/// Always quoted, so that no text turns into a number, a duration or `true`.
fn string(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::hocon::parse;

    #[test]
    fn what_is_printed_is_read_back_as_the_same_tree() {
        for text in [
            crate::EMQX_5_8,
            crate::EMQX_5_3,
            "a.b = [1, 1.5, -2, \"x\\\"\\\\\\n\", true, null, [], {}, [{c = 2s}]]\n\"q.r\" = \"\"",
        ] {
            let tree = parse(text).unwrap();
            assert_eq!(parse(&render(&tree)).unwrap(), tree);
        }
    }
}
