//! What a collector of traces gets.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Stack};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// A collector that keeps what it is sent.
#[derive(Clone)]
struct Collector {
    url: String,
    got: Arc<Mutex<Vec<Bytes>>>,
}

impl Collector {
    async fn start(status: StatusCode) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let got = Arc::<Mutex<Vec<Bytes>>>::default();
        let keep = async move |State(got): State<Arc<Mutex<Vec<Bytes>>>>, body: Bytes| {
            got.lock().unwrap().push(body);
            status
        };
        let routes = Router::new()
            .route("/v1/traces", post(keep))
            .with_state(got.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, got }
    }

    /// The spans that came, and the names of the services that sent them.
    fn spans(&self) -> (Vec<Span>, Vec<String>) {
        let (mut spans, mut services) = (Vec::new(), Vec::new());
        for body in self.got.lock().unwrap().iter() {
            let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
            for sent in request.resource_spans {
                let about = sent.resource.unwrap_or_default().attributes;
                let name = about.into_iter().find(|pair| pair.key == "service.name");
                services.extend(name.and_then(|pair| match pair.value?.value? {
                    Any::StringValue(name) => Some(name),
                    _ => None,
                }));
                spans.extend(sent.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
        }
        (spans, services)
    }

    fn is_told(&self, text: &str) -> bool {
        let got = self.got.lock().unwrap();
        let holds = |body: &Bytes| body.windows(text.len()).any(|part| part == text.as_bytes());
        got.iter().any(holds)
    }
}

fn attribute(span: &Span, name: &str) -> Option<String> {
    let pair = span.attributes.iter().find(|pair| pair.key == name)?;
    Some(match pair.value.as_ref()?.value.as_ref()? {
        Any::StringValue(text) => text.clone(),
        Any::IntValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_span_that_continues_its_callers_trace_and_holds_no_secret() {
    let collector = Collector::start(StatusCode::OK).await;
    let stack = Stack::start_with(&[("API_OTLP_ENDPOINT", &collector.url)]).await;
    let token = stack.issuer.mint("ann", &[]);
    let ask = |method: Method, path: &str, id: &str| {
        let request = stack.http.request(method, stack.url(path));
        request
            .bearer_auth(&token)
            .header("x-request-id", id.to_owned())
    };
    let parent = format!("00-{TRACE}-{CALLER}-01");
    let path = "/api/v1/devices/s3cret-name/unbind?s3cret=query";
    let first = ask(Method::POST, path, "request-1").header("traceparent", parent);
    let first = Answer::of(first.json(&json!({"reason": "s3cret-word"}))).await;
    assert!((400..500).contains(&first.status), "{:?}", first.body);
    let second = Answer::of(ask(
        Method::GET,
        "/api/v1/devices?search=s3cret",
        "request-2",
    ))
    .await;
    assert_eq!(second.status, 200);
    // Odd contexts begin a trace of their own.
    let odd = ask(Method::GET, "/s3cret", "request-3").header("traceparent", "00-zz-1-01");
    assert_eq!(Answer::of(odd).await.status, 404);
    // What waits is sent before it ends.
    stack.stop().await;

    let (spans, services) = collector.spans();
    assert!(services.iter().all(|name| name == "api-service") && !services.is_empty());
    let of = |id: &str| {
        let is_it = |span: &&Span| attribute(span, "iot_hub.request_id").as_deref() == Some(id);
        spans
            .iter()
            .find(is_it)
            .unwrap_or_else(|| panic!("no span of {id}"))
    };
    let span = of("request-1");
    assert_eq!(span.name, "POST /api/v1/devices/{id}/unbind");
    assert_eq!(
        (hex(&span.trace_id), hex(&span.parent_span_id)),
        (TRACE.into(), CALLER.into())
    );
    assert_eq!(
        attribute(span, "http.route").unwrap(),
        "/api/v1/devices/{id}/unbind"
    );
    assert_eq!(
        attribute(span, "http.response.status_code").unwrap(),
        first.status.to_string()
    );
    assert_eq!(
        attribute(span, "error.type").unwrap(),
        first.body["code"].as_str().unwrap()
    );
    assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
    let span = of("request-2");
    assert_eq!(span.name, "GET /api/v1/devices");
    assert!(span.parent_span_id.is_empty() && hex(&span.trace_id) != TRACE);
    assert_eq!(attribute(span, "error.type"), None);
    let span = of("request-3");
    assert_eq!(span.name, "GET");
    assert!(span.parent_span_id.is_empty());
    for secret in ["s3cret", token.as_str(), "127.0.0.1"] {
        assert!(!collector.is_told(secret), "{secret} was sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_traces_nothing_is_not_traced() {
    let collector = Collector::start(StatusCode::OK).await;
    let stack = Stack::start_with(&[("API_OTLP_ENDPOINT", &collector.url)]).await;
    for (flags, id) in [("00", "request-off"), ("01", "request-on")] {
        let request = stack.request(Method::GET, "/api/v1/devices", &["admin"]);
        let request = request.header("traceparent", format!("00-{TRACE}-{CALLER}-{flags}"));
        assert_eq!(
            Answer::of(request.header("x-request-id", id)).await.status,
            200
        );
    }
    stack.stop().await;
    assert!(collector.is_told("request-on") && !collector.is_told("request-off"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_refuses_or_is_away_changes_nothing_for_callers() {
    let refusing = Collector::start(StatusCode::BAD_REQUEST).await;
    let away = format!("http://{}", crate::support::nobody().await);
    for url in [&refusing.url, &away] {
        let stack = Stack::start_with(&[("API_OTLP_ENDPOINT", url)]).await;
        assert_eq!(stack.get("/api/v1/devices").await.status, 200);
        stack.stop().await;
    }
    assert!(refusing.is_told("/api/v1/devices"));
}
