use super::*;

fn settings(pairs: &[(&str, &str)]) -> Settings {
    let values = pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    Settings::from_map("T_", values)
}

#[test]
fn every_mistake_is_told_at_once_and_names_its_setting() {
    let mut s = settings(&[
        ("T_PORT", "http"),
        ("T_MS", "4"),
        ("T_MODE", "x"),
        ("T_TYPO", "1"),
    ]);
    let _: u16 = s.parse_or("T_PORT", "80", "a port");
    assert_eq!(s.in_range("T_MS", 30, 5..=300), 30);
    assert_eq!(s.one_of("T_MODE", 1, &[("one", 1), ("two", 2)]), 1);
    s.required("T_URL", "postgres://host/db");
    let SettingsErrors(mistakes) = s.finish().unwrap_err();
    for name in ["T_PORT", "T_MS", "T_MODE", "T_URL", "T_TYPO"] {
        assert_eq!(
            mistakes.iter().filter(|m| m.contains(name)).count(),
            1,
            "{name}: {mistakes:?}"
        );
    }
}

#[test]
fn variables_of_others_are_left_alone() {
    let s = settings(&[("PATH", "/bin"), ("OTHER_THING", "1")]);
    assert_eq!(s.finish(), Ok(()));
}

#[test]
fn an_empty_value_counts_as_absent() {
    let mut s = settings(&[("T_A", "  ")]);
    assert_eq!(s.optional("T_A"), None);
    assert_eq!(s.in_range("T_A", 7, 1..=9), 7);
}

#[test]
fn a_secret_comes_from_a_file_without_its_line_end_and_never_prints() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "hush\n").unwrap();
    let mut s = settings(&[("T_KEY_FILE", file.path().to_str().unwrap())]);
    let secret = s.secret("T_KEY").unwrap();
    assert_eq!(secret.expose(), "hush");
    assert!(!format!("{secret:?}").contains("hush"));
    assert_eq!(s.finish(), Ok(()));
}

#[test]
fn a_secret_given_twice_missing_empty_or_too_long_is_a_mistake() {
    let long = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(long.path(), "x".repeat(20_000)).unwrap();
    let empty = tempfile::NamedTempFile::new().unwrap();
    for pairs in [
        vec![("T_KEY", "a"), ("T_KEY_FILE", "/nowhere")],
        vec![("T_KEY_FILE", "/nowhere")],
        vec![("T_KEY_FILE", long.path().to_str().unwrap())],
        vec![("T_KEY_FILE", empty.path().to_str().unwrap())],
        vec![],
    ] {
        let mut s = settings(&pairs);
        s.required_secret("T_KEY");
        let SettingsErrors(mistakes) = s.finish().unwrap_err();
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    }
}
