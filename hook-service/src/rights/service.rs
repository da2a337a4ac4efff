//! The rights of a service client: filters listed in the database.

use super::acl::{TERMINAL_DENY, string};
use super::{Action, Request};
use crate::topic;

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicRight {
    action: Action,
    filter: String,
}

impl TopicRight {
    /// Takes a line of the list; `None` if the filter is malformed or could not be told to EMQX.
    ///
    /// An EMQX rule whose last level is `+` (alone or before `#`) also admits `#` in its place
    /// (5.8.9: `allow a/+` lets `a/#` through). That is closed by a deny of the literal filter
    /// before it, which can be written only if all levels before are literal. A first level that
    /// begins with `$` would reach into the broker's own topics; `eq ` and `${` mean something else
    /// in a rule than in a filter.
    pub fn new(action: Action, filter: &str) -> Option<Self> {
        let tellable = topic::is_filter(filter)
            && !filter.starts_with('$')
            && !filter.starts_with("eq ")
            && !filter.contains("${")
            && open_end(filter).is_none_or(|before| !before.contains(['+', '#']));
        tellable.then(|| Self {
            action,
            filter: filter.to_owned(),
        })
    }

    /// What it allows to do.
    pub fn action(&self) -> Action {
        self.action
    }

    /// With which topics.
    pub fn filter(&self) -> &str {
        &self.filter
    }
}

/// What stands before a last `+` (or `+/#`), with its slash; `None` if the filter ends otherwise.
fn open_end(filter: &str) -> Option<&str> {
    let last = filter.strip_suffix("/#").unwrap_or(filter);
    let before = last.strip_suffix('+')?;
    (before.is_empty() || before.ends_with('/')).then_some(before)
}

pub(super) fn allow(rights: &[TopicRight], request: &Request<'_>) -> bool {
    let well_formed = match request.action {
        Action::Publish => topic::is_name(request.topic),
        Action::Subscribe => topic::is_filter(request.topic),
    };
    well_formed
        && rights.iter().any(|right| {
            right.action == request.action && topic::covers(&right.filter, request.topic)
        })
}

pub(super) fn write_acl(rights: &[TopicRight], out: &mut Vec<u8>) {
    out.push(b'[');
    let of = |action| rights.iter().filter(move |right| right.action == action);
    write_rule(
        out,
        "allow",
        "publish",
        of(Action::Publish).map(|right| right.filter.clone()),
    );
    // The guards stand before every allow. What another right allows must not be denied by one.
    let guards = of(Action::Subscribe)
        .filter_map(|right| Some(format!("{}#", open_end(&right.filter)?)))
        .filter(|wide| !of(Action::Subscribe).any(|right| topic::covers(&right.filter, wide)))
        .map(|wide| format!("eq {wide}"));
    write_rule(out, "deny", "subscribe", guards);
    write_rule(
        out,
        "allow",
        "subscribe",
        of(Action::Subscribe).map(|right| right.filter.clone()),
    );
    out.extend_from_slice(TERMINAL_DENY);
}

fn write_rule(
    out: &mut Vec<u8>,
    permission: &str,
    action: &str,
    topics: impl Iterator<Item = String>,
) {
    let mut topics = topics.peekable();
    if topics.peek().is_none() {
        return;
    }
    let head = format!(r#"{{"permission":"{permission}","action":"{action}","topics":["#);
    out.extend_from_slice(head.as_bytes());
    for (index, topic) in topics.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        string(out, &topic);
    }
    out.extend_from_slice(b"]},");
}
