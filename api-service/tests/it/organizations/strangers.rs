//! Another organization's ids, tried on every path and method: they are answered like ids that do not
//! exist, and nothing changes.

use reqwest::Method;
use serde_json::json;

use super::people::{ORGANIZATIONS, person};
use crate::support::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_finds_nothing_and_changes_nothing() {
    let stack = Stack::start().await;
    let (ann, eve) = (person(&stack, "ann"), person(&stack, "eve"));
    let acme = ann.founds("Acme").await;
    let hall = ann.groups(&acme, "Hall", None).await;
    ann.invites(&acme, json!({"role": "viewer"})).await;
    let path = format!("{ORGANIZATIONS}/{acme}/invitations");
    let invitation = ann.get(&path).await.body["invitations"][0]["invitationId"].clone();
    let invitation = invitation.as_str().unwrap();
    let ann_id = ann.id().await;
    // Eve has an organization of her own, and manages it: that must not help her.
    let own = eve.founds("Own").await;
    let own_group = eve.groups(&own, "Own", None).await;
    let snapshot = "SELECT md5(string_agg(t, ',')) FROM (SELECT o::text AS t FROM organization o \
                    UNION ALL SELECT m::text FROM organization_member m UNION ALL SELECT g::text \
                    FROM device_group g UNION ALL SELECT i::text FROM invitation i ORDER BY 1) AS a";
    let look = async || -> String {
        let row = stack.sql().await.query_one(snapshot, &[]).await.unwrap();
        row.get(0)
    };
    let before = look().await;
    let nobody = "3f0c1e9a-5b1d-4c57-9d3e-0a4b6c8d2e1f";
    let tries = |organization: &str, group: &str| {
        let o = format!("{ORGANIZATIONS}/{organization}");
        let g = format!("/api/v1/groups/{group}");
        let role = json!({"role": "viewer"});
        [
            (Method::GET, o.clone(), None),
            (Method::PATCH, o.clone(), Some(json!({"name": "x"}))),
            (Method::DELETE, format!("{o}?confirm=x"), None),
            (Method::GET, format!("{o}/deletion"), None),
            (Method::GET, format!("{o}/members"), None),
            (
                Method::PUT,
                format!("{o}/members/{ann_id}"),
                Some(role.clone()),
            ),
            (Method::DELETE, format!("{o}/members/{ann_id}"), None),
            (Method::GET, format!("{o}/groups"), None),
            (
                Method::POST,
                format!("{o}/groups"),
                Some(json!({"name": "x"})),
            ),
            (
                Method::POST,
                format!("{o}/groups"),
                Some(json!({"name": "x", "parentId": group})),
            ),
            (Method::GET, format!("{o}/invitations"), None),
            (Method::POST, format!("{o}/invitations"), Some(role.clone())),
            (
                Method::DELETE,
                format!("{o}/invitations/{invitation}"),
                None,
            ),
            (Method::GET, g.clone(), None),
            (Method::PATCH, g.clone(), Some(json!({"name": "x"}))),
            (Method::DELETE, format!("{g}?confirm=x"), None),
            (Method::GET, format!("{g}/deletion"), None),
            (
                Method::POST,
                format!("{g}/move"),
                Some(json!({"parentId": own_group})),
            ),
            (
                Method::POST,
                format!("/api/v1/groups/{own_group}/move"),
                Some(json!({"parentId": group})),
            ),
            (Method::GET, format!("{g}/members"), None),
            (Method::PUT, format!("{g}/members/{ann_id}"), Some(role)),
            (Method::DELETE, format!("{g}/members/{ann_id}"), None),
        ]
    };
    for ((method, path, body), (_, absent, _)) in
        tries(&acme, &hall).into_iter().zip(tries(nobody, nobody))
    {
        let there = eve.call(method.clone(), &path, body.clone()).await;
        let nowhere = eve.call(method.clone(), &absent, body).await;
        assert_eq!(there.status, 404, "{method} {path}: {:?}", there.body);
        assert_eq!(there.body["code"], nowhere.body["code"], "{method} {path}");
        assert_eq!(
            there.body["detail"], nowhere.body["detail"],
            "{method} {path}"
        );
    }
    assert_eq!(look().await, before);
    let wrong = eve.get(&format!("{ORGANIZATIONS}/not-an-id")).await;
    wrong.is_problem(422, "invalid_request");
}
