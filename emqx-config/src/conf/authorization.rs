//! The `authorization` section.
//!
//! Only HTTP sources are understood: with another kind beside them the hook would not be the only one that decides.

use super::ConfError;
use super::http::{HttpAuthorizer, HttpHook, Use};
use super::reader::Section;

/// Who may publish and subscribe to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// What happens when no rule and no source decided.
    pub no_match: NoMatch,
    /// What a denied client gets.
    pub deny_action: DenyAction,
    /// Whether answers are kept for each client.
    pub cache_enable: bool,
    /// The sources in order. `None`: the key is absent, and EMQX uses its file, which allows everything at its end.
    pub sources: Option<Vec<HttpAuthorizer>>,
}

/// What happens when no rule and no source decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoMatch {
    /// `allow`
    Allow,
    /// `deny`
    Deny,
}

/// What a denied client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenyAction {
    /// `ignore`: a reason code in MQTT 5, and the message is dropped.
    Ignore,
    /// `disconnect`
    Disconnect,
}

// === impl Authorization ===

impl Authorization {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfError> {
        let no_match = [("allow", NoMatch::Allow), ("deny", NoMatch::Deny)];
        let deny_action = [
            ("ignore", DenyAction::Ignore),
            ("disconnect", DenyAction::Disconnect),
        ];
        Ok(Self {
            no_match: section
                .word("no_match", "allow or deny", &no_match)?
                .unwrap_or(NoMatch::Allow),
            deny_action: section
                .word("deny_action", "ignore or disconnect", &deny_action)?
                .unwrap_or(DenyAction::Ignore),
            cache_enable: section.section("cache")?.boolean("enable")?.unwrap_or(true),
            sources: HttpHook::read_list(section, "sources", Use::Authz)?,
        })
    }
}
