//! Groups: their limits, names, and who sees which.

use serde_json::json;

use super::people::{ORGANIZATIONS, person};
use crate::support::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_eight_deep_and_siblings_have_names_of_their_own() {
    let stack = Stack::start().await;
    let ann = person(&stack, "ann");
    let acme = ann.founds("Acme").await;
    let path = format!("{ORGANIZATIONS}/{acme}/groups");
    let mut parent = None;
    for level in 1..=8 {
        let name = format!("Level {level}");
        parent = Some(ann.groups(&acme, &name, parent.as_deref()).await);
    }
    ann.post(&path, json!({"name": "Level 9", "parentId": parent}))
        .await
        .is_problem(409, "group_too_deep");
    ann.post(&path, json!({"name": "Level 1"}))
        .await
        .is_problem(409, "group_name_taken");
    let roots = ann.get(&format!("{path}?parentId=root")).await.body;
    assert_eq!(roots["groups"].as_array().unwrap().len(), 1);
    assert_eq!(roots["groups"][0]["organizationName"], "Acme");
    let all = ann.get(&format!("{path}?name=LEVEL")).await.body;
    assert_eq!(all["groups"].as_array().unwrap().len(), 8);
    let other = ann.founds("Other").await;
    let elsewhere = format!("{ORGANIZATIONS}/{other}/groups");
    let wrong = ann
        .post(&elsewhere, json!({"name": "x", "parentId": parent}))
        .await;
    wrong.is_problem(422, "invalid_request");
    assert_eq!(wrong.wrong_fields(), ["parentId"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_a_group_sees_it_and_what_is_below_and_nothing_else() {
    let stack = Stack::start().await;
    let (ann, gus) = (person(&stack, "ann"), person(&stack, "gus"));
    let acme = ann.founds("Acme").await;
    let hall = ann.groups(&acme, "Hall", None).await;
    let row = ann.groups(&acme, "Row", Some(&hall)).await;
    let shelf = ann.groups(&acme, "Shelf", Some(&row)).await;
    let yard = ann.groups(&acme, "Yard", None).await;
    ann.lets_into(&acme, &row, &gus, "admin").await;
    for (group, status) in [(&hall, 404), (&row, 200), (&shelf, 200), (&yard, 404)] {
        let path = format!("/api/v1/groups/{group}");
        assert_eq!(gus.get(&path).await.status, status);
    }
    assert_eq!(
        gus.get(&format!("{ORGANIZATIONS}/{acme}")).await.status,
        404
    );
    for path in [
        "/api/v1/groups".to_owned(),
        format!("{ORGANIZATIONS}/{acme}/groups"),
    ] {
        let page = gus.get(&path).await.body;
        let groups = page["groups"].as_array().unwrap();
        let names: Vec<_> = groups.iter().map(|each| &each["name"]).collect();
        assert_eq!(names, ["Row", "Shelf"], "{path}");
    }
    // A group's admin makes groups in it, names it, and decides who is in.
    let path = format!("{ORGANIZATIONS}/{acme}/groups");
    let made = gus
        .post(&path, json!({"name": "Box", "parentId": shelf}))
        .await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    gus.post(&path, json!({"name": "Box"}))
        .await
        .is_problem(404, "organization_not_found");
    let renamed = gus
        .patch(&format!("/api/v1/groups/{row}"), json!({"name": "Row 1"}))
        .await;
    assert_eq!(renamed.body["name"], "Row 1");
    let max = person(&stack, "max");
    gus.lets_into(&acme, &row, &max, "viewer").await;
    let path = format!("/api/v1/groups/{row}/members");
    let members = max.get(&path).await.body;
    assert_eq!(members["members"].as_array().unwrap().len(), 2);
    let (max_id, gus_id) = (max.id().await, gus.id().await);
    max.delete(&format!("{path}/{gus_id}"))
        .await
        .is_problem(403, "forbidden");
    assert_eq!(max.delete(&format!("{path}/{max_id}")).await.status, 204);
    assert_eq!(max.get(&path).await.status, 404);
}
