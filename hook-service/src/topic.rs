//! Topic names and filters as MQTT 5 defines them (section 4.7).
//!
//! Matching here is the standard's, with true subset checking of filters; EMQX's own, laxer rule
//! matching lives nowhere in this service.

/// The longest topic name or filter that is looked at, in bytes; EMQX's default limit is 4096.
pub const TOPIC_BYTES_MAX: usize = 4096;

/// Whether `name` is a topic that may be published to: no wildcard, no NUL, not empty.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= TOPIC_BYTES_MAX && !name.contains(['+', '#', '\0'])
}

/// Whether `filter` is well formed: wildcards stand alone in their level and `#` only in the last.
pub fn is_filter(filter: &str) -> bool {
    if filter.is_empty() || filter.len() > TOPIC_BYTES_MAX || filter.contains('\0') {
        return false;
    }
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        let wild = level.contains(['+', '#']);
        if wild && (level.len() != 1 || (level == "#" && levels.peek().is_some())) {
            return false;
        }
    }
    true
}

/// Whether every topic that `narrow` matches is matched by `wide` too. Both must be well formed.
///
/// A name is its own filter, so this also tells whether a name matches. A wildcard in the first
/// level never covers topics that begin with `$` (MQTT 5, section 4.7.2).
pub fn covers(wide: &str, narrow: &str) -> bool {
    if narrow.starts_with('$') && wide.starts_with(['+', '#']) {
        return false;
    }
    let mut wide = wide.split('/');
    let mut narrow = narrow.split('/');
    loop {
        match (wide.next(), narrow.next()) {
            // "a/#" covers "a" too: the parent of the wildcard (section 4.7.1.2).
            (Some("#"), _) | (None, None) => return true,
            (_, Some("#")) => return false,
            (Some("+"), Some(_)) => {}
            (Some(level), Some(same)) if level == same => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn well_formed_filters_are_told_from_malformed_ones() {
        for good in [
            "a",
            "a/b",
            "+",
            "#",
            "a/+/b",
            "a/#",
            "/",
            "//",
            "+/#",
            "$share/g/a",
        ] {
            assert!(is_filter(good), "{good}");
        }
        for bad in [
            "",
            "a#",
            "a/#/b",
            "#/",
            "a+",
            "+a/b",
            "a\0",
            &"x".repeat(4097),
        ] {
            assert!(!is_filter(bad), "{bad}");
        }
        assert!(is_name("a/b") && is_name("/"));
        assert!(!is_name("a/+") && !is_name("#") && !is_name("") && !is_name("a\0b"));
    }

    #[test]
    fn a_filter_covers_only_what_it_truly_contains() {
        for (wide, narrow, expected) in [
            ("a/+", "a/b", true),
            ("a/+", "a/+", true),
            ("a/+", "a/#", false),
            ("a/+/#", "a/#", false),
            ("a/#", "a/+", true),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("a/#", "a/#", true),
            ("a/#", "b", false),
            ("+/b", "a/b", true),
            ("+/b", "a", false),
            ("+", "a", true),
            ("+", "#", false),
            ("+/#", "#", false),
            ("#", "+/+", true),
            ("a", "a/#", false),
            ("a/b", "a", false),
            ("#", "$SYS/x", false),
            ("+/x", "$SYS/x", false),
            ("$SYS/#", "$SYS/x", true),
            ("#", "#", true),
            ("a/+", "a/", true),
            ("a/+", "a", false),
        ] {
            assert_eq!(covers(wide, narrow), expected, "{wide} covers {narrow}");
        }
    }

    fn filter() -> impl Strategy<Value = String> {
        let level = prop::sample::select(vec!["a", "b", "+", ""]);
        (prop::collection::vec(level, 1..4), any::<bool>()).prop_map(|(levels, all)| {
            let mut filter = levels.join("/");
            if all {
                filter.push_str("/#");
            }
            filter
        })
    }

    fn name() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "", "$x"]), 1..6)
            .prop_map(|levels| levels.join("/"))
    }

    proptest! {
        #[test]
        fn what_a_covered_filter_matches_the_wider_one_matches_too(
            wide in filter(), narrow in filter(), names in prop::collection::vec(name(), 40),
        ) {
            prop_assume!(is_filter(&wide) && is_filter(&narrow));
            if covers(&wide, &narrow) {
                for name in names.iter().filter(|name| is_name(name)) {
                    prop_assert!(
                        !covers(&narrow, name) || covers(&wide, name),
                        "{} covers {}, but not {}", wide, narrow, name
                    );
                }
            }
        }

        #[test]
        fn a_filter_that_is_not_covered_has_a_witness(wide in filter(), narrow in filter()) {
            prop_assume!(is_filter(&wide) && is_filter(&narrow));
            if !covers(&wide, &narrow) {
                // Fill the wildcards of `narrow` with a level that no filter here names.
                let shallow = narrow.strip_suffix("/#").unwrap_or(&narrow).replace('+', "zz");
                let deep = format!("{shallow}/zz/zz/zz/zz");
                let open = narrow.ends_with("/#");
                prop_assert!(
                    !covers(&wide, &shallow) || (open && !covers(&wide, &deep)),
                    "{} does not cover {}, but matches all tried", wide, narrow
                );
            }
        }
    }
}
