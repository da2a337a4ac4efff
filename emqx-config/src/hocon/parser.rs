//! Builds the tree from the tokens.
//!
//! Stricter than EMQX in one point: two entries need a comma or a line end between them, so that a forgotten one is found.

use super::lexer::{Placed, Token, tokens};
use super::{HoconError, MAX_BYTES, MAX_DEPTH, Problem, Value};
use std::collections::BTreeMap;

/// Reads a configuration text. The braces around the whole file may be left out. The answer is always a [`Value::Object`].
pub fn parse(text: &str) -> Result<Value, HoconError> {
    if text.len() > MAX_BYTES {
        return Err(HoconError {
            line: 1,
            problem: Problem::TooLong,
        });
    }
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens, at: 0 };
    let root = if parser.eat('{') {
        let entries = parser.entries(true, 1)?;
        if parser.peek().is_some() {
            return parser.expected("the end of the file");
        }
        entries
    } else {
        parser.entries(false, 0)?
    };
    Ok(Value::Object(root))
}

struct Parser {
    tokens: Vec<Placed>,
    at: usize,
}

// === impl Parser ===

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|placed| &placed.token)
    }

    fn line(&self) -> u32 {
        let placed = self.tokens.get(self.at).or(self.tokens.last());
        placed.map_or(1, |placed| placed.line)
    }

    fn fail<T>(&self, problem: Problem) -> Result<T, HoconError> {
        Err(HoconError {
            line: self.line(),
            problem,
        })
    }

    fn expected<T>(&self, expected: &'static str) -> Result<T, HoconError> {
        let found = match self.peek() {
            None => "the end of the file".to_owned(),
            Some(Token::Mark(mark)) => format!("{mark:?}"),
            Some(Token::Quoted(text)) => format!("the string {text:?}"),
            Some(Token::Word(text) | Token::Measure(text)) => format!("{text:?}"),
            Some(Token::Int(number)) => number.to_string(),
            Some(Token::Float(number)) => number.to_string(),
        };
        self.fail(Problem::Expected { expected, found })
    }

    fn eat(&mut self, mark: char) -> bool {
        let there = self.peek() == Some(&Token::Mark(mark));
        self.at += usize::from(there);
        there
    }

    /// After an entry or element: true when another may follow, that is after a comma or a line end.
    fn separator(&mut self) -> bool {
        let starts_line = self
            .tokens
            .get(self.at)
            .is_some_and(|placed| placed.starts_line);
        self.eat(',') || starts_line
    }

    fn check_depth(&self, depth: usize) -> Result<(), HoconError> {
        if depth > MAX_DEPTH {
            return self.fail(Problem::TooDeep);
        }
        Ok(())
    }

    /// Entries up to the closing brace (`braced`) or the end of the file.
    fn entries(
        &mut self,
        braced: bool,
        depth: usize,
    ) -> Result<BTreeMap<String, Value>, HoconError> {
        self.check_depth(depth)?;
        let mut entries = BTreeMap::new();
        loop {
            if braced && self.eat('}') || !braced && self.peek().is_none() {
                return Ok(entries);
            }
            let path = self.key()?;
            let inner = depth + path.len();
            self.check_depth(inner)?;
            let opens = self.peek() == Some(&Token::Mark('{'));
            if !opens && !self.eat('=') && !self.eat(':') {
                return self.expected("=, : or { after the key");
            }
            let value = self.value(inner)?;
            Value::merge(&mut entries, &path, value);
            let ended = matches!(self.peek(), None | Some(Token::Mark('}')));
            if !ended && !self.separator() {
                return self.expected("a comma or a new line before the next key");
            }
        }
    }

    /// A key as its levels. A quoted key is one level whatever it holds.
    fn key(&mut self) -> Result<Vec<String>, HoconError> {
        let path = match self.peek() {
            Some(Token::Quoted(text)) => vec![text.clone()],
            Some(Token::Word(word)) => word.split('.').map(str::to_owned).collect(),
            _ => return self.expected("a key"),
        };
        if let Some(Token::Word(word)) = self.peek() {
            let next = self.tokens.get(self.at + 1).map(|placed| &placed.token);
            if word == "include" && matches!(next, Some(Token::Quoted(_) | Token::Word(_))) {
                return self.fail(Problem::Include);
            }
            if path.iter().any(String::is_empty) {
                return self.fail(Problem::EmptyKeyPart(word.clone()));
            }
        }
        self.at += 1;
        Ok(path)
    }

    fn value(&mut self, depth: usize) -> Result<Value, HoconError> {
        let value = match self.peek() {
            Some(Token::Mark('{')) => {
                self.at += 1;
                return Ok(Value::Object(self.entries(true, depth + 1)?));
            }
            Some(Token::Mark('[')) => {
                self.at += 1;
                return Ok(Value::Array(self.elements(depth + 1)?));
            }
            Some(Token::Quoted(text) | Token::Measure(text)) => Value::String(text.clone()),
            Some(Token::Word(word)) => match word.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                _ => Value::String(word.clone()),
            },
            Some(Token::Int(number)) => Value::Int(*number),
            Some(Token::Float(number)) => Value::Float(*number),
            Some(Token::Mark(_)) | None => return self.expected("a value"),
        };
        self.at += 1;
        Ok(value)
    }

    fn elements(&mut self, depth: usize) -> Result<Vec<Value>, HoconError> {
        self.check_depth(depth)?;
        let mut elements = Vec::new();
        loop {
            if self.eat(']') {
                return Ok(elements);
            }
            elements.push(self.value(depth)?);
            if self.peek() != Some(&Token::Mark(']')) && !self.separator() {
                return self.expected("a comma, a new line or ] after the element");
            }
        }
    }
}
