//! What a deletion takes along, and that it is known before.

use serde_json::json;

use super::people::{ORGANIZATIONS, cut_off, person};
use crate::support::Stack;

async fn put_device(stack: &Stack, id: &str, organization: &str, group: Option<&str>) {
    stack.registered(id).await;
    let sql = "UPDATE device SET organization_id = $2::text::uuid, group_id = $3::text::uuid, \
               lifecycle = 'bound', bound_at = now() WHERE device_id = $1";
    let client = stack.sql().await;
    client
        .execute(sql, &[&id, &organization, &group])
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_groups_devices_go_up_and_who_loses_them_is_cut_off() {
    let stack = Stack::start().await;
    let [ann, gus, vic] = ["ann", "gus", "vic"].map(|who| person(&stack, who));
    let acme = ann.founds("Acme").await;
    let hall = ann.groups(&acme, "Hall", None).await;
    let row = ann.groups(&acme, "Row", Some(&hall)).await;
    let shelf = ann.groups(&acme, "Shelf", Some(&row)).await;
    ann.lets_into(&acme, &shelf, &gus, "member").await;
    ann.lets_into(&acme, &hall, &vic, "viewer").await;
    put_device(&stack, "tent-1", &acme, Some(&shelf)).await;
    let path = format!("/api/v1/groups/{row}");
    let preview = ann.get(&format!("{path}/deletion")).await.body;
    assert_eq!(preview["groups"], 2);
    assert_eq!(preview["devices"], 1);
    assert_eq!(preview["members"], 1);
    for unconfirmed in [path.clone(), format!("{path}?confirm=groups-1")] {
        ann.delete(&unconfirmed)
            .await
            .is_problem(409, "deletion_unconfirmed");
    }
    let confirm = preview["confirm"].as_str().unwrap();
    let confirmed = format!("{path}?confirm={confirm}");
    // Something came in between: it must be looked at again.
    ann.lets_into(&acme, &row, &vic, "viewer").await;
    ann.delete(&confirmed)
        .await
        .is_problem(409, "deletion_unconfirmed");
    let preview = ann.get(&format!("{path}/deletion")).await.body;
    let confirm = preview["confirm"].as_str().unwrap();
    let confirmed = format!("{path}?confirm={confirm}");
    gus.delete(&confirmed)
        .await
        .is_problem(404, "group_not_found");
    vic.delete(&confirmed).await.is_problem(403, "forbidden");
    assert_eq!(ann.delete(&confirmed).await.status, 204);
    let up = format!("SELECT count(*) FROM device WHERE group_id = '{hall}'");
    assert_eq!(stack.count(&up).await, 1);
    assert_eq!(stack.count("SELECT count(*) FROM device_group").await, 1);
    assert_eq!(cut_off(&stack, &gus.id().await).await, 1);
    // Vic sees the same as before by the group above.
    assert_eq!(cut_off(&stack, &vic.id().await).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_goes_whole_and_never_with_devices() {
    let stack = Stack::start().await;
    let [ann, adam, gus] = ["ann", "adam", "gus"].map(|who| person(&stack, who));
    let acme = ann.founds("Acme").await;
    ann.lets_in(&acme, &adam, "admin").await;
    let hall = ann.groups(&acme, "Hall", None).await;
    ann.groups(&acme, "Row", Some(&hall)).await;
    ann.lets_into(&acme, &hall, &gus, "viewer").await;
    ann.invites(&acme, json!({"role": "viewer"})).await;
    put_device(&stack, "tent-1", &acme, Some(&hall)).await;
    let path = format!("{ORGANIZATIONS}/{acme}");
    adam.get(&format!("{path}/deletion"))
        .await
        .is_problem(403, "forbidden");
    let confirm = async || {
        let preview = ann.get(&format!("{path}/deletion")).await.body;
        format!("{path}?confirm={}", preview["confirm"].as_str().unwrap())
    };
    ann.delete(&confirm().await)
        .await
        .is_problem(409, "organization_has_devices");
    let free = "UPDATE device SET organization_id = NULL, group_id = NULL";
    stack.sql().await.execute(free, &[]).await.unwrap();
    adam.delete(&confirm().await)
        .await
        .is_problem(403, "forbidden");
    assert_eq!(ann.delete(&confirm().await).await.status, 204);
    for table in [
        "organization",
        "organization_member",
        "device_group",
        "group_member",
        "invitation",
    ] {
        let left = stack.count(&format!("SELECT count(*) FROM {table}")).await;
        assert_eq!(left, 0, "{table}");
    }
    for who in [&ann, &adam, &gus] {
        assert_eq!(cut_off(&stack, &who.id().await).await, 1);
    }
    ann.get(&path)
        .await
        .is_problem(404, "organization_not_found");
}
