//! Cuts a configuration text into tokens, each with its line.
//!
//! Accepts no token that EMQX's scanner (repository emqx/hocon, `hocon_scanner.xrl`) would refuse. Knows no grammar.

use super::{HoconError, Problem};

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// One of `{ } [ ] , : =`
    Mark(char),
    /// A string in quotes.
    Quoted(String),
    /// A word without quotes; dots part the levels of a key.
    Word(String),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A number with a unit (`2s`, `64KB`, `70%`), kept as text.
    Measure(String),
}

/// A token and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) line: u32,
    /// Whether a line end lies between the token before and this one.
    pub(super) starts_line: bool,
}

/// Cuts `text` into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, HoconError> {
    let mut lexer = Lexer {
        rest: text.strip_prefix('\u{feff}').unwrap_or(text),
        line: 1,
    };
    let mut placed = Vec::new();
    let mut last_line = 0;
    loop {
        lexer.skip_blank();
        let line = lexer.line;
        let Some(token) = lexer.next()? else {
            return Ok(placed);
        };
        placed.push(Placed {
            token,
            line,
            starts_line: line != last_line,
        });
        last_line = lexer.line;
    }
}

struct Lexer<'a> {
    rest: &'a str,
    line: u32,
}

// === impl Lexer ===

impl<'a> Lexer<'a> {
    fn fail<T>(&self, problem: Problem) -> Result<T, HoconError> {
        Err(HoconError {
            line: self.line,
            problem,
        })
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !keep(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn skip_blank(&mut self) {
        loop {
            let blank = self.take_while(char::is_whitespace);
            for _ in blank.matches('\n') {
                self.line = self.line.saturating_add(1);
            }
            if self.rest.starts_with('#') || self.rest.starts_with("//") {
                self.take_while(|c| c != '\n');
            } else if blank.is_empty() {
                return;
            }
        }
    }

    fn next(&mut self) -> Result<Option<Token>, HoconError> {
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        let token = match first {
            '{' | '}' | '[' | ']' | ',' | ':' | '=' => {
                self.rest = &self.rest[1..];
                Token::Mark(first)
            }
            '"' if self.rest.starts_with("\"\"\"") => self.multiline()?,
            '"' => self.quoted()?,
            '$' if self.rest.starts_with("${") => return self.fail(Problem::Substitution),
            '+' if self.rest.starts_with("+=") => return self.fail(Problem::Append),
            'A'..='Z' | 'a'..='z' => Token::Word(self.take_while(is_word_character).to_owned()),
            '0'..='9' | '+' | '-' | '.' => self.number()?,
            other => return self.fail(Problem::UnexpectedCharacter(other)),
        };
        Ok(Some(token))
    }

    fn number(&mut self) -> Result<Token, HoconError> {
        let text = self
            .take_while(|c| is_word_character(c) || c == '+' || c == '/' || c.is_alphanumeric());
        let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
        if digits.len() < text.len() && UNITS.contains(&digits) {
            return Ok(Token::Measure(text.to_owned()));
        }
        if let Ok(whole) = text.parse() {
            return Ok(Token::Int(whole));
        }
        // `parse::<f64>` also knows "inf", "nan" and "1.", which EMQX does not.
        let plain = text.ends_with(|c: char| c.is_ascii_digit())
            && text
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, '.' | '+' | '-' | 'e' | 'E'));
        match text.parse::<f64>() {
            Ok(number) if plain && text.contains('.') && number.is_finite() => {
                Ok(Token::Float(number))
            }
            _ => self.fail(Problem::BadNumber(text.to_owned())),
        }
    }

    fn quoted(&mut self) -> Result<Token, HoconError> {
        let mut text = String::new();
        let mut characters = self.rest[1..].char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.rest = &self.rest[at + 2..];
                    return Ok(Token::Quoted(text));
                }
                '\n' | '\r' => break,
                '\\' => match characters.next().map(|(_, escaped)| escaped) {
                    Some(escaped) => match unescape(escaped) {
                        Some(meant) => text.push(meant),
                        None => return self.fail(Problem::BadEscape(escaped)),
                    },
                    None => break,
                },
                other => text.push(other),
            }
        }
        self.fail(Problem::UnclosedString)
    }

    fn multiline(&mut self) -> Result<Token, HoconError> {
        let body = &self.rest[3..];
        let Some(end) = body.find("\"\"\"") else {
            return self.fail(Problem::UnclosedMultiline);
        };
        let text = &body[..end];
        let line_ends = text.matches('\n').count();
        self.line = self
            .line
            .saturating_add(u32::try_from(line_ends).unwrap_or(u32::MAX));
        self.rest = &body[end + 3..];
        Ok(Token::Quoted(text.to_owned()))
    }
}

/// EMQX takes a unit all in lower or all in upper case; `64Kb` is an error there.
const UNITS: &[&str] = &[
    "ms", "s", "m", "h", "d", "kb", "mb", "gb", "MS", "S", "M", "H", "D", "KB", "MB", "GB", "%",
];

fn is_word_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '@' | '%' | '-' | '|')
}

fn unescape(escaped: char) -> Option<char> {
    Some(match escaped {
        '"' => '"',
        '\\' => '\\',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        _ => return None,
    })
}
