//! Everybody on every path and method: the table of rights, driven over HTTP with things that exist
//! and belong to others.

use std::collections::{BTreeMap, BTreeSet};

use super::reader::{Operation, document, operations};
use super::world::{CALLERS, World};

/// What one caller gets from one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// They may.
    May,
    /// They see it and may not: 403.
    Forbidden,
    /// For them it is not there: 404.
    Absent,
}

/// Name of the operation -> what each of [`CALLERS`] gets.
fn table() -> BTreeMap<String, Vec<Cell>> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/it/contract/rights.table"
    );
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let mut table = BTreeMap::new();
    for line in lines {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap().to_owned();
        let cells: Vec<Cell> = words
            .map(|word| match word {
                "may" => Cell::May,
                "403" => Cell::Forbidden,
                "404" => Cell::Absent,
                _ => panic!("{line}"),
            })
            .collect();
        assert_eq!(cells.len(), CALLERS.len(), "{line}");
        assert!(table.insert(name, cells).is_none(), "{line} stands twice");
    }
    table
}

fn signed_in() -> Vec<Operation> {
    let all = operations(&document()).into_iter();
    let mut all: Vec<Operation> = all.filter(Operation::is_signed_in).collect();
    // Whoever signs out is out for everything after it.
    all.sort_by_key(|operation| operation.id == "logout");
    all
}

#[test]
fn the_table_has_every_operation_that_needs_a_token_and_no_other() {
    let table: BTreeSet<String> = table().into_keys().collect();
    let documented: BTreeSet<String> = signed_in().into_iter().map(|each| each.id).collect();
    let differ: Vec<_> = table.symmetric_difference(&documented).collect();
    assert!(
        differ.is_empty(),
        "in one of table and document only: {differ:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_is_told_so_and_changes_nothing() {
    let (world, document, table) = (World::make().await, document(), table());
    let before = world.digest().await;
    let mut wrong = Vec::new();
    for operation in signed_in() {
        let path = world.path(&operation);
        let body = world.body(&document, &operation, &world.device);
        let answer = world.call(None, &operation, &path, body.clone()).await;
        if answer.status != 401 {
            wrong.push(format!("{} nobody {}", operation.id, answer.status));
        }
        let cells = table
            .get(&operation.id)
            .cloned()
            .unwrap_or_else(|| vec![Cell::Absent; 7]);
        for (caller, cell) in CALLERS.into_iter().zip(cells) {
            let status = match cell {
                Cell::May => continue,
                Cell::Forbidden => 403,
                Cell::Absent => 404,
            };
            let answer = world
                .call(Some(caller), &operation, &path, body.clone())
                .await;
            if answer.status != status {
                wrong.push(format!(
                    "{} {} {} {}",
                    operation.id, caller.0, answer.status, answer.body["code"]
                ));
            }
            // Nor may a part of the answer depend on what the body says.
            if operation.has_body() {
                let empty = world
                    .call(Some(caller), &operation, &path, Some(serde_json::json!({})))
                    .await;
                if empty.status < 400 {
                    wrong.push(format!(
                        "{} {} {} with an empty body",
                        operation.id, caller.0, empty.status
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cells are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    let after = world.digest().await;
    assert_eq!(before, after, "somebody who may not changed something");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_is_let_through_with_the_documents_example() {
    let (world, document, table) = (World::make().await, document(), table());
    let mut wrong = Vec::new();
    for operation in signed_in() {
        let cells = table.get(&operation.id).cloned().unwrap_or_default();
        for (caller, cell) in CALLERS.into_iter().zip(cells) {
            if cell != Cell::May {
                continue;
            }
            let path = world.path_to_spoil(&operation, caller.0).await;
            let device = match operation.id.as_str() {
                "manufactureDevice" => format!("made-by-{}", caller.0),
                "unbindDeviceById" => {
                    world
                        .new_device(&format!("{}-{}", operation.id, caller.0))
                        .await
                }
                _ => world.device.clone(),
            };
            let body = world.body(&document, &operation, &device);
            let answer = world.call(Some(caller), &operation, &path, body).await;
            // A thing in another state, or a deletion unseen, is told only to whoever may.
            if !matches!(answer.status, 200..=299 | 409) {
                wrong.push(format!(
                    "{} {} {} {}",
                    operation.id, caller.0, answer.status, answer.body
                ));
            }
            let told = answer.body.to_string();
            if caller.0 == "stranger" && told.contains(&world.organization.to_string()) {
                wrong.push(format!(
                    "{} tells a stranger of the organization",
                    operation.id
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cells are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
