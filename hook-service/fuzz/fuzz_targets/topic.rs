//! The matcher keeps its word: what covers a filter matches every name that the filter matches.
#![no_main]

use hook_service::topic::{covers, is_filter, is_name};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|texts: (&str, &str, &str)| {
    let (wide, narrow, name) = texts;
    if is_filter(wide) && is_filter(narrow) && is_name(name) && covers(wide, narrow) {
        assert!(!covers(narrow, name) || covers(wide, name), "{wide:?} {narrow:?} {name:?}");
    }
});
