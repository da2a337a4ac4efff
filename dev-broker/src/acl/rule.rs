//! One rule of an `acl`. Keys that 5.8 does not know are dropped silently, as there (emqx-verified #9).

use serde_json::Value;

use super::topic::topic_matches;
use super::{Action, ActionKind};
use crate::client::{ClientAttrs, ClientInfo};
use crate::template::{Template, acl_variable};

/// A rule that EMQX refuses the whole connect for (0x86).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the acl rule's `{key}` is missing or has a value that EMQX does not know")]
pub(crate) struct BadRule {
    /// The key at fault.
    pub key: &'static str,
}

/// A parsed rule.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(super) allows: bool,
    publish: bool,
    subscribe: bool,
    qos: [bool; 3],
    retain: Option<bool>,
    topics: Vec<Topic>,
}

#[derive(Debug, Clone)]
enum Topic {
    /// `eq t`: literal, placeholders not expanded.
    Exactly(String),
    Filter(Template),
}

impl Rule {
    /// Parses one element of the array.
    pub(crate) fn parse(value: &Value) -> Result<Self, BadRule> {
        let rule = value.as_object().ok_or(BadRule { key: "permission" })?;
        let allows = match rule.get("permission").and_then(Value::as_str) {
            Some("allow") => true,
            Some("deny") => false,
            _ => return Err(BadRule { key: "permission" }),
        };
        let (publish, subscribe) = match rule.get("action").and_then(Value::as_str) {
            Some("publish" | "pub") => (true, false),
            Some("subscribe" | "sub") => (false, true),
            Some("all") => (true, true),
            _ => return Err(BadRule { key: "action" }),
        };
        Ok(Self {
            allows,
            publish,
            subscribe,
            qos: rule.get("qos").map_or(Ok([true; 3]), qos)?,
            retain: rule.get("retain").map_or(Ok(None), retain)?,
            topics: topics(rule.get("topic"), rule.get("topics"))?,
        })
    }

    pub(super) fn matches(
        &self,
        client: &ClientInfo,
        attrs: &ClientAttrs,
        action: Action<'_>,
    ) -> bool {
        let kind = match action.kind {
            ActionKind::Publish => {
                self.publish && self.retain.is_none_or(|retain| retain == action.retain)
            }
            ActionKind::Subscribe => self.subscribe,
        };
        kind && self
            .qos
            .get(usize::from(action.qos))
            .copied()
            .unwrap_or(false)
            && self.topics.iter().any(|topic| match topic {
                Topic::Exactly(text) => text == action.topic,
                Topic::Filter(template) => template
                    .render_all_present(|name| client.acl(attrs, name))
                    .is_some_and(|filter| topic_matches(action.topic, &filter)),
            })
    }
}

fn topics(one: Option<&Value>, many: Option<&Value>) -> Result<Vec<Topic>, BadRule> {
    let bad = BadRule { key: "topics" };
    if let Some(Value::Array(items)) = many {
        let texts = items.iter().map(Value::as_str);
        return texts
            .map(|text| text.map(topic).ok_or(bad.clone()))
            .collect();
    }
    match one {
        Some(Value::String(text)) if many.is_none() => Ok(vec![topic(text)]),
        _ => Err(bad),
    }
}

fn topic(text: &str) -> Topic {
    match text.strip_prefix("eq ") {
        Some(literal) => Topic::Exactly(literal.to_owned()),
        None => Topic::Filter(Template::parse(text, acl_variable)),
    }
}

fn qos(value: &Value) -> Result<[bool; 3], BadRule> {
    let bad = || BadRule { key: "qos" };
    let levels: Vec<u64> = match value {
        Value::Number(n) => vec![n.as_u64().ok_or_else(bad)?],
        Value::String(text) => text
            .split(',')
            .map(|level| level.trim().parse().map_err(|_| bad()))
            .collect::<Result<_, _>>()?,
        Value::Array(items) => items
            .iter()
            .map(|item| match item {
                Value::Number(n) => n.as_u64().ok_or_else(bad),
                Value::String(text) => text.parse().map_err(|_| bad()),
                _ => Err(bad()),
            })
            .collect::<Result<_, _>>()?,
        _ => return Err(bad()),
    };
    let mut allowed = [false; 3];
    for level in levels {
        let index = usize::try_from(level).map_err(|_| bad())?;
        *allowed.get_mut(index).ok_or_else(bad)? = true;
    }
    Ok(allowed)
}

fn retain(value: &Value) -> Result<Option<bool>, BadRule> {
    match value {
        Value::Bool(flag) => Ok(Some(*flag)),
        Value::Number(n) if n.as_u64() == Some(0) => Ok(Some(false)),
        Value::Number(n) if n.as_u64() == Some(1) => Ok(Some(true)),
        Value::String(text) => match text.as_str() {
            "all" => Ok(None),
            "true" | "1" => Ok(Some(true)),
            "false" | "0" => Ok(Some(false)),
            _ => Err(BadRule { key: "retain" }),
        },
        _ => Err(BadRule { key: "retain" }),
    }
}
