//! The reader: what it takes, what it refuses and on which line, and that no text makes it panic.

use emqx_config::hocon::{MAX_BYTES, MAX_DEPTH, Problem, Value, parse};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write;

fn get(text: &str, path: &str) -> Value {
    let value = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    value.get(path).cloned().unwrap_or(Value::Null)
}

fn refused(text: &str) -> (u32, Problem) {
    let error = parse(text).expect_err(text);
    (error.line, error.problem)
}

fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}

#[test]
fn every_kind_of_value_is_read() {
    for (text, expected) in [
        ("a = true", Value::Bool(true)),
        ("a = false", Value::Bool(false)),
        ("a = null", Value::Null),
        ("a = 42", Value::Int(42)),
        ("a = -7", Value::Int(-7)),
        ("a = 1.5", Value::Float(1.5)),
        ("a = 1.5e3", Value::Float(1500.0)),
        ("a = word", string("word")),
        ("a = verify_peer", string("verify_peer")),
        ("a = 2s", string("2s")),
        ("a = 64KB", string("64KB")),
        ("a = 70%", string("70%")),
        ("a = \"two words # kept\"", string("two words # kept")),
        ("a = \"\"", string("")),
        (r#"a = "q\"b\\n\n""#, string("q\"b\\n\n")),
        (
            "a = \"\"\"one\n\"two\" \\d\"\"\"",
            string("one\n\"two\" \\d"),
        ),
        ("a = []", Value::Array(vec![])),
        (
            "a = [1, 2]",
            Value::Array(vec![Value::Int(1), Value::Int(2)]),
        ),
        (
            "a = [1\n2\n]",
            Value::Array(vec![Value::Int(1), Value::Int(2)]),
        ),
        (
            "a = [1, 2,]",
            Value::Array(vec![Value::Int(1), Value::Int(2)]),
        ),
        ("a : 1", Value::Int(1)),
        ("a {}", Value::Object(BTreeMap::new())),
        ("{ a = 1 }", Value::Int(1)),
        ("\u{feff}a = 1", Value::Int(1)),
        ("a = 1 # comment", Value::Int(1)),
        ("// comment\na = 1 // more", Value::Int(1)),
        ("a = 1\r\nb = 2\r\n", Value::Int(1)),
    ] {
        assert_eq!(get(text, "a"), expected, "{text}");
    }
}

#[test]
fn dotted_keys_nest_and_quoted_keys_do_not() {
    assert_eq!(get("a.b { c.d = 1 }", "a.b.c.d"), Value::Int(1));
    let Value::Object(root) = parse("\"x.y\" = 1").expect("a quoted key") else {
        panic!("an object")
    };
    assert_eq!(root.get("x.y"), Some(&Value::Int(1)));
}

#[test]
fn repeated_objects_merge_and_repeated_values_replace() {
    let text = "a { x = 1, y = 1 }\na { y = 2, z = 3 }\na.w = 4\nb = [1]\nb = [2]\nc = 1\nc { d = 1 }\ne { f = 1 }\ne = 2";
    assert_eq!(get(text, "a.x"), Value::Int(1));
    assert_eq!(get(text, "a.y"), Value::Int(2));
    assert_eq!(get(text, "a.z"), Value::Int(3));
    assert_eq!(get(text, "a.w"), Value::Int(4));
    assert_eq!(get(text, "b"), Value::Array(vec![Value::Int(2)]));
    assert_eq!(get(text, "c.d"), Value::Int(1));
    assert_eq!(get(text, "e"), Value::Int(2));
}

#[test]
fn an_empty_text_is_an_empty_object() {
    for text in ["", "\n\n", "# only a comment", "{}"] {
        assert_eq!(parse(text), Ok(Value::Object(BTreeMap::new())), "{text}");
    }
}

#[test]
fn what_is_wrong_is_refused_with_its_line() {
    for (text, line, problem) in [
        ("a = 1\nb = \"open", 2, Problem::UnclosedString),
        ("a = \"two\nlines\"", 1, Problem::UnclosedString),
        ("\na = \"\"\"open", 2, Problem::UnclosedMultiline),
        (r#"a = "\x""#, 1, Problem::BadEscape('x')),
        ("a = /path", 1, Problem::UnexpectedCharacter('/')),
        ("a = 1000/s", 1, Problem::BadNumber("1000/s".to_owned())),
        (
            "a = 127.0.0.1",
            1,
            Problem::BadNumber("127.0.0.1".to_owned()),
        ),
        ("a = 64Kb", 1, Problem::BadNumber("64Kb".to_owned())),
        (
            "a = 99999999999999999999",
            1,
            Problem::BadNumber("99999999999999999999".to_owned()),
        ),
        ("a = -2s", 1, Problem::BadNumber("-2s".to_owned())),
        ("a = ${b}", 1, Problem::Substitution),
        ("a = 1\n\ninclude \"x\"", 3, Problem::Include),
        ("a += 1", 1, Problem::Append),
        ("a..b = 1", 1, Problem::EmptyKeyPart("a..b".to_owned())),
    ] {
        assert_eq!(refused(text), (line, problem), "{text}");
    }
}

#[test]
fn broken_structure_is_refused_with_what_was_expected() {
    for (text, line, expected) in [
        (
            "a = 1 b = 2",
            1,
            "a comma or a new line before the next key",
        ),
        (
            "a = one two",
            1,
            "a comma or a new line before the next key",
        ),
        ("a = [1 2]", 1, "a comma, a new line or ] after the element"),
        ("a", 1, "=, : or { after the key"),
        ("a =", 1, "a value"),
        ("a = }", 1, "a value"),
        ("a {\nb = 1", 2, "a key"),
        ("a = 1\n}", 2, "a key"),
        ("{ a = 1 } b = 2", 1, "the end of the file"),
        ("a = [\n1,\n", 2, "a value"),
        ("5 = 1", 1, "a key"),
        (", a = 1", 1, "a key"),
        ("a = 1,, b = 2", 1, "a key"),
    ] {
        let (at, problem) = refused(text);
        let Problem::Expected {
            expected: found, ..
        } = problem
        else {
            panic!("{text}: {problem}")
        };
        assert_eq!((at, found), (line, expected), "{text}");
    }
}

#[test]
fn a_line_number_counts_the_lines_of_a_long_string() {
    assert_eq!(refused("a = \"\"\"1\n2\n3\"\"\"\nb = $").0, 4);
}

#[test]
fn a_text_over_the_limit_is_refused_and_one_at_the_limit_is_read() {
    let at_limit = "#".repeat(MAX_BYTES);
    assert!(parse(&at_limit).is_ok());
    assert_eq!(refused(&format!("{at_limit}#")), (1, Problem::TooLong));
}

#[test]
fn nesting_over_the_limit_is_refused_whatever_it_is_made_of() {
    let objects = |n: usize| format!("{}x = 1{}", "a {".repeat(n), "}".repeat(n));
    let arrays = |n: usize| format!("a = {}{}", "[".repeat(n), "]".repeat(n));
    let dots = |n: usize| format!("{} = 1", vec!["a"; n].join("."));
    assert!(parse(&dots(MAX_DEPTH)).is_ok());
    assert!(parse(&arrays(MAX_DEPTH - 1)).is_ok());
    for text in [
        dots(MAX_DEPTH + 1),
        arrays(MAX_DEPTH),
        objects(MAX_DEPTH),
        objects(100_000),
    ] {
        assert_eq!(refused(&text).1, Problem::TooDeep);
    }
}

fn render(value: &Value, out: &mut String) {
    let quote = |text: &str, out: &mut String| {
        out.push('"');
        for c in text.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                c => out.push(c),
            }
        }
        out.push('"');
    };
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => write!(out, "{b}").expect("a String takes all"),
        Value::Int(n) => write!(out, "{n}").expect("a String takes all"),
        Value::Float(n) => write!(out, "{n:?}").expect("a String takes all"),
        Value::String(text) => quote(text, out),
        Value::Array(items) => {
            out.push('[');
            for item in items {
                render(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Object(entries) => {
            out.push('{');
            for (key, value) in entries {
                quote(key, out);
                out.push('=');
                render(value, out);
                out.push('\n');
            }
            out.push('}');
        }
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-1e6..1e6).prop_map(|n: f64| Value::Float((n * 8.0).round() / 8.0)),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::btree_map(any::<String>(), inner, 0..5).prop_map(Value::Object),
        ]
    })
}

/// Text made of the pieces that the grammar knows, which reaches further than random characters.
fn likely_text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a", "b.c", "=", ":", "{", "}", "[", "]", ",", "\n", " ", "\"", "\"\"\"", "\\", "#", "//",
        "1", "2s", "64KB", ".", "-", "+=", "${", "true", "null", "include", "\u{2028}", "ü",
    ]);
    prop::collection::vec(pieces, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        let _ = parse(&text);
        let _ = emqx_config::EmqxConf::parse(&text);
    }

    #[test]
    fn no_likely_text_makes_the_reader_panic(text in likely_text()) {
        let _ = parse(&text);
        let _ = emqx_config::EmqxConf::parse(&text);
    }

    #[test]
    fn what_is_written_is_read_again(entries in prop::collection::btree_map(any::<String>(), any_value(), 0..5)) {
        let value = Value::Object(entries);
        let mut text = String::new();
        render(&value, &mut text);
        prop_assert_eq!(parse(&text), Ok(value));
    }
}
