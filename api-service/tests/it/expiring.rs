//! Certificates that end soon: the report and its metrics.

use serde_json::json;

use crate::support::{REGISTER, Stack, csr, eventually};

const REPORT: &str = "/api/v1/certificates/expiring";

/// Devices whose only certificate ends in so many days.
async fn with_devices(ends: &[(&str, i64)]) -> Stack {
    let stack = Stack::start().await;
    let sql = stack.sql().await;
    for (id, days) in ends {
        stack.registered(id).await;
        let end = "UPDATE certificate SET not_after = now() + make_interval(days => $2::int)
                    WHERE device_id = $1";
        let days = i32::try_from(*days).unwrap();
        sql.execute(end, &[id, &days]).await.unwrap();
    }
    stack
}

fn ids(page: &serde_json::Value) -> Vec<String> {
    let certificates = page["certificates"].as_array().unwrap();
    certificates
        .iter()
        .map(|each| each["deviceId"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_to_end_comes_first_and_pages_follow_each_other() {
    let stack = with_devices(&[("c", 20), ("a", 3), ("b", 9), ("far", 300)]).await;
    let all = stack.get(REPORT).await;
    assert_eq!(all.status, 200, "{:?}", all.body);
    assert_eq!(ids(&all.body), ["a", "b", "c"]);
    assert_eq!(all.body["certificates"][1]["daysLeft"], 8);
    assert_eq!(
        all.body["certificates"][1]["issuer"]
            .as_str()
            .unwrap()
            .len(),
        40
    );
    assert!(all.body["nextCursor"].is_null());
    let week = stack.get(&format!("{REPORT}?withinDays=7")).await;
    assert_eq!(ids(&week.body), ["a"]);

    let mut seen = Vec::new();
    let mut path = format!("{REPORT}?withinDays=400&limit=1");
    loop {
        let page = stack.get(&path).await.body;
        seen.extend(ids(&page));
        let Some(cursor) = page["nextCursor"].as_str() else {
            break;
        };
        path = format!("{REPORT}?withinDays=400&limit=1&cursor={cursor}");
    }
    assert_eq!(seen, ["a", "b", "c", "far"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_later_certificate_or_is_out_is_not_reported() {
    let stack = with_devices(&[("gone", 2), ("stays", 3)]).await;
    let key = csr::Key::new();
    let mut body = json!({ "deviceId": "renewed", "model": "GrowTent-2", "csr": key.request("x") });
    assert_eq!(stack.register(&body).await.status, 201);
    let sql = stack.sql().await;
    let end = "UPDATE certificate SET not_after = now() + interval '1 day'
                WHERE device_id = 'renewed'";
    sql.execute(end, &[]).await.unwrap();
    body["renew"] = json!(true);
    assert_eq!(stack.post(REGISTER, &body).await.status, 201);
    stack.revoke("gone").await;
    assert_eq!(ids(&stack.get(REPORT).await.body), ["stays"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_needs_a_right_and_good_parameters() {
    let stack = Stack::start().await;
    let request = stack.request(reqwest::Method::GET, REPORT, &["user"]);
    crate::support::Answer::of(request)
        .await
        .is_problem(403, "forbidden");
    let answer = stack
        .get(&format!("{REPORT}?withinDays=0&limit=999&cursor=x&sort=up"))
        .await;
    answer.is_problem(422, "invalid_request");
    assert_eq!(
        answer.wrong_fields(),
        ["withinDays", "limit", "cursor", "sort"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_how_many_end_within_a_week_and_a_month() {
    let stack = with_devices(&[("a", 3), ("b", 9), ("far", 300)]).await;
    // The count is taken at start and every five minutes: another process counts now.
    let (pki, database) = stack.stop().await;
    let database = database.unwrap();
    let stack = Stack::start_in(pki, &database.api_url(), &[]).await;
    eventually("they are counted", async || {
        let metrics = stack.metrics().await;
        metrics.contains("api_certificates_expiring{within=\"7d\"} 1")
            && metrics.contains("api_certificates_expiring{within=\"30d\"} 2")
    })
    .await;
    eventually("the lists' time is told", async || {
        let metrics = stack.metrics().await;
        let mut lines = metrics.lines();
        lines.any(|line| {
            let left = line.strip_prefix("api_crl_next_update_seconds ");
            left.is_some_and(|left| left.parse::<f64>().unwrap() > 80_000.0)
        })
    })
    .await;
}
