use proptest::prelude::*;

use super::{DeviceId, DeviceIdError};

#[test]
fn the_longest_id_is_taken_and_one_more_character_is_refused() {
    assert!(DeviceId::parse(&"a".repeat(64)).is_ok());
    assert_eq!(
        DeviceId::parse(&"a".repeat(65)),
        Err(DeviceIdError::TooLong { bytes: 65 })
    );
    assert_eq!(DeviceId::parse(""), Err(DeviceIdError::Empty));
}

#[test]
fn each_character_that_means_something_elsewhere_is_refused() {
    for text in [
        "a.b",
        "a/b",
        "+",
        "#",
        "$SYS",
        "a b",
        "a\n",
        "a\0",
        "ä",
        "${clientid}",
        "a:b",
        "%c",
    ] {
        let refused = matches!(DeviceId::parse(text), Err(DeviceIdError::Character { .. }));
        assert!(refused, "{text:?}");
    }
}

#[test]
fn a_reserved_name_exists_but_cannot_be_registered() {
    assert!(DeviceId::parse("emqx").is_ok());
    let refusal = DeviceId::register("emqx").expect_err("reserved");
    assert!(refusal.to_string().contains("choose another id"));
    assert!(DeviceId::register("grow-0001").is_ok());
}

proptest! {
    #[test]
    fn every_text_of_the_grammar_is_taken_unchanged(text in "[A-Za-z0-9_-]{1,64}") {
        let id = DeviceId::parse(&text).expect("the grammar's own texts");
        prop_assert_eq!(id.to_string(), text);
    }

    #[test]
    fn whatever_is_taken_is_one_literal_topic_level_and_in_no_other_name_space(text in "\\PC{0,80}") {
        if let Ok(id) = DeviceId::parse(&text) {
            let id = id.as_str();
            prop_assert!((1..=64).contains(&id.len()));
            prop_assert!(!id.contains(['+', '#', '/', '.', '$', ' ']));
            prop_assert!(id.is_ascii());
        }
    }
}
