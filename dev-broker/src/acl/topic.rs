//! EMQX's own comparison of a topic or filter with a rule's filter (`emqx_topic:match/2`).
//!
//! For SUBSCRIBE the asked filter is treated as if it were a topic, so its `#` and `+` are ordinary
//! words. That is why `+` in a rule also admits a final `#`: a real subset check would not.

/// Whether `asked` (a topic, or a filter taken as one) is matched by the rule's `filter`.
pub(super) fn topic_matches(asked: &str, filter: &str) -> bool {
    if asked.starts_with('$') && (filter.starts_with('+') || filter.starts_with('#')) {
        return false;
    }
    let mut asked = asked.split('/');
    let mut filter = filter.split('/');
    loop {
        match (asked.next(), filter.next()) {
            (None, None | Some("#")) | (Some(_), Some("#")) => return true,
            (Some(word), Some(pattern)) if word == pattern || pattern == "+" => {}
            _ => return false,
        }
    }
}
