//! What cannot be looked at.

use super::{Settings, doctor, read, set};
use crate::support::nobody;

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_is_a_finding_and_never_silence() {
    let gone = nobody().await.to_string();
    let broker = format!("http://{gone}");
    let database = format!("postgres://api:hunter2@{gone}/iot_hub");
    let mut settings = Settings::new();
    set(
        &mut settings,
        &[
            ("API_BROKER_URL", &broker),
            ("API_BROKER_KEY", "key:hunter2"),
            ("API_DATABASE_URL", &database),
            ("API_DOCTOR_REPLICAS", &gone),
            ("API_DOCTOR_LISTENERS", &gone),
            ("API_SERVER_CA_CERT_FILE", "/nowhere.pem"),
        ],
    );
    let output = doctor(&settings, &["--json"]).await;
    assert_eq!(output.status.code(), Some(2));
    let (report, codes) = read(&output);
    for code in [
        "emqx_unreadable",
        "pg_unreadable",
        "replica_unreachable",
        "listener_unreachable",
        "file_unreadable",
    ] {
        assert!(
            codes.iter().any(|found| found == code),
            "{code} in {report:#}"
        );
    }
    assert!(!report.to_string().contains("hunter2"));
}
