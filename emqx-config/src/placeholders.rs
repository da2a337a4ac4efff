//! Finds the `${..}` placeholders of a template string.
//!
//! Never expands one: that is the broker's work.

/// The names of the placeholders in `template`, in order, with repetitions.
///
/// A `${` without its `}` is no placeholder, as in EMQX, which sends such text as it is.
pub fn placeholders(template: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = template;
    while let Some(start) = rest.find("${") {
        let after = &rest[start + 2..];
        let Some(end) = after.find('}') else { break };
        names.push(&after[..end]);
        rest = &after[end + 1..];
    }
    names
}

#[cfg(test)]
mod tests {
    use super::placeholders;

    #[test]
    fn every_placeholder_is_listed_in_order() {
        assert_eq!(
            placeholders("a${clientid}/${topic}${clientid}"),
            ["clientid", "topic", "clientid"]
        );
    }

    #[test]
    fn text_without_a_closing_brace_is_no_placeholder() {
        assert_eq!(placeholders("${clientid} ${open"), ["clientid"]);
        assert!(placeholders("$clientid {x} $").is_empty());
    }
}
