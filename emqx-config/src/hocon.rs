//! A reader for the part of HOCON that EMQX's own scanner accepts and that configuration files use.
//!
//! A reader of our own, because EMQX's dialect is narrower than the Lightbend specification that the crates for Rust follow (an
//! unquoted `1000/s` or a path is refused by EMQX and accepted by them), and because a test that reads a file more kindly than the
//! broker does proves nothing. Read here: comments (`#`, `//`), nested objects, dotted and quoted keys, `=` and `:`, arrays,
//! quoted, unquoted and triple-quoted strings, numbers, durations, sizes, merging of repeated keys. Refused with the line:
//! `include`, substitutions and `+=`.
//!
//! Pure: text in, [`Value`] out. Never reads a file or the environment.

mod lexer;
mod parser;
mod render;
mod value;

pub use parser::parse;
pub use render::render;
pub use value::Value;

/// Most bytes of a file that is read. The shipped files have 10 kB.
pub const MAX_BYTES: usize = 1 << 20;
/// Most levels that objects, arrays and dotted keys may nest. EMQX's own files need 7.
pub const MAX_DEPTH: usize = 32;

/// What is wrong with the text, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct HoconError {
    /// The line, counted from 1.
    pub line: u32,
    /// What is wrong there.
    pub problem: Problem,
}

/// The ways in which a text fails to be configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Longer than [`MAX_BYTES`].
    #[error("the file has more than {MAX_BYTES} bytes; a configuration file is never that long")]
    TooLong,
    /// Deeper than [`MAX_DEPTH`].
    #[error("objects, arrays and dotted keys nest more than {MAX_DEPTH} levels; flatten them")]
    TooDeep,
    /// A string without its closing quotes.
    #[error("a quoted string does not end on its line; close it with \" or use \"\"\"")]
    UnclosedString,
    /// A triple-quoted string without its end.
    #[error("a string that opened with \"\"\" is never closed")]
    UnclosedMultiline,
    /// A backslash followed by something EMQX does not know.
    #[error("\\{0} is no escape that EMQX knows; use one of \\\" \\\\ \\b \\f \\n \\r \\t")]
    BadEscape(char),
    /// A character that starts nothing.
    #[error("{0:?} starts no value and no key; put the text in quotes")]
    UnexpectedCharacter(char),
    /// A number that runs into letters.
    #[error("{0:?} is no number, duration or size; put it in quotes")]
    BadNumber(String),
    /// `${x}` outside quotes.
    #[error(
        "substitutions are not supported; write the value, or override the key through the environment (EMQX_..)"
    )]
    Substitution,
    /// `include`.
    #[error("include is not supported; put the text into this file")]
    Include,
    /// `+=`.
    #[error("+= is not supported; write the whole list")]
    Append,
    /// Something else was needed here.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What would have been right.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// `a..b`, `.a` or `a.`.
    #[error("{0:?} has an empty part between its dots")]
    EmptyKeyPart(String),
}
