//! Recorded statements as a script for pgbench.
//!
//! A text is taken over as it was recorded. Only its parameters change: what was asked for becomes a
//! variable that pgbench draws anew each time, everything else stays the value that was recorded.

use std::fmt::Write as _;

use anyhow::ensure;

use super::record::Statement;

/// A script and the variables that it needs, as pgbench takes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Script {
    pub(super) text: String,
    pub(super) variables: Vec<(String, String)>,
}

/// What is drawn anew each time.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    /// Its value when the statements were recorded.
    pub(super) recorded: String,
    /// Commands of pgbench that set the variable `drawn`.
    pub(super) commands: String,
}

/// Makes a script. `name` begins the names of its variables, which all scripts of a run share.
pub(super) fn script(
    name: &str,
    statements: &[Statement],
    drawn: &Drawn,
) -> anyhow::Result<Script> {
    let mut script = Script {
        text: drawn.commands.clone(),
        variables: Vec::new(),
    };
    for (index, statement) in statements.iter().enumerate() {
        refuse_what_pgbench_would_change(&statement.text)?;
        let prefix = format!("{name}_s{index}");
        let text = replace(&statement.text, |number| {
            let value = statement.parameters.get(number - 1);
            match value {
                None => None,
                Some(None) => Some("NULL".to_owned()),
                Some(Some(value)) if *value == drawn.recorded => Some(":drawn".to_owned()),
                Some(Some(_)) => Some(format!(":{prefix}_p{number}")),
            }
        });
        let text =
            text.ok_or_else(|| anyhow::anyhow!("a value is missing of {}", statement.text))?;
        for (number, value) in (1..).zip(&statement.parameters) {
            if let Some(value) = value.as_ref().filter(|value| **value != drawn.recorded) {
                let name = format!("{prefix}_p{number}");
                script.variables.push((name, value.clone()));
            }
        }
        writeln!(script.text, "{text};")?;
    }
    let used = script.text.contains(":drawn");
    ensure!(used, "nothing of what was asked for is in the statements");
    Ok(script)
}

/// Puts something in the place of each `$1`; `None` if there is nothing for one.
fn replace(text: &str, value: impl Fn(usize) -> Option<String>) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        out.push_str(before);
        match after[..digits].parse() {
            Ok(number) => out.push_str(&value(number)?),
            Err(_) => out.push('$'),
        }
        rest = &after[digits..];
    }
    out.push_str(rest);
    Some(out)
}

/// pgbench takes `:name` for a variable wherever it stands, and a backslash for its own command.
fn refuse_what_pgbench_would_change(text: &str) -> anyhow::Result<()> {
    let bytes = text.as_bytes();
    let is_name = |at: usize| {
        let next = bytes.get(at + 1);
        next.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    };
    let variable = (0..bytes.len())
        .any(|at| bytes[at] == b':' && (at == 0 || bytes[at - 1] != b':') && is_name(at));
    ensure!(
        !variable && !text.contains('\\') && !text.contains(';'),
        "pgbench would change this statement: {text}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(text: &str, parameters: &[Option<&str>]) -> Statement {
        Statement {
            text: text.to_owned(),
            parameters: parameters
                .iter()
                .map(|value| value.map(str::to_owned))
                .collect(),
        }
    }

    #[test]
    fn what_was_asked_for_is_drawn_and_the_rest_stays_as_it_was_recorded() {
        let drawn = Drawn {
            recorded: "1000".to_owned(),
            commands: "\\set drawn random(1, 9)\n".to_owned(),
        };
        let statements = [
            statement("BEGIN", &[]),
            statement(
                "SELECT $11::text, $1, $2::jsonb FROM t WHERE a = $1",
                &[
                    Some("1000"),
                    Some("{}"),
                    None,
                    None,
                    None,
                    None,
                    None,
                    None,
                    None,
                    None,
                    None,
                ],
            ),
        ];
        let made = script("o3", &statements, &drawn).unwrap();
        assert_eq!(
            made.text,
            "\\set drawn random(1, 9)\nBEGIN;\n\
             SELECT NULL::text, :drawn, :o3_s1_p2::jsonb FROM t WHERE a = :drawn;\n"
        );
        assert_eq!(made.variables, [("o3_s1_p2".to_owned(), "{}".to_owned())]);
        assert!(script("o3", &statements[..1], &drawn).is_err());
    }

    #[test]
    fn what_pgbench_would_read_otherwise_is_refused() {
        for bad in [
            "SELECT ':name'",
            "SELECT a[1:b]",
            "SELECT '\\x'",
            "SELECT 1; SELECT 2",
        ] {
            assert!(refuse_what_pgbench_would_change(bad).is_err(), "{bad}");
        }
        refuse_what_pgbench_would_change("-- a::b\nSELECT $1::text, a[1:2] = ': '").unwrap_err();
        refuse_what_pgbench_would_change("-- a::b\nSELECT $1::text, ': '").unwrap();
    }
}
