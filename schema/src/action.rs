//! What a client may do with a topic: `service_client_right.action`, and EMQX's `action`.

/// Publish or subscribe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Send to a topic.
    Publish,
    /// Receive from a filter.
    Subscribe,
}

crate::sql_text::words!(Action, "action", {
    Publish => "publish",
    Subscribe => "subscribe",
});
