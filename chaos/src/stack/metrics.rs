//! Reading `/metrics`: the text format of Prometheus, as far as our services write it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context as _, bail};

/// One value of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The metric's name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: f64,
}

/// Fetches and reads the metrics of a service.
pub async fn scrape(ops: SocketAddr) -> anyhow::Result<Vec<Sample>> {
    let answer = super::http()?
        .get(format!("http://{ops}/metrics"))
        .send()
        .await?
        .error_for_status()?;
    parse(&answer.text().await?)
}

/// Reads the text format. Timestamps and exemplars are refused: nobody here writes them.
pub fn parse(text: &str) -> anyhow::Result<Vec<Sample>> {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| sample(line).with_context(|| format!("not a sample: {line}")))
        .collect()
}

fn sample(line: &str) -> anyhow::Result<Sample> {
    let (series, value) = line.rsplit_once(' ').context("there is no value")?;
    let (name, labels) = match series.split_once('{') {
        None => (series, BTreeMap::new()),
        Some((name, rest)) => {
            let inside = rest.strip_suffix('}').context("labels do not end")?;
            (name, pairs(inside)?)
        }
    };
    let value = match value {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        number => number.parse().context("the value is no number")?,
    };
    Ok(Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

/// `a="x",b="y"`, with `\"`, `\\` and `\n` inside the quotes.
pub(crate) fn pairs(mut text: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"").context("a label has no value")?;
        let mut value = String::new();
        let mut letters = rest.char_indices();
        let end = loop {
            match letters.next() {
                Some((at, '"')) => break at,
                Some((_, '\\')) => match letters.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, letter @ ('\\' | '"'))) => value.push(letter),
                    _ => bail!("an unknown escape"),
                },
                Some((_, letter)) => value.push(letter),
                None => bail!("a label's value does not end"),
            }
        };
        labels.insert(name.trim().to_owned(), value);
        text = rest[end + 1..].trim_start_matches([',', ' ']);
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_with_their_labels_and_comments_are_not() {
        let text = "# HELP a b\n# TYPE a counter\na 3\nb{x=\"1\",y=\"q\\\"\\\\,\"} 0.5\nc{le=\"+Inf\"} +Inf\n";
        let samples = parse(text).unwrap();
        assert_eq!(samples.len(), 3);
        assert!((samples[0].value - 3.0).abs() < f64::EPSILON);
        assert_eq!(samples[1].labels["y"], "q\"\\,");
        assert!(samples[2].value.is_infinite() && samples[2].labels["le"] == "+Inf");
    }

    #[test]
    fn what_is_no_sample_is_refused_with_its_line() {
        for bad in ["a", "a{x=\"1\" 3", "a b", "a{x=1} 2", "a{x=\"\\q\"} 2"] {
            let error = parse(bad).unwrap_err().to_string();
            assert!(error.contains(bad), "{error}");
        }
    }
}
