//! How often an account and an address may ask.

use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, Stack};

const DEVICES: &str = "/api/v1/devices";

/// One token comes back in a second: a test is over before it could matter how many did.
async fn limited(account: &str, address: &str, more: &[(&str, &str)]) -> Stack {
    let mut settings = vec![
        ("API_RATE_PER_ACCOUNT", account),
        ("API_RATE_PER_ADDRESS", address),
    ];
    settings.extend(more);
    Stack::start_with(&settings).await
}

/// Asks until it is refused, and gives the refusal.
async fn until_refused(mut ask: impl AsyncFnMut() -> Answer) -> Answer {
    for _ in 0..10_000 {
        let answer = ask().await;
        if answer.status == 429 {
            return answer;
        }
    }
    panic!("it is never refused");
}

fn is_refused(answer: &Answer, policy: &str) {
    answer.is_problem(429, "rate_limited");
    assert_eq!(answer.headers["retry-after"], "1");
    assert!(answer.body["detail"].as_str().unwrap().contains(policy));
    let left = answer.headers["ratelimit"].to_str().unwrap();
    assert!(left.contains(&format!("\"{policy}\";r=0;")), "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_asks_too_often_is_refused_and_another_is_not() {
    let stack = limited("1:3", "0", &[]).await;
    let first = stack.ask("ann", Method::GET, DEVICES, &Value::Null).await;
    assert_eq!(first.headers["ratelimit-policy"], "\"account\";q=3;w=3");
    let left = first.headers["ratelimit"].to_str().unwrap();
    assert!(left.starts_with("\"account\";r=2;t="), "{left}");
    let refused =
        until_refused(async || stack.ask("ann", Method::GET, DEVICES, &Value::Null).await);
    is_refused(&refused.await, "account");
    let other = stack.ask("bob", Method::GET, DEVICES, &Value::Null).await;
    assert_eq!(other.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_asks_too_often_is_refused_without_a_look_at_its_token() {
    let stack = limited("0", "1:3", &[]).await;
    let looked_at = AtomicUsize::new(0);
    let ask = async || {
        let answer = Answer::of(stack.http.get(stack.url(DEVICES)).bearer_auth("x")).await;
        if answer.status == 401 {
            looked_at.fetch_add(1, Ordering::Relaxed);
        }
        answer
    };
    assert_eq!(ask().await.body["code"], "token_invalid");
    for _ in 0..3 {
        is_refused(&until_refused(&ask).await, "address");
    }
    let metrics = stack.metrics().await;
    let counted = metrics
        .lines()
        .filter(|line| line.starts_with("api_tokens_refused_total{"));
    let counted = counted.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap());
    assert_eq!(counted.sum::<usize>(), looked_at.load(Ordering::Relaxed));
    // Lists are for everybody, and operators' paths are elsewhere.
    for _ in 0..10 {
        let list = stack
            .http
            .get(stack.url("/crl/device.pem"))
            .send()
            .await
            .unwrap();
        assert_ne!(list.status(), 429);
        assert!(!list.headers().contains_key("ratelimit"));
        assert!(stack.readiness().await.0.is_success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_the_callers_address_counts_and_an_ipv6_network_is_one() {
    let stack = limited("0", "1:2", &[("API_TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let ask = async |address: &str| {
        let request = stack.http.get(stack.url(DEVICES));
        Answer::of(request.header("x-forwarded-for", address)).await
    };
    // Somebody who takes another address of the same network each time.
    let mut host = 0;
    let refused = until_refused(async || {
        host += 1;
        ask(&format!("2001:db8:1:1::{host:x}")).await
    });
    is_refused(&refused.await, "address");
    for other in ["2001:db8:1:2::1", "192.0.2.1", "192.0.2.2"] {
        assert_eq!(ask(other).await.status, 401, "{other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_limits_nothing_is_told_of_them() {
    let stack = limited("0", "0", &[]).await;
    let answer = stack.get(DEVICES).await;
    for header in ["ratelimit", "ratelimit-policy"] {
        assert!(!answer.headers.contains_key(header));
    }
}
