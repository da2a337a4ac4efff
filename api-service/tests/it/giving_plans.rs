//! Plans: which there are, who has which, and who sees what of it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Stack};

const PLANS: &str = "/api/v1/plans";
const OWN: &str = "/api/v1/auth/plan";

async fn send(stack: &Stack, method: Method, path: &str, tag: &str, body: &Value) -> Answer {
    let request = stack.request(method, path, &["admin"]).json(body);
    Answer::of(request.header("if-match", tag)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_make_change_and_take_away_plans() {
    let stack = Stack::start().await;
    let body = json!({"plan": "farm-2", "title": "Farm", "devicesMax": 50});
    let made = stack.post(PLANS, &body).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    assert_eq!(made.headers["location"], "/api/v1/plans/farm-2");
    assert_eq!(
        (&made.body["devicesMax"], &made.body["membersMax"]),
        (&json!(50), &Value::Null)
    );
    stack
        .post(PLANS, &body)
        .await
        .is_problem(409, "plan_exists");
    let one = format!("{PLANS}/farm-2");
    let tag = made.headers["etag"].to_str().unwrap().to_owned();
    let change = json!({"devicesMax": null, "membersMax": 7});
    let changed = send(&stack, Method::PATCH, &one, &tag, &change).await;
    assert_eq!(changed.status, 200, "{:?}", changed.body);
    assert!(changed.body["devicesMax"].is_null());
    assert_eq!(
        (&changed.body["membersMax"], &changed.body["title"]),
        (&json!(7), &json!("Farm"))
    );
    for method in [Method::PATCH, Method::DELETE] {
        let late = send(&stack, method, &one, &tag, &json!({"title": "x"})).await;
        late.is_problem(412, "version_mismatch");
    }
    let shown = stack.get(&one).await;
    assert_eq!(shown.body, changed.body);
    assert_eq!(shown.headers["etag"], changed.headers["etag"]);

    let mut names = Vec::new();
    let mut path = format!("{PLANS}?limit=2");
    loop {
        let page = stack.get(&path).await.body;
        let plans = page["plans"].as_array().unwrap().iter();
        names.extend(plans.map(|plan| plan["plan"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["nextCursor"].as_str() else {
            break;
        };
        path = format!("{PLANS}?limit=2&cursor={cursor}");
    }
    assert_eq!(names, ["business", "enterprise", "farm-2", "free", "pro"]);
    let gone = Answer::of(stack.request(Method::DELETE, &one, &["admin"])).await;
    assert_eq!(gone.status, 204);
    stack.get(&one).await.is_problem(404, "plan_not_found");
    let free = stack.request(Method::DELETE, &format!("{PLANS}/free"), &["admin"]);
    Answer::of(free).await.is_problem(409, "plan_in_use");
    let audited = "SELECT count(*) FROM audit_entry WHERE subject_kind = 'plan' \
                   AND subject_id = 'farm-2' AND outcome = 'done'";
    assert_eq!(stack.count(audited).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_somebody_has_stays() {
    let stack = Stack::start().await;
    let ann = stack.account("ann").await;
    let path = format!("/api/v1/users/{ann}/plan");
    let until = "2020-01-01T00:00:00Z";
    let given = send(
        &stack,
        Method::PUT,
        &path,
        "*",
        &json!({"plan": "pro", "expiresAt": until}),
    )
    .await;
    assert_eq!(given.status, 200, "{:?}", given.body);
    // It ended long ago, and is ann's all the same.
    let pro = stack.request(Method::DELETE, &format!("{PLANS}/pro"), &["admin"]);
    Answer::of(pro).await.is_problem(409, "plan_in_use");
    let own = stack.ask("ann", Method::GET, OWN, &Value::Null).await;
    assert_eq!(own.body, given.body);
    for (field, expected) in [
        ("plan", json!("pro")),
        ("expiresAt", json!(until)),
        ("countsAs", json!("free")),
        ("devices", json!({"used": 0, "max": 10})),
    ] {
        assert_eq!(own.body[field], expected, "{field}");
    }
    let again = send(&stack, Method::PUT, &path, "*", &json!({"plan": "pro"})).await;
    assert_eq!(again.body["countsAs"], "pro");
    assert!(again.body["expiresAt"].is_null());
    let none = send(&stack, Method::PUT, &path, "*", &json!({"plan": "gold"})).await;
    none.is_problem(422, "invalid_request");
    assert_eq!(none.wrong_fields(), ["plan"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organizations_plan_is_seen_by_its_members_and_given_by_admins() {
    let stack = Stack::start().await;
    let (ann, bob) = (stack.account("ann").await, stack.account("bob").await);
    let organization = stack.organization(ann).await;
    stack.join(organization, bob, "viewer").await;
    let path = format!("/api/v1/organizations/{organization}/plan");
    let shown = stack.ask("bob", Method::GET, &path, &Value::Null).await;
    assert_eq!(shown.body["members"], json!({"used": 2, "max": 3}));
    stack
        .ask("eve", Method::GET, &path, &Value::Null)
        .await
        .is_problem(404, "organization_not_found");
    for who in ["ann", "bob", "eve"] {
        let body = json!({"plan": "enterprise"});
        let answer = stack.ask(who, Method::PUT, &path, &body).await;
        answer.is_problem(403, "forbidden");
        let own = format!("/api/v1/users/{ann}/plan");
        for (method, path) in [
            (Method::PUT, own.as_str()),
            (Method::GET, own.as_str()),
            (Method::GET, PLANS),
            (Method::POST, PLANS),
            (Method::PATCH, "/api/v1/plans/free"),
            (Method::DELETE, "/api/v1/plans/pro"),
        ] {
            let answer = stack.ask(who, method, path, &body).await;
            answer.is_problem(403, "forbidden");
        }
    }
    let given = send(
        &stack,
        Method::PUT,
        &path,
        "*",
        &json!({"plan": "business"}),
    )
    .await;
    assert_eq!(
        given.body["members"],
        json!({"used": 2, "max": 100}),
        "{:?}",
        given.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_plans_are_refused_with_every_mistake() {
    let stack = Stack::start().await;
    let wrong =
        json!({"plan": "Farm 2", "title": "", "devicesMax": -1, "membersMax": 0, "price": 1});
    let answer = stack.post(PLANS, &wrong).await;
    answer.is_problem(422, "invalid_request");
    assert_eq!(answer.wrong_fields().len(), 5);
    let most =
        json!({"plan": "most", "title": "Most", "devicesMax": 10_000_000, "membersMax": 1_000_000});
    assert_eq!(stack.post(PLANS, &most).await.status, 201);
    let more =
        json!({"plan": "more", "title": "More", "devicesMax": 10_000_001, "membersMax": 1_000_001});
    assert_eq!(stack.post(PLANS, &more).await.wrong_fields().len(), 2);
    stack
        .get("/api/v1/plans/Farm")
        .await
        .is_problem(422, "invalid_request");
}
