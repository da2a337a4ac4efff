//! Members, their roles, and the owner who must always be there.

use serde_json::{Value, json};

use super::people::{ORGANIZATIONS, admin, cut_off, person};
use crate::support::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn a_founder_owns_and_lists_show_each_their_own_by_name() {
    let stack = Stack::start().await;
    let (ann, bob) = (person(&stack, "ann"), person(&stack, "bob"));
    let acme = ann.founds("Acme").await;
    for name in ["beta", "Alpha", "acacia"] {
        ann.founds(name).await;
    }
    bob.founds("Aardvark").await;
    let names = async |path: String| -> Vec<String> {
        let page = ann.get(&path).await.body;
        let page = page["organizations"].as_array().unwrap().clone();
        let name = |each: &Value| each["name"].as_str().unwrap().to_owned();
        page.iter().map(name).collect()
    };
    let all = names(ORGANIZATIONS.to_owned()).await;
    assert_eq!(all, ["acacia", "Acme", "Alpha", "beta"]);
    assert_eq!(
        names(format!("{ORGANIZATIONS}?name=AC")).await,
        ["acacia", "Acme"]
    );
    // Page by page nothing is lost and nothing twice.
    let mut seen = Vec::new();
    let mut path = format!("{ORGANIZATIONS}?limit=1");
    loop {
        let page = ann.get(&path).await.body;
        seen.push(
            page["organizations"][0]["name"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
        let Some(cursor) = page["nextCursor"].as_str() else {
            break;
        };
        path = format!("{ORGANIZATIONS}?limit=1&cursor={cursor}");
    }
    assert_eq!(seen, all);
    let every = admin(&stack).get(ORGANIZATIONS).await.body;
    assert_eq!(every["organizations"].as_array().unwrap().len(), 5);
    let shown = ann.get(&format!("{ORGANIZATIONS}/{acme}")).await;
    assert_eq!(shown.body["access"], "own");
    assert_eq!(shown.headers["etag"], "\"1\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_refused_once_somebody_else_changed_it() {
    let stack = Stack::start().await;
    let ann = person(&stack, "ann");
    let path = format!("{ORGANIZATIONS}/{}", ann.founds("Acme").await);
    let token = stack.issuer.mint("ann", &[]);
    let change = async |tag: &str, name: &str| {
        let request = stack.http.patch(stack.url(&path)).bearer_auth(&token);
        let request = request.header("if-match", tag).json(&json!({"name": name}));
        crate::support::Answer::of(request).await
    };
    let changed = change("\"1\"", "Acme 2").await;
    assert_eq!(
        (changed.status, &changed.body["name"]),
        (200, &json!("Acme 2"))
    );
    assert_eq!(changed.headers["etag"], "\"2\"");
    change("\"1\"", "Acme 3")
        .await
        .is_problem(412, "version_mismatch");
    let bad = ann
        .patch(&path, json!({"name": "", "plan": "pro", "role": "owner"}))
        .await;
    bad.is_problem(422, "invalid_request");
    assert_eq!(bad.wrong_fields(), ["name", "plan", "role"]);
    assert_eq!(ann.get(&path).await.body["plan"], "free");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_does_its_own_and_nobody_raises_themselves() {
    let stack = Stack::start().await;
    let [ann, adam, mia, vic] = ["ann", "adam", "mia", "vic"].map(|who| person(&stack, who));
    let acme = ann.founds("Acme").await;
    ann.lets_in(&acme, &adam, "admin").await;
    ann.lets_in(&acme, &mia, "member").await;
    ann.lets_in(&acme, &vic, "viewer").await;
    let member = |id: &str| format!("{ORGANIZATIONS}/{acme}/members/{id}");
    for (who, raised) in [(&mia, "admin"), (&vic, "owner"), (&adam, "owner")] {
        let id = who.id().await;
        who.put(&member(&id), json!({"role": raised}))
            .await
            .is_problem(403, "forbidden");
    }
    let owner = ann.id().await;
    // An admin neither demotes nor removes an owner, and invites none.
    adam.put(&member(&owner), json!({"role": "viewer"}))
        .await
        .is_problem(403, "forbidden");
    adam.delete(&member(&owner))
        .await
        .is_problem(403, "forbidden");
    adam.post(
        &format!("{ORGANIZATIONS}/{acme}/invitations"),
        json!({"role": "owner"}),
    )
    .await
    .is_problem(403, "forbidden");
    mia.post(
        &format!("{ORGANIZATIONS}/{acme}/invitations"),
        json!({"role": "viewer"}),
    )
    .await
    .is_problem(403, "forbidden");
    adam.patch(&format!("{ORGANIZATIONS}/{acme}"), json!({"name": "Mine"}))
        .await
        .is_problem(403, "forbidden");
    let id = vic.id().await;
    let set = adam.put(&member(&id), json!({"role": "member"})).await;
    assert_eq!(set.status, 200);
    assert_eq!(cut_off(&stack, &id).await, 0, "a raise takes nothing away");
    adam.put(&member(&id), json!({"role": "viewer"})).await;
    assert_eq!(cut_off(&stack, &id).await, 1);
    // Nobody is put in who was not invited.
    let stranger = person(&stack, "zoe").id().await;
    ann.put(&member(&stranger), json!({"role": "viewer"}))
        .await
        .is_problem(404, "member_not_found");
    let set = admin(&stack)
        .put(&member(&stranger), json!({"role": "viewer"}))
        .await;
    assert_eq!(set.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_put_out_loses_groups_sessions_and_their_invitations() {
    let stack = Stack::start().await;
    let (ann, adam) = (person(&stack, "ann"), person(&stack, "adam"));
    let acme = ann.founds("Acme").await;
    ann.lets_in(&acme, &adam, "admin").await;
    let hall = ann.groups(&acme, "Hall", None).await;
    let id = adam.id().await;
    let in_hall = format!("/api/v1/groups/{hall}/members/{id}");
    assert_eq!(
        ann.put(&in_hall, json!({"role": "admin"})).await.status,
        200
    );
    let back_door = adam.invites(&acme, json!({"role": "admin"})).await;
    let out = format!("{ORGANIZATIONS}/{acme}/members/{id}");
    assert_eq!(ann.delete(&out).await.status, 204);
    assert_eq!(cut_off(&stack, &id).await, 1);
    for path in [
        format!("{ORGANIZATIONS}/{acme}"),
        format!("/api/v1/groups/{hall}"),
    ] {
        assert_eq!(adam.get(&path).await.status, 404, "{path}");
    }
    adam.accepts(&back_door)
        .await
        .is_problem(404, "invitation_not_found");
    ann.delete(&out).await.is_problem(404, "member_not_found");
    let told = "SELECT count(*) FROM audit_entry WHERE action = 'organization.remove_member'";
    assert_eq!(stack.count(told).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_last_owners_who_leave_at_once_one_stays() {
    let stack = Stack::start().await;
    let (ann, bob) = (person(&stack, "ann"), person(&stack, "bob"));
    for round in 0..8 {
        let acme = ann.founds(&format!("Acme {round}")).await;
        ann.lets_in(&acme, &bob, "owner").await;
        let path = format!("{ORGANIZATIONS}/{acme}/members");
        let (a, b) = (ann.id().await, bob.id().await);
        let (a, b) = (format!("{path}/{a}"), format!("{path}/{b}"));
        // One leaves while the other is demoted by themselves.
        let (left, demoted) = tokio::join!(ann.delete(&a), bob.put(&b, json!({"role": "viewer"})));
        let mut statuses = [left.status, demoted.status];
        statuses.sort_unstable();
        assert!(matches!(statuses, [200 | 204, 409]), "{statuses:?}");
        let refused = if left.status == 409 { left } else { demoted };
        refused.is_problem(409, "last_owner");
    }
    let alone = "SELECT count(*) FROM organization o WHERE NOT EXISTS (SELECT FROM \
                 organization_member m WHERE m.organization_id = o.organization_id \
                 AND role = 'owner')";
    assert_eq!(stack.count(alone).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_shown_to_those_who_manage() {
    let stack = Stack::start().await;
    let (ann, vic) = (person(&stack, "ann"), person(&stack, "vic"));
    let acme = ann.founds("Acme").await;
    ann.lets_in(&acme, &vic, "viewer").await;
    let sql = "INSERT INTO account_profile (account_id, name, email) \
               SELECT account_id, subject, subject || '@example.com' FROM account \
               ON CONFLICT (account_id) DO UPDATE SET name = excluded.name, email = excluded.email";
    stack.sql().await.execute(sql, &[]).await.unwrap();
    let path = format!("{ORGANIZATIONS}/{acme}/members?name=VI");
    let to_ann = ann.get(&path).await.body;
    assert_eq!(to_ann["members"][0]["email"], "vic@example.com");
    assert_eq!(to_ann["members"].as_array().unwrap().len(), 1);
    let to_vic = vic.get(&path).await.body;
    assert_eq!(to_vic["members"][0]["name"], "vic");
    assert_eq!(to_vic["members"][0]["email"], Value::Null);
}
