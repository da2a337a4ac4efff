//! A file alone, and command lines that make no sense.

use emqx_config::EMQX_5_8;

use super::{Settings, doctor, read, set};

#[tokio::test]
async fn a_file_is_checked_offline_without_any_setting() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("emqx.conf");
    let path = file.display().to_string();
    let arguments = [
        "--json",
        "--offline",
        "--emqx-conf",
        &path,
        "--emqx-version",
        "5.8.9",
    ];
    let none = Settings::new();
    std::fs::write(&file, EMQX_5_8).unwrap();
    let output = doctor(&none, &arguments).await;
    assert_eq!(
        (output.status.code(), read(&output).1),
        (Some(0), Vec::new())
    );

    std::fs::write(&file, EMQX_5_8.replace("pool_size = 16", "pool_size = 8")).unwrap();
    assert_eq!(doctor(&none, &arguments).await.status.code(), Some(1));
    let text = doctor(&none, &arguments[1..]).await;
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.contains("pool_size = 8") && text.contains("[emqx_pool_small]"),
        "{text}"
    );

    for (content, code) in [("a = {", 2), ("listeners.ssl.x {}", 2)] {
        std::fs::write(&file, content).unwrap();
        assert_eq!(doctor(&none, &arguments).await.status.code(), Some(code));
    }
    std::fs::remove_file(&file).unwrap();
    assert_eq!(doctor(&none, &arguments).await.status.code(), Some(2));
}

#[tokio::test]
async fn wrong_settings_are_78_and_a_wrong_command_line_64() {
    let none = Settings::new();
    assert_eq!(doctor(&none, &[]).await.status.code(), Some(78));
    for arguments in [
        &["--offline"][..],
        &["--emqx-version", "5.8.9"],
        &["--replica", "http://x"],
        &["--listener", "x"],
        &["--watch", "601"],
    ] {
        let output = doctor(&none, arguments).await;
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
    }
    let mut settings = Settings::new();
    set(
        &mut settings,
        &[
            ("API_DATABASE_URL", "postgres://api@h/d"),
            ("API_DOCTOR_REPLICAS", "a/b:1"),
        ],
    );
    let output = doctor(&settings, &[]).await;
    assert_eq!(output.status.code(), Some(78));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("API_DOCTOR_REPLICAS")
    );
}
