//! Reading rule expressions: exactly the part of `PromQL` that `docker/alerts.yml` uses, and an error
//! for everything else, so that nothing is evaluated as something it is not.

use std::iter::Peekable;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Number(f64),
    Selector(Selector),
    /// `increase(selector[window])`
    Increase(Selector, Duration),
    /// `rate(selector[window])`
    Rate(Selector, Duration),
    /// `absent(selector)`
    Absent(Selector),
    /// `time()`
    Time,
    /// `scalar(expression)`
    Scalar(Box<Self>),
    /// `sum by (label) (expression)` and its like
    Aggregate(Aggregate, Vec<String>, Box<Self>),
    Binary(Operator, Box<Self>, Box<Self>),
}

/// What series are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selector {
    pub(super) name: String,
    /// Label, value, and whether it must be equal (or else must not be).
    pub(super) matchers: Vec<(String, String, bool)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aggregate {
    Sum,
    Count,
    Max,
    Min,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Operator {
    pub(super) fn compares(self) -> bool {
        !matches!(
            self,
            Self::Add | Self::Subtract | Self::Multiply | Self::Divide
        )
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Number(f64),
    Text(String),
    Window(Duration),
    Sign(&'static str),
}

/// Longest first, so that `<=` is not read as `<`.
const SIGNS: [&str; 18] = [
    "<=", ">=", "==", "!=", "<", ">", "=", "+", "-", "*", "/", "(", ")", "{", "}", ",", "[", "]",
];

/// Reads a whole expression.
pub(super) fn read(text: &str) -> anyhow::Result<Expression> {
    let tokens = tokens(text)?;
    let mut reader = Reader(tokens.into_iter().peekable());
    let expression = reader.comparison()?;
    ensure!(
        reader.0.peek().is_none(),
        "the expression goes on with {:?}",
        reader.0.peek()
    );
    Ok(expression)
}

/// `30s`, `5m`, `1h`, `2d`
pub(super) fn duration(text: &str) -> anyhow::Result<Duration> {
    let unit = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => bail!("{text:?} is no time like 30s, 5m, 1h or 2d"),
    };
    let count: u64 = text[..text.len() - unit.len()]
        .parse()
        .with_context(|| format!("{text:?} has no number"))?;
    Ok(Duration::from_secs(count * seconds))
}

fn tokens(mut text: &str) -> anyhow::Result<Vec<Token>> {
    let mut found = Vec::new();
    loop {
        text = text.trim_start();
        let Some(first) = text.chars().next() else {
            return Ok(found);
        };
        let is_word =
            |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
        if found.last() == Some(&Token::Sign("[")) {
            let end = text.find(']').context("a window does not end")?;
            found.push(Token::Window(duration(text[..end].trim())?));
            text = &text[end..];
        } else if first.is_ascii_digit() {
            let end = text
                .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
                .unwrap_or(text.len());
            found.push(Token::Number(text[..end].parse()?));
            text = &text[end..];
            ensure!(
                !text.starts_with(is_word),
                "a number is followed by letters: {text}"
            );
        } else if is_word(first) {
            let end = text
                .find(|letter: char| !is_word(letter))
                .unwrap_or(text.len());
            found.push(Token::Word(text[..end].to_owned()));
            text = &text[end..];
        } else if first == '"' {
            let end = text[1..].find('"').context("a text does not end")?;
            let inside = &text[1..=end];
            ensure!(!inside.contains('\\'), "escapes are not read here");
            found.push(Token::Text(inside.to_owned()));
            text = &text[end + 2..];
        } else {
            let sign = SIGNS.iter().find(|sign| text.starts_with(**sign));
            let sign = sign.with_context(|| format!("nothing here begins so: {text}"))?;
            found.push(Token::Sign(sign));
            text = &text[sign.len()..];
        }
    }
}

struct Reader(Peekable<std::vec::IntoIter<Token>>);

impl Reader {
    fn comparison(&mut self) -> anyhow::Result<Expression> {
        let left = self.sum()?;
        let operator = match self.0.peek() {
            Some(Token::Sign("<")) => Operator::Less,
            Some(Token::Sign("<=")) => Operator::LessOrEqual,
            Some(Token::Sign(">")) => Operator::Greater,
            Some(Token::Sign(">=")) => Operator::GreaterOrEqual,
            Some(Token::Sign("==")) => Operator::Equal,
            Some(Token::Sign("!=")) => Operator::NotEqual,
            _ => return Ok(left),
        };
        self.0.next();
        let right = self.sum()?;
        Ok(Expression::Binary(operator, left.into(), right.into()))
    }

    fn sum(&mut self) -> anyhow::Result<Expression> {
        let mut left = self.product()?;
        loop {
            let operator = match self.0.peek() {
                Some(Token::Sign("+")) => Operator::Add,
                Some(Token::Sign("-")) => Operator::Subtract,
                _ => return Ok(left),
            };
            self.0.next();
            left = Expression::Binary(operator, left.into(), self.product()?.into());
        }
    }

    fn product(&mut self) -> anyhow::Result<Expression> {
        let mut left = self.one()?;
        loop {
            let operator = match self.0.peek() {
                Some(Token::Sign("*")) => Operator::Multiply,
                Some(Token::Sign("/")) => Operator::Divide,
                _ => return Ok(left),
            };
            self.0.next();
            left = Expression::Binary(operator, left.into(), self.one()?.into());
        }
    }

    fn one(&mut self) -> anyhow::Result<Expression> {
        match self.0.next().context("the expression ends too soon")? {
            Token::Number(number) => Ok(Expression::Number(number)),
            Token::Sign("(") => {
                let inside = self.comparison()?;
                self.sign(")")?;
                Ok(inside)
            }
            Token::Word(word) => self.word(word),
            other => bail!("an expression cannot begin with {other:?}"),
        }
    }

    fn word(&mut self, word: String) -> anyhow::Result<Expression> {
        let aggregate = match word.as_str() {
            "sum" => Some(Aggregate::Sum),
            "count" => Some(Aggregate::Count),
            "max" => Some(Aggregate::Max),
            "min" => Some(Aggregate::Min),
            _ => None,
        };
        if let Some(aggregate) = aggregate {
            let by = self.by()?;
            self.sign("(")?;
            let inside = self.comparison()?;
            self.sign(")")?;
            return Ok(Expression::Aggregate(aggregate, by, inside.into()));
        }
        if self.0.peek() != Some(&Token::Sign("(")) {
            return Ok(Expression::Selector(self.selector(word)?));
        }
        self.sign("(")?;
        let called = match word.as_str() {
            "time" => Expression::Time,
            "scalar" => Expression::Scalar(self.comparison()?.into()),
            "absent" => Expression::Absent(self.named()?),
            "increase" | "rate" => {
                let selector = self.named()?;
                self.sign("[")?;
                let Some(Token::Window(window)) = self.0.next() else {
                    bail!("{word} needs a window like [5m]");
                };
                self.sign("]")?;
                if word == "rate" {
                    Expression::Rate(selector, window)
                } else {
                    Expression::Increase(selector, window)
                }
            }
            _ => bail!("the function {word} is not known here"),
        };
        self.sign(")")?;
        Ok(called)
    }

    fn by(&mut self) -> anyhow::Result<Vec<String>> {
        let mut labels = Vec::new();
        if self.0.next_if_eq(&Token::Word("by".to_owned())).is_none() {
            return Ok(labels);
        }
        self.sign("(")?;
        loop {
            match self.0.next() {
                Some(Token::Word(label)) => labels.push(label),
                other => bail!("a label was wanted, not {other:?}"),
            }
            if self.0.next_if_eq(&Token::Sign(",")).is_none() {
                break;
            }
        }
        self.sign(")")?;
        Ok(labels)
    }

    fn named(&mut self) -> anyhow::Result<Selector> {
        match self.0.next() {
            Some(Token::Word(name)) => self.selector(name),
            other => bail!("the name of a metric was wanted, not {other:?}"),
        }
    }

    fn selector(&mut self, name: String) -> anyhow::Result<Selector> {
        let mut matchers = Vec::new();
        if self.0.next_if_eq(&Token::Sign("{")).is_some() {
            while self.0.next_if_eq(&Token::Sign("}")).is_none() {
                let (Some(Token::Word(label)), Some(Token::Sign(sign)), Some(Token::Text(value))) =
                    (self.0.next(), self.0.next(), self.0.next())
                else {
                    bail!("{name}: matchers look like label=\"value\"");
                };
                let equal = match sign {
                    "=" => true,
                    "!=" => false,
                    _ => bail!("{name}: only = and != are read here"),
                };
                matchers.push((label, value, equal));
                self.0.next_if_eq(&Token::Sign(","));
            }
        }
        Ok(Selector { name, matchers })
    }

    fn sign(&mut self, wanted: &'static str) -> anyhow::Result<()> {
        let next = self.0.next();
        ensure!(
            next == Some(Token::Sign(wanted)),
            "{wanted} was wanted, not {next:?}"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_bind_stronger_than_sums_and_sums_than_comparisons() {
        let Expression::Binary(Operator::Greater, left, _) = read("a - b * 2 > 1").unwrap() else {
            panic!("a comparison stands outside");
        };
        let Expression::Binary(Operator::Subtract, _, right) = *left else {
            panic!("a difference stands inside");
        };
        assert!(matches!(
            *right,
            Expression::Binary(Operator::Multiply, _, _)
        ));
    }

    #[test]
    fn matchers_windows_and_labels_are_read() {
        let read = read("sum by (job, instance) (increase(a_total{x=\"1\", y!=\"2\"}[5m]))");
        let Expression::Aggregate(Aggregate::Sum, by, inside) = read.unwrap() else {
            panic!("an aggregate");
        };
        assert_eq!(by, ["job", "instance"]);
        let Expression::Increase(selector, window) = *inside else {
            panic!("an increase");
        };
        assert_eq!(window, Duration::from_secs(300));
        assert_eq!(
            selector.matchers[1],
            ("y".to_owned(), "2".to_owned(), false)
        );
    }

    #[test]
    fn what_is_outside_the_subset_is_refused_and_never_guessed() {
        for bad in [
            "",
            "a >",
            "a b",
            "a{x=~\"1\"}",
            "rate(a)",
            "increase(a[5])",
            "a[5m]",
            "histogram_quantile(0.9, a)",
            "a and b",
            "a offset 5m",
            "(a",
            "a{x=\"1}",
            "5m",
        ] {
            assert!(read(bad).is_err(), "{bad:?} was read");
        }
    }
}
