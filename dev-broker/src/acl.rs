//! The `acl` of an authn answer: rules parsed once at connect, then asked for every action.
//!
//! Follows EMQX 5.8's `client_info` source (contract 1.6 and 2.4), its surprises included: a rule
//! `a/+` also admits the filter `a/#` (emqx-verified #1). Never asks anything over the network.

mod rule;
mod topic;

pub(crate) use rule::{BadRule, Rule};

use crate::client::{ClientAttrs, ClientInfo};

/// What a client wants to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Action<'a> {
    /// Publish or subscribe.
    pub kind: ActionKind,
    /// The topic, or the filter without its `$share/group/`.
    pub topic: &'a str,
    /// `QoS` 0 to 2.
    pub qos: u8,
    /// The retain flag; false for a subscribe.
    pub retain: bool,
}

/// The two kinds of action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ActionKind {
    /// PUBLISH or a last will.
    Publish,
    /// One filter of a SUBSCRIBE.
    Subscribe,
}

/// What the rules say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A rule allows.
    Allow,
    /// A rule denies, or the rights have expired.
    Deny,
    /// No rule matched: the next source decides.
    NoMatch,
}

/// The rules of one client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Acl {
    rules: Vec<Rule>,
}

impl Acl {
    /// Parses the `acl` array. Any malformed rule refuses all of it.
    pub(crate) fn parse(rules: &[serde_json::Value]) -> Result<Self, BadRule> {
        let rules = rules.iter().map(Rule::parse).collect::<Result<_, _>>()?;
        Ok(Self { rules })
    }

    /// First match wins.
    pub(crate) fn check(
        &self,
        client: &ClientInfo,
        attrs: &ClientAttrs,
        action: Action<'_>,
    ) -> Verdict {
        let hit = self
            .rules
            .iter()
            .find(|rule| rule.matches(client, attrs, action));
        hit.map_or(Verdict::NoMatch, |rule| {
            if rule.allows {
                Verdict::Allow
            } else {
                Verdict::Deny
            }
        })
    }
}

#[cfg(test)]
mod tests;
