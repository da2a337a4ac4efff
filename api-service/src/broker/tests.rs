//! Answers that are longer than any of EMQX's, from a stub that does not tell their length.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;

use super::*;

/// A broker whose one answer is this many spaces, in chunks, and then a word.
async fn broker(status: StatusCode, spaces: usize) -> Broker {
    let answer = move || async move {
        let chunk = Bytes::from(vec![b' '; 1024]);
        let chunks = std::iter::repeat_n(chunk, spaces / 1024);
        let chunks = chunks.chain([Bytes::from_static(br#"{"code": "BUSY"}"#)]);
        let chunks = chunks.map(Ok::<_, std::convert::Infallible>);
        (status, Body::from_stream(futures::stream::iter(chunks)))
    };
    let router = Router::new().route("/api/v5/test", get(answer));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    // Another test may have been quicker.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Broker::new(BrokerConfig {
        name: "test".to_owned(),
        base: base.parse().unwrap(),
        key: "key".to_owned(),
        secret: Secret::new("secret".to_owned()),
        url_setting: "API_BROKER_URL",
        key_setting: "API_BROKER_KEY".to_owned(),
    })
    .unwrap()
}

async fn answer(broker: &Broker) -> Result<Value, BrokerError> {
    let answer = broker.call(Method::GET, &["test"], &[], None).await?;
    broker.read(answer).await
}

#[tokio::test]
async fn an_answer_without_a_length_is_read_up_to_the_limit() {
    let below = broker(StatusCode::OK, ANSWER_BYTES_MAX - 1024).await;
    assert_eq!(answer(&below).await.unwrap()["code"], "BUSY");
    let above = broker(StatusCode::OK, ANSWER_BYTES_MAX).await;
    assert!(matches!(answer(&above).await, Err(BrokerError::Unreadable)));
}

#[tokio::test]
async fn of_a_long_refusal_only_the_status_is_told() {
    let code = async |spaces| {
        let broker = broker(StatusCode::CONFLICT, spaces).await;
        match answer(&broker).await.unwrap_err() {
            BrokerError::Refused { status: 409, code } => code,
            other => panic!("{other}"),
        }
    };
    assert_eq!(code(REFUSAL_BYTES_MAX - 1024).await, "BUSY");
    assert_eq!(code(REFUSAL_BYTES_MAX).await, "");
}
