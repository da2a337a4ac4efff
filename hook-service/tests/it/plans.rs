//! What follows the change log reads no large table whole where there are a million devices.

use schema::testing::{MigratedDatabase, Values, scanned};

use crate::support::connect;

/// Statements of a full load.
const WHOLE_BY_NATURE: &[&str] = &[
    "feed::rows::all_devices",
    "feed::people::all_accounts",
    "feed::people::all_memberships",
    "feed::people::all_groups",
];

#[tokio::test]
async fn only_a_full_load_scans_a_large_table_at_a_million_devices() {
    let database = MigratedDatabase::with_fleet().await.unwrap();
    let client = connect(&database.hook_url()).await;
    let mut checked = 0;
    for statement in hook_service::feed::statements() {
        let line = statement.lines().nth(1).unwrap_or_default();
        let name = line.strip_prefix("-- ").unwrap_or(line);
        let found = scanned(&client, statement, Values::Any).await;
        let found = found.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        if let Some(plan) = found.filter(|_| !WHOLE_BY_NATURE.contains(&name)) {
            panic!("{name} scans {plan}");
        }
        checked += 1;
    }
    assert!(checked > WHOLE_BY_NATURE.len());
}
