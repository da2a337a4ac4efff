//! The parameters of a query: each at most once, and everything that is wrong with them told at once.

use std::fmt::Display;

use axum::http::request::Parts;

use crate::problem::{ERRORS_MAX, FieldError, Problem};

/// Why a parameter is not taken.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// Nothing of this name can be given here.
    Unknown,
    /// Its value cannot be; what would be right.
    Value(String),
}

impl Wrong {
    /// A wrong value, with what would be right.
    pub(crate) fn value(expected: impl Display) -> Self {
        Self::Value(expected.to_string())
    }
}

/// Gives each parameter of a request's query, decoded, to `take`.
pub(crate) fn read(
    parts: &Parts,
    take: impl FnMut(&str, &str) -> Result<(), Wrong>,
) -> Result<(), Problem> {
    parse(parts.uri.query().unwrap_or(""), take)
}

/// The same for the text of a query.
pub(super) fn parse(
    query: &str,
    mut take: impl FnMut(&str, &str) -> Result<(), Wrong>,
) -> Result<(), Problem> {
    // Only known names: as few as there are parameters, whatever the caller sends.
    let mut given = Vec::new();
    let mut errors = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let detail = if given.contains(&name) {
            // Of two values one reader takes the first and another the last.
            "stands twice".to_owned()
        } else {
            let taken = take(&name, &value);
            if !matches!(taken, Err(Wrong::Unknown)) {
                given.push(name.clone());
            }
            match taken {
                Ok(()) => continue,
                Err(Wrong::Value(expected)) => expected,
                Err(Wrong::Unknown) => "is not a parameter of this path".to_owned(),
            }
        };
        // A name is the caller's text: cut, it can fill neither our answer nor a screen.
        let field = name.chars().take(64).collect();
        errors.push(FieldError { field, detail });
        if errors.len() == ERRORS_MAX {
            break;
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::invalid(errors))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(query: &str) -> Result<Vec<u8>, Problem> {
        let mut read = Vec::new();
        parse(query, |name, value| match name {
            "a" | "b" => {
                read.push(
                    value
                        .parse()
                        .map_err(|_| Wrong::value("must be a number"))?,
                );
                Ok(())
            }
            _ => Err(Wrong::Unknown),
        })?;
        Ok(read)
    }

    #[test]
    fn known_parameters_are_read_decoded() {
        assert_eq!(numbers("").unwrap(), [0; 0]);
        assert_eq!(numbers("b=%32&a=1").unwrap(), [2, 1]);
    }

    #[test]
    fn what_is_wrong_unknown_or_given_twice_is_told_at_once() {
        let problem = numbers("a=x&c=1&a=1&b=1&c=2").unwrap_err();
        let told: Vec<_> = problem
            .errors()
            .iter()
            .map(|error| (error.field.as_str(), error.detail.as_str()))
            .collect();
        let unknown = "is not a parameter of this path";
        assert_eq!(
            told,
            [
                ("a", "must be a number"),
                ("c", unknown),
                ("a", "stands twice"),
                ("c", unknown)
            ]
        );
    }

    #[test]
    fn a_query_of_nothing_but_mistakes_gets_no_longer_answer() {
        let problem = numbers(&format!("{}&", "ж".repeat(65)).repeat(ERRORS_MAX + 1)).unwrap_err();
        assert_eq!(problem.errors().len(), ERRORS_MAX);
        assert_eq!(problem.errors()[0].field.chars().count(), 64);
    }
}
