//! No statement reads a large table from its beginning to its end where there are a million devices.
//!
//! Every statement of the service is held to that, a new one too, until it stands in [`WHOLE_BY_NATURE`]
//! with its reason.

use std::collections::BTreeMap;

use schema::testing::{MigratedDatabase, Values, scanned};
use tokio_postgres::{Client, NoTls};

/// Statements whose work is a whole table, and why nobody waits for them.
const WHOLE_BY_NATURE: &[(&str, &str)] = &[
    ("audit::check::seals", "a person verifies the whole chain"),
    ("audit::check::stray", "a person verifies the whole chain"),
    (
        "audit::purge::delete_entries",
        "forgets a batch of seals; without the values the planner takes it for a third of all",
    ),
    (
        "doctor::outbox",
        "a person asks the doctor how much waits and how much is dead",
    ),
    (
        "erasure::forget_address",
        "somebody is erased, and their address looked for in the open invitations",
    ),
    (
        "held::invitations",
        "somebody asks for all that is held on them",
    ),
    ("plan::in_use", "an admin takes a plan away"),
    (
        "selection::count_by_firmware",
        "counts the fifth of this fleet that a bulk command would choose",
    ),
    (
        "selection::count_by_model",
        "counts the seventh of this fleet that a bulk command would choose",
    ),
];

/// The texts of an empty list's filters: lifecycle, suspended, model, search, and what follows from it.
const ANY: &str = "NULL";
const OWNER: &str = "'00000001-0000-4000-8000-000000000004'";
const ORGANIZATION: &str = "'{00000002-0000-4000-8000-000000000005}'";
const GROUPS: &str =
    "'{00000003-0000-4000-8000-00000000002f,00000003-0000-4000-8000-00000000002e}'";
const NONE: &str = "'{}'";

/// The hot statements with values as requests bring them: the server plans the first runs of a prepared
/// statement, and those whose plan depends on the values, with them.
const HOT: &[(&str, &[&str])] = &[
    ("device::get", &["'1000000004'"]),
    ("device::lock", &["'1000000004'"]),
    ("access::device", &["'1000000005'", OWNER]),
    (
        "access::group",
        &["'00000003-0000-4000-8000-00000000002f'", OWNER],
    ),
    (
        "access::organization",
        &["'00000002-0000-4000-8000-000000000005'", OWNER],
    ),
    ("access::visible", &[OWNER]),
    (
        "account::seen",
        &["'https://issuer.example.com'", "'owner-4'", "'{}'"],
    ),
    ("certificate::of_device", &["'1000000004'"]),
    ("certificate::get", &["sha256('4')"]),
    // Whose devices: one's own, an organization's, groups'; from the first, from the middle.
    (
        "device_list::of",
        &["''", "51", ANY, ANY, ANY, ANY, ANY, OWNER, NONE, NONE],
    ),
    (
        "device_list::of",
        &[
            "'1000500004'",
            "201",
            ANY,
            ANY,
            ANY,
            ANY,
            ANY,
            OWNER,
            NONE,
            NONE,
        ],
    ),
    (
        "device_list::of",
        &["''", "51", ANY, ANY, ANY, ANY, ANY, ANY, ORGANIZATION, NONE],
    ),
    (
        "device_list::of",
        &[
            "''",
            "51",
            ANY,
            ANY,
            ANY,
            ANY,
            ANY,
            OWNER,
            ORGANIZATION,
            GROUPS,
        ],
    ),
    (
        "device_list::of",
        &[
            "''",
            "51",
            "'bound'",
            "false",
            "'GrowTent-3'",
            "'10000'",
            "'10000'",
            OWNER,
            NONE,
            GROUPS,
        ],
    ),
    // The whole fleet: a page, the next one, by the beginning of an id or a name, by what few have.
    (
        "device_list::all",
        &["''", "51", ANY, ANY, ANY, ANY, ANY, ANY, ANY],
    ),
    (
        "device_list::all",
        &["'1000500004'", "201", ANY, ANY, ANY, ANY, ANY, ANY, ANY],
    ),
    (
        "device_list::all",
        &[
            "''", "51", ANY, ANY, ANY, "'10000'", "'10001'", "'tent 5'", "'tent 6'",
        ],
    ),
    (
        "device_list::all",
        &[
            "''",
            "51",
            "'bound'",
            "false",
            "'GrowTent-3'",
            ANY,
            ANY,
            ANY,
            ANY,
        ],
    ),
    (
        "device_list::below",
        &["'00000003-0000-4000-8000-000000000028'"],
    ),
    ("idempotency::get", &["'account-7'", "'key-7'"]),
    ("binding::pending", &["'1000000500'"]),
    ("binding::latest", &["'1000000500'", ANY]),
    ("audit::read::all", &["9223372036854775807", "51", ANY, ANY]),
    (
        "audit::read::of_actor",
        &["9223372036854775807", "51", ANY, ANY, OWNER],
    ),
    (
        "audit::read::of_subject",
        &[
            "9223372036854775807",
            "51",
            ANY,
            ANY,
            "'device'",
            "'1000000004'",
            ANY,
        ],
    ),
    ("audit::read::next", &["0", "1000", ANY, ANY]),
];

#[tokio::test]
async fn no_statement_scans_a_large_table_at_a_million_devices() {
    let database = MigratedDatabase::with_fleet().await.unwrap();
    let (client, connection) = tokio_postgres::connect(&database.api_url(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    scans_are_found(&client).await;
    let statements: BTreeMap<&str, &str> = api_service::STATEMENTS
        .iter()
        .copied()
        .flatten()
        .map(|statement| (name(statement), *statement))
        .collect();
    let mut wrong = Vec::new();
    for (name, statement) in &statements {
        let excused = WHOLE_BY_NATURE.iter().any(|(excused, _)| excused == name);
        match scanned(&client, statement, Values::Any).await {
            Ok(Some(plan)) if !excused => wrong.push(format!("{name} scans {plan}")),
            Ok(_) => {}
            Err(error) => wrong.push(format!("{name}: {error:?}")),
        }
    }
    for (name, values) in HOT {
        let statement = statements.get(name);
        let statement = statement.unwrap_or_else(|| panic!("there is no statement {name}"));
        match scanned(&client, statement, Values::These(values)).await {
            Ok(None) => {}
            Ok(Some(plan)) => wrong.push(format!("{name} with {values:?} scans {plan}")),
            Err(error) => wrong.push(format!("{name} with {values:?}: {error:?}")),
        }
    }
    for (name, _) in WHOLE_BY_NATURE {
        assert!(
            statements.contains_key(name),
            "there is no statement {name}"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// This test can fail: what is certain to be read whole is found, and nothing else.
async fn scans_are_found(client: &Client) {
    let by_firmware = "SELECT device_id FROM device WHERE firmware_version || '' = $1";
    for values in [Values::Any, Values::These(&["'1.4.2'"])] {
        let found = scanned(client, by_firmware, values).await.unwrap();
        assert!(found.is_some_and(|plan| plan.starts_with("device:")));
    }
    for other in [
        "SELECT plan FROM plan WHERE title = $1",
        "SELECT model FROM device WHERE device_id = $1",
    ] {
        assert!(scanned(client, other, Values::Any).await.unwrap().is_none());
    }
}

/// Without `-- store::`.
fn name(statement: &str) -> &str {
    let line = statement.lines().nth(1).unwrap_or_default();
    line.strip_prefix("-- store::").unwrap_or(line)
}
