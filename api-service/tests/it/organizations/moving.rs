//! Groups that move with all below them.

use std::collections::HashMap;

use serde_json::json;

use super::people::{cut_off, person};
use crate::support::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn a_group_goes_nowhere_below_itself_nor_deeper_than_eight() {
    let stack = Stack::start().await;
    let ann = person(&stack, "ann");
    let acme = ann.founds("Acme").await;
    let mut chain = vec![ann.groups(&acme, "a1", None).await];
    for level in 2..=5 {
        let parent = chain.last().cloned();
        let name = format!("a{level}");
        chain.push(ann.groups(&acme, &name, parent.as_deref()).await);
    }
    let top = ann.groups(&acme, "b1", None).await;
    let mut bottom = top.clone();
    for level in 2..=4 {
        bottom = ann.groups(&acme, &format!("b{level}"), Some(&bottom)).await;
    }
    let relocate = |group: &str, parent: Option<&str>| {
        let path = format!("/api/v1/groups/{group}/move");
        let body = json!({"parentId": parent});
        let ann = &ann;
        async move { ann.post(&path, body).await }
    };
    for below in [&chain[0], &chain[1], &chain[4]] {
        relocate(&chain[0], Some(below))
            .await
            .is_problem(409, "group_cycle");
    }
    // Five levels below four would be nine; four of them make eight.
    relocate(&chain[0], Some(&bottom))
        .await
        .is_problem(409, "group_too_deep");
    let moved = relocate(&chain[1], Some(&bottom)).await;
    assert_eq!(moved.status, 200, "{:?}", moved.body);
    assert_eq!(moved.body["parentId"], json!(bottom));
    assert_eq!(moved.headers["etag"], "\"2\"");
    let up = relocate(&chain[1], None).await;
    assert_eq!(up.body["parentId"], json!(null));
    ann.groups(&acme, "a1", Some(&top)).await;
    relocate(&chain[0], Some(&top))
        .await
        .is_problem(409, "group_name_taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sees_less_after_a_move_is_cut_off_and_nobody_else() {
    let stack = Stack::start().await;
    let [ann, old, new, both] = ["ann", "old", "new", "both"].map(|who| person(&stack, who));
    let acme = ann.founds("Acme").await;
    let from = ann.groups(&acme, "From", None).await;
    let to = ann.groups(&acme, "To", None).await;
    let moved = ann.groups(&acme, "Moved", Some(&from)).await;
    ann.lets_into(&acme, &from, &old, "viewer").await;
    ann.lets_into(&acme, &to, &new, "viewer").await;
    ann.lets_into(&acme, &from, &both, "viewer").await;
    ann.lets_into(&acme, &to, &both, "viewer").await;
    let path = format!("/api/v1/groups/{moved}");
    assert_eq!(old.get(&path).await.status, 200);
    let done = ann
        .post(&format!("{path}/move"), json!({"parentId": to}))
        .await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    for (who, status, ended) in [
        (&ann, 200, 0),
        (&old, 404, 1),
        (&new, 200, 0),
        (&both, 200, 0),
    ] {
        assert_eq!(who.get(&path).await.status, status);
        assert_eq!(cut_off(&stack, &who.id().await).await, ended);
    }
    // Whoever manages only one of the two places moves nothing.
    let gus = person(&stack, "gus");
    ann.lets_into(&acme, &to, &gus, "admin").await;
    gus.post(&format!("{path}/move"), json!({"parentId": from}))
        .await
        .is_problem(404, "group_not_found");
    gus.post(&format!("{path}/move"), json!({"parentId": null}))
        .await
        .is_problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_moves_at_once_close_no_cycle() {
    let stack = Stack::start().await;
    let ann = person(&stack, "ann");
    let acme = ann.founds("Acme").await;
    for round in 0..8 {
        let a = ann.groups(&acme, &format!("a{round}"), None).await;
        let b = ann.groups(&acme, &format!("b{round}"), None).await;
        let into = |group: &str, parent: &str| {
            let path = format!("/api/v1/groups/{group}/move");
            let body = json!({"parentId": parent});
            let ann = &ann;
            async move { ann.post(&path, body).await.status }
        };
        let (first, second) = tokio::join!(into(&a, &b), into(&b, &a));
        let mut statuses = [first, second];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
    }
    let rows = stack
        .sql()
        .await
        .query(
            "SELECT group_id::text, parent_id::text FROM device_group",
            &[],
        )
        .await
        .unwrap();
    let parents: HashMap<String, Option<String>> =
        rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    for group in parents.keys() {
        let mut steps = 0;
        let mut at = Some(group);
        while let Some(id) = at {
            steps += 1;
            assert!(steps <= 8, "{group} is in a cycle");
            at = parents[id].as_ref();
        }
    }
}
