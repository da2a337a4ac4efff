//! Invitations: told once, used once, and over at their time.

use serde_json::{Value, json};

use super::people::{ORGANIZATIONS, person};
use crate::support::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_told_once_stored_hashed_and_used_once() {
    let stack = Stack::start().await;
    let [ann, bob, eve] = ["ann", "bob", "eve"].map(|who| person(&stack, who));
    let acme = ann.founds("Acme").await;
    let body = json!({"role": "member", "email": "bob@example.com", "expiresInHours": 1});
    let token = ann.invites(&acme, body).await;
    let path = format!("{ORGANIZATIONS}/{acme}/invitations");
    let open = ann.get(&path).await.body;
    assert_eq!(open["invitations"][0]["email"], "bob@example.com");
    assert!(!open.to_string().contains(&token));
    let stored = "SELECT count(*) FROM invitation WHERE octet_length(token_hash) = 32";
    assert_eq!(stack.count(stored).await, 1);
    // Of many who send it at once, one comes in.
    let answers = tokio::join!(
        bob.accepts(&token),
        eve.accepts(&token),
        bob.accepts(&token)
    );
    let statuses = [answers.0.status, answers.1.status, answers.2.status];
    let came_in = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(came_in, 1, "{statuses:?}");
    eve.accepts(&token)
        .await
        .is_problem(404, "invitation_not_found");
    let members = "SELECT count(*) FROM organization_member";
    assert_eq!(stack.count(members).await, 2);
    // The note of whom it was meant for went with it.
    let notes = "SELECT count(*) FROM invitation WHERE email IS NOT NULL";
    assert_eq!(stack.count(notes).await, 0);
    assert_eq!(ann.get(&path).await.body["invitations"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn revoked_and_over_ones_open_nothing() {
    let stack = Stack::start().await;
    let (ann, bob) = (person(&stack, "ann"), person(&stack, "bob"));
    let acme = ann.founds("Acme").await;
    let path = format!("{ORGANIZATIONS}/{acme}/invitations");
    let revoked = ann.invites(&acme, json!({"role": "viewer"})).await;
    let id = ann.get(&path).await.body["invitations"][0]["invitationId"].clone();
    let one = format!("{path}/{}", id.as_str().unwrap());
    bob.delete(&one)
        .await
        .is_problem(404, "invitation_not_found");
    assert_eq!(ann.delete(&one).await.status, 204);
    ann.delete(&one)
        .await
        .is_problem(404, "invitation_not_found");
    bob.accepts(&revoked)
        .await
        .is_problem(404, "invitation_not_found");
    let over = ann.invites(&acme, json!({"role": "viewer"})).await;
    let past = "UPDATE invitation SET created_at = now() - interval '2 days', \
                expires_at = now() - interval '1 day' WHERE ended_at IS NULL";
    stack.sql().await.execute(past, &[]).await.unwrap();
    bob.accepts(&over)
        .await
        .is_problem(404, "invitation_not_found");
    let never = bob.accepts(&"A".repeat(43)).await;
    never.is_problem(404, "invitation_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_raises_and_never_lowers() {
    let stack = Stack::start().await;
    let (ann, bob) = (person(&stack, "ann"), person(&stack, "bob"));
    let acme = ann.founds("Acme").await;
    ann.lets_in(&acme, &bob, "viewer").await;
    ann.lets_in(&acme, &bob, "admin").await;
    let low = ann.invites(&acme, json!({"role": "viewer"})).await;
    assert_eq!(bob.accepts(&low).await.body["role"], "admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_fields_are_all_told() {
    let stack = Stack::start().await;
    let ann = person(&stack, "ann");
    let acme = ann.founds("Acme").await;
    let hall = ann.groups(&acme, "Hall", None).await;
    let path = format!("{ORGANIZATIONS}/{acme}/invitations");
    let wrong: [(Value, &[&str]); 3] = [
        (
            json!({"role": "king", "email": "nobody", "expiresInHours": 721, "token": "x"}),
            &["role", "email", "expiresInHours", "token"],
        ),
        (json!({"role": "owner", "groupId": hall}), &["role"]),
        (json!({"groupId": "hall"}), &["role", "groupId"]),
    ];
    for (body, fields) in wrong {
        let answer = ann.post(&path, body).await;
        answer.is_problem(422, "invalid_request");
        assert_eq!(answer.wrong_fields(), fields);
    }
    let short = ann.accepts("AAAA").await;
    short.is_problem(422, "invalid_request");
}
