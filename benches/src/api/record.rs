//! What the service asks of the database to answer one request, read from the server's log.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use anyhow::{Context, bail};

/// How lines of the log name the service: its login and its database, as `dev-postgres` has them written.
const SERVICE: &str = " api@postgres ";

/// A request is recorded so often: statements of background tasks fall between, several times a second.
const TRIES: usize = 20;

/// A statement with the values it was run with, as PostgreSQL writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) text: String,
    pub(super) parameters: Vec<Option<String>>,
}

/// What each session of the service ran during one try, by the process that serves it.
type Sessions = BTreeMap<String, Vec<Statement>>;

/// The statements that answering takes once accounts, tokens and statements are known to the service.
pub(super) fn record(
    log: &Path,
    answer: impl Fn() -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Statement>> {
    answer()?;
    let mut tries: Vec<Sessions> = Vec::with_capacity(TRIES);
    for _ in 0..TRIES {
        let from = std::fs::metadata(log)
            .context("reading the server's log")?
            .len();
        answer()?;
        let mut text = String::new();
        let mut file = File::open(log).context("reading the server's log")?;
        file.seek(SeekFrom::Start(from))?;
        file.read_to_string(&mut text)?;
        tries.push(parse(&text)?);
    }
    common(&tries)
        .with_context(|| format!("answers to one request took different statements: {tries:#?}"))
}

/// The longest run of statements that some session made in at least two tries and that a session of every
/// other try made too, be it among others: a request is answered over one session, and what runs in the
/// background does not come in every try.
fn common(tries: &[Sessions]) -> Option<Vec<Statement>> {
    let holds = |session: &[Statement], wanted: &[Statement]| {
        let mut rest = session.iter();
        wanted
            .iter()
            .all(|wanted| rest.any(|each| each.text == wanted.text))
    };
    let in_every_try = |wanted: &[Statement]| {
        tries
            .iter()
            .all(|sessions| sessions.values().any(|session| holds(session, wanted)))
    };
    let same =
        |one: &[Statement], other: &[Statement]| one.len() == other.len() && holds(one, other);
    let is_twice = |wanted: &[Statement]| {
        let tries = tries
            .iter()
            .filter(|sessions| sessions.values().any(|session| same(session, wanted)));
        tries.count() > 1
    };
    let sessions = tries.iter().flat_map(BTreeMap::values);
    sessions
        .filter(|session| is_twice(session) && in_every_try(session))
        .max_by_key(|session| session.len())
        .cloned()
}

/// The service's statements in a piece of the log.
fn parse(log: &str) -> anyhow::Result<Sessions> {
    let mut sessions = Sessions::new();
    // Lines after the first of a message begin with a tab.
    for message in log.replace("\n\t", "\u{1}").lines() {
        let message = message.replace('\u{1}', "\n");
        let Some((before, said)) = message.split_once(SERVICE) else {
            continue;
        };
        let process = before.rsplit('[').next().unwrap_or_default();
        let statements = sessions.entry(process.to_owned()).or_default();
        if let Some(said) = said.strip_prefix("LOG:  ") {
            let text = match said.strip_prefix("statement: ") {
                Some(text) => text,
                None => match said
                    .strip_prefix("execute ")
                    .and_then(|rest| rest.split_once(": "))
                {
                    Some((_, text)) => text,
                    None => continue,
                },
            };
            statements.push(Statement {
                text: text.trim().to_owned(),
                parameters: Vec::new(),
            });
        } else if let Some(values) = said.strip_prefix("DETAIL:  ")
            && let Some((name, values)) = values.split_once(": ")
            && name.eq_ignore_ascii_case("parameters")
        {
            let last = statements
                .last_mut()
                .context("parameters of no statement")?;
            last.parameters = parameters(values)?;
        }
    }
    Ok(sessions)
}

/// `$1 = 'it''s', $2 = NULL`.
fn parameters(text: &str) -> anyhow::Result<Vec<Option<String>>> {
    let mut values = Vec::new();
    let mut rest = text;
    loop {
        let begin = format!("${} = ", values.len() + 1);
        rest = rest
            .strip_prefix(&begin)
            .with_context(|| format!("{begin}is missing in {text}"))?;
        if let Some(after) = rest.strip_prefix("NULL") {
            values.push(None);
            rest = after;
        } else {
            let (value, after) = quoted(rest).with_context(|| format!("no value in {text}"))?;
            values.push(Some(value));
            rest = after;
        }
        match rest.strip_prefix(", ") {
            Some(next) => rest = next,
            None if rest.trim().is_empty() => return Ok(values),
            None => bail!("what follows a value is not understood: {rest}"),
        }
    }
}

/// A value in quotes at the front, and what is behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text.strip_prefix('\'')?;
    loop {
        let (before, after) = rest.split_once('\'')?;
        value.push_str(before);
        match after.strip_prefix('\'') {
            Some(next) => {
                value.push('\'');
                rest = next;
            }
            None => return Some((value, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_of_the_service_are_read_with_their_values_and_no_others() {
        let log = "2026-11-22 20:00:00.1 UTC [7] api@postgres LOG:  statement: START TRANSACTION\n\
                   2026-11-22 20:00:00.1 UTC [8] postgres@postgres LOG:  statement: CHECKPOINT\n\
                   2026-11-22 20:00:00.1 UTC [7] api@postgres LOG:  execute s3: \n\t-- store::x::y\n\tSELECT a\n\t  FROM b WHERE c = $1\n\
                   2026-11-22 20:00:00.1 UTC [7] api@postgres DETAIL:  parameters: $1 = 'it''s, $2 = ', $2 = NULL, $3 = '{\"a\": 1}'\n\
                   2026-11-22 20:00:00.1 UTC [9] LOG:  checkpoint starting: immediate\n\
                   2026-11-22 20:00:00.1 UTC [7] api@postgres LOG:  statement: COMMIT\n";
        let sessions = parse(log).unwrap();
        assert_eq!(sessions.len(), 1, "{sessions:?}");
        let read = sessions.into_values().next().unwrap();
        let texts: Vec<&str> = read.iter().map(|each| each.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "START TRANSACTION",
                "-- store::x::y\nSELECT a\n  FROM b WHERE c = $1",
                "COMMIT"
            ]
        );
        let text = |value: &str| Some(value.to_owned());
        assert_eq!(
            read[1].parameters,
            [text("it's, $2 = "), None, text("{\"a\": 1}")]
        );
    }

    #[test]
    fn what_runs_in_the_background_is_told_from_what_a_request_takes() {
        let of = |sessions: &[&[&str]]| -> Sessions {
            let statement = |text: &&str| Statement {
                text: (*text).to_owned(),
                parameters: Vec::new(),
            };
            let each = sessions.iter().enumerate();
            each.map(|(process, texts)| {
                (process.to_string(), texts.iter().map(statement).collect())
            })
            .collect()
        };
        let texts = |found: Option<Vec<Statement>>| -> Vec<String> {
            let found = found.unwrap_or_default().into_iter();
            found.map(|each| each.text).collect()
        };
        let own = of(&[&["a", "b"]]);
        let beside = of(&[&["tick", "tock", "toll"], &["a", "b"]]);
        let before = of(&[&["tick", "a", "b"]]);
        let tries = [own.clone(), beside.clone(), before.clone()];
        assert_eq!(texts(common(&tries)), ["a", "b"]);
        let often = [beside.clone(), beside, own.clone()];
        assert_eq!(texts(common(&often)), ["a", "b"]);
        assert_eq!(common(&[before, own.clone()]), None, "seen alone only once");
        let other = of(&[&["b", "a", "c"]]);
        assert_eq!(common(&[own.clone(), own.clone(), other]), None);
        assert_eq!(common(&[of(&[]), own.clone(), own]), None);
    }

    #[test]
    fn values_that_are_cut_short_are_refused() {
        for bad in ["$2 = 'a'", "$1 = 'a", "$1 = a", "$1 = 'a' $2 = 'b'", ""] {
            assert!(parameters(bad).is_err(), "{bad}");
        }
    }
}
