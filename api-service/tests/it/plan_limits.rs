//! A plan's limits: nobody gets past them, and nobody loses anything by them.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Stack};

const BIND: &str = "/api/v1/devices/bind";

/// A plan of so many devices and members, given to an account or organization.
async fn limited(stack: &Stack, holder: &str, id: Uuid, devices: i32, members: i32) {
    let body = json!({"plan": "tiny", "title": "Tiny", "devicesMax": devices,
                      "membersMax": members});
    assert_eq!(stack.post("/api/v1/plans", &body).await.status, 201);
    let path = format!("/api/v1/{holder}/{id}/plan");
    let request = stack.request(Method::PUT, &path, &["admin"]);
    let given = Answer::of(request.json(&json!({"plan": "tiny"}))).await;
    assert_eq!(given.status, 200, "{:?}", given.body);
}

fn reached(answer: &Answer, what: &str) {
    answer.is_problem(409, "plan_limit_reached");
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(detail.contains(what) && detail.contains("tiny"), "{detail}");
}

async fn labels(stack: &Stack, count: usize) -> Vec<Value> {
    let mut labels = Vec::new();
    for n in 0..count {
        labels.push(stack.labelled(&format!("tent-{n}")).await);
    }
    labels
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_want_the_last_places_as_many_get_one_as_there_are() {
    let stack = Stack::start().await;
    let ann = stack.account("ann").await;
    limited(&stack, "users", ann, 3, 1).await;
    let labels = labels(&stack, 8).await;
    let answers = join_all(labels.iter().map(|label| stack.bind("ann", label))).await;
    let (got, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 202);
    assert_eq!(got.len(), 3);
    for answer in refused {
        reached(answer, "3 devices");
    }
    let pending = "SELECT count(*) FROM binding WHERE state = 'pending'";
    assert_eq!(stack.count(pending).await, 3);
    let own = "/api/v1/auth/plan";
    let shown = stack.ask("ann", Method::GET, own, &Value::Null).await;
    assert_eq!(shown.body["devices"], json!({"used": 3, "max": 3}));
    // Whoever has the claim already may ask again, and one that is taken back leaves its place.
    let mut claimed = labels.iter().zip(&answers).filter(|(_, a)| a.status == 202);
    let (label, answer) = claimed.next().unwrap();
    assert_eq!(stack.bind("ann", label).await.status, 202);
    let id = answer.body["deviceId"].as_str().unwrap();
    let path = format!("/api/v1/devices/{id}/binding");
    let gone = stack.ask("ann", Method::DELETE, &path, &Value::Null).await;
    assert!(gone.status < 300, "{:?}", gone.body);
    let (free, _) = labels
        .iter()
        .zip(&answers)
        .find(|(_, answer)| answer.status == 409)
        .unwrap();
    assert_eq!(stack.bind("ann", free).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_and_a_transfer_need_a_place_at_the_new_owner() {
    let stack = Stack::start().await;
    let (ann, bob) = (stack.account("ann").await, stack.account("bob").await);
    stack.bound("tent-1", "ann").await;
    limited(&stack, "users", bob, 0, 1).await;
    let offer = "/api/v1/devices/tent-1/offer";
    let offered = stack.ask("ann", Method::POST, offer, &json!({})).await;
    let qr = offered.body["qr"]["payload"].clone();
    reached(&stack.bind("bob", &qr).await, "0 devices");
    let organization = stack.organization(ann).await;
    let sql = stack.sql().await;
    sql.batch_execute("UPDATE organization SET plan = 'tiny'")
        .await
        .unwrap();
    let path = "/api/v1/devices/tent-1/transfer";
    let body = json!({"organizationId": organization});
    let answer = stack.ask("ann", Method::POST, path, &body).await;
    reached(&answer, "0 devices");
    let hers = format!("SELECT count(*) FROM device WHERE owner_account_id = '{ann}'");
    assert_eq!(stack.count(&hers).await, 1);
    sql.batch_execute("UPDATE plan SET devices_max = 1 WHERE plan = 'tiny'")
        .await
        .unwrap();
    let answer = stack.ask("ann", Method::POST, path, &body).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    // Within its owner it takes no further place.
    let hall = stack.group(organization, None, "hall").await;
    let answer = stack
        .ask("ann", Method::POST, path, &json!({"groupId": hall}))
        .await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_a_lowered_limit_or_an_ended_plan_stays_and_nothing_more_comes() {
    let stack = Stack::start().await;
    let ann = stack.account("ann").await;
    for n in 0..2 {
        stack.bound(&format!("old-{n}"), "ann").await;
    }
    limited(&stack, "users", ann, 1, 1).await;
    let label = stack.labelled("new-1").await;
    reached(&stack.bind("ann", &label).await, "1 devices");
    let list = "/api/v1/devices/my";
    let list = stack.ask("ann", Method::GET, list, &Value::Null).await;
    assert_eq!(list.body["devices"].as_array().unwrap().len(), 2);
    // A plan that ended counts as the free one, and says so.
    let sql = stack.sql().await;
    sql.batch_execute(
        "UPDATE plan SET devices_max = 2 WHERE plan = 'free';
         UPDATE plan SET devices_max = NULL WHERE plan = 'tiny';
         UPDATE account SET plan_expires_at = now() - interval '1 second' WHERE plan = 'tiny'",
    )
    .await
    .unwrap();
    let answer = stack.bind("ann", &label).await;
    reached(&answer, "`free` allows 2 devices");
    sql.batch_execute("UPDATE account SET plan_expires_at = now() + interval '1 hour'")
        .await
        .unwrap();
    assert_eq!(stack.bind("ann", &label).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_takes_in_as_many_as_its_plan_allows() {
    let stack = Stack::start().await;
    let ann = stack.account("ann").await;
    let organization = stack.organization(ann).await;
    limited(&stack, "organizations", organization, 0, 3).await;
    let invitations = format!("/api/v1/organizations/{organization}/invitations");
    let invite = async |body: Value| stack.ask("ann", Method::POST, &invitations, &body).await;
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let made = invite(json!({"role": "viewer"})).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        tokens.push(made.body["token"].clone());
    }
    // Those invited count as if they were in.
    reached(&invite(json!({"role": "viewer"})).await, "3 members");
    // The limit is lowered: of two who come at once one gets the last place.
    let sql = stack.sql().await;
    sql.batch_execute("UPDATE plan SET members_max = 2 WHERE plan = 'tiny'")
        .await
        .unwrap();
    let accept = "/api/v1/invitations/accept";
    for who in ["bob", "eve"] {
        stack.account(who).await;
    }
    let [first, second] = [json!({"token": tokens[0]}), json!({"token": tokens[1]})];
    let both = join_all([
        stack.ask("bob", Method::POST, accept, &first),
        stack.ask("eve", Method::POST, accept, &second),
    ])
    .await;
    let in_now = both.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(in_now, 1);
    let refused = both.iter().find(|answer| answer.status != 200).unwrap();
    reached(refused, "2 members");
    // The refused invitation is not used up.
    sql.batch_execute("UPDATE plan SET members_max = 3 WHERE plan = 'tiny'")
        .await
        .unwrap();
    let (who, body) = if both[0].status == 200 {
        ("eve", &second)
    } else {
        ("bob", &first)
    };
    let answer = stack.ask(who, Method::POST, accept, body).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    // An admin's hand is no way around, and a group is no way around either.
    let dan = stack.account("dan").await;
    let hall = stack.group(organization, None, "hall").await;
    for path in [
        format!("/api/v1/organizations/{organization}/members/{dan}"),
        format!("/api/v1/groups/{hall}/members/{dan}"),
    ] {
        let request = stack.request(Method::PUT, &path, &["admin"]);
        let answer = Answer::of(request.json(&json!({"role": "viewer"}))).await;
        reached(&answer, "3 members");
    }
    // Who is in takes no further place by a group.
    let path = format!("/api/v1/groups/{hall}/members/{ann}");
    let answer = stack
        .ask("ann", Method::PUT, &path, &json!({"role": "admin"}))
        .await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
}

/// A group is deleted while devices are claimed for it: no claim is left for a group that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_and_the_deletion_of_its_group_wait_for_each_other() {
    let stack = Stack::start().await;
    let ann = stack.account("ann").await;
    let organization = stack.organization(ann).await;
    let labels = labels(&stack, 4).await;
    for label in &labels {
        let hall = stack.group(organization, None, "hall").await;
        let path = format!("/api/v1/groups/{hall}");
        let confirm = "groups-1-devices-0-members-0-invitations-0";
        let gone = format!("{path}?confirm={confirm}");
        let body = json!({"qr": label, "groupId": hall});
        let (claimed, deleted) = tokio::join!(
            stack.ask("ann", Method::POST, BIND, &body),
            stack.ask("ann", Method::DELETE, &gone, &Value::Null),
        );
        match (claimed.status, deleted.status) {
            (202, 409) => deleted.is_problem(409, "binding_under_way"),
            (404, 204) => claimed.is_problem(404, "group_not_found"),
            other => panic!("{other:?}: {:?} {:?}", claimed.body, deleted.body),
        }
        let lost = "SELECT count(*) FROM binding AS b WHERE state = 'pending' AND NOT EXISTS (
            SELECT FROM device_group AS g WHERE g.group_id = b.group_id)";
        assert_eq!(stack.count(lost).await, 0);
        // The name is free for the next round.
        let id = claimed.body["deviceId"].as_str();
        if let Some(id) = id.filter(|_| claimed.status == 202) {
            let path = format!("/api/v1/devices/{id}/binding");
            stack.ask("ann", Method::DELETE, &path, &Value::Null).await;
            let answer = stack.ask("ann", Method::DELETE, &gone, &Value::Null).await;
            assert_eq!(answer.status, 204, "{:?}", answer.body);
        }
    }
}
