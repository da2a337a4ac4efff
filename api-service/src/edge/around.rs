//! Around every request: an id, a log span, limits of number and time, metrics, safe headers.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use tokio::sync::Semaphore;
use tracing::Instrument;

use crate::api::Api;
use crate::domain::trail::Trail;
use crate::edge::compress;
use crate::edge::listener::Peer;
use crate::edge::met::Met;
use crate::edge::refused::{self, Asked};
use crate::problem::{Code, Problem, render};
use crate::rates;

/// A request that takes longer is given up; its transaction rolls back.
pub(crate) const REQUEST_TIME_MAX: Duration = Duration::from_secs(10);

/// The header that carries a request's id, there and back.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Headers of every answer. Answers are data for programs: nothing may run, frame or cache them.
const SAFE: [(HeaderName, &str); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// Answers are for their caller alone, unless they say otherwise.
const OF_QUERY: HeaderValue = HeaderValue::from_static("no-store");

/// What commands answer may be told only once: nobody on the way may change its form either, and so
/// compress it (RFC 9111 section 5.2.2.6).
const OF_COMMAND: HeaderValue = HeaderValue::from_static("no-store, no-transform");

/// Runs one request of the API's listener.
pub(crate) async fn around(State(api): State<Api>, request: Request, next: Next) -> Response {
    wrapped(&api, &api.in_flight, request, next).await
}

/// Runs one request of the revocation lists' own listener, which strangers reach: it has a bound of
/// its own.
pub(crate) async fn around_lists(State(api): State<Api>, request: Request, next: Next) -> Response {
    wrapped(&api, &api.lists.in_flight, request, next).await
}

async fn wrapped(api: &Api, in_flight: &Semaphore, mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let path = request.extensions().get::<MatchedPath>();
    let path = path.map(|path| path.as_str().to_owned());
    let route = path.as_deref().unwrap_or("unmatched");
    let method = request.method().clone();
    let span = tracing::info_span!(
        "request", id, %method, route, account = tracing::field::Empty, trace = tracing::field::Empty,
    );
    let traced = api
        .traces
        .begin(request.headers(), &method, path.as_deref());
    if let Some(traced) = &traced {
        span.record("trace", tracing::field::display(traced.id()));
    }
    let asked = Asked::new(&method, path.as_deref(), request.uri().path());
    let trail = trail(api, &request, &id);
    let met = Met::default();
    request.extensions_mut().insert(met.clone());
    let began = Instant::now();
    let answering = async {
        let response = admitted(api, in_flight, &met, route, request, next).await;
        let (response, code) = render(response, &id);
        if let (Some(asked), Some(code)) = (asked, code)
            && code.status().is_client_error()
        {
            refused::enter(api, &asked, met.account(), code).await;
        }
        (response, code)
    };
    let (mut response, code) = trail.scope(answering.instrument(span.clone())).await;
    let took = began.elapsed();
    let status = response.status();
    count(api, &method, route, status.as_u16(), code, took);
    if let Some(traced) = traced {
        traced.end(status, code, &id);
    }
    span.in_scope(|| {
        let code = code.map(Code::as_str);
        tracing::info!(
            status = status.as_u16(),
            code,
            took_us = micros(took),
            "answered"
        );
    });
    let headers = response.headers_mut();
    for (name, value) in SAFE {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    let control = if method.is_safe() {
        OF_QUERY
    } else {
        OF_COMMAND
    };
    headers.entry(header::CACHE_CONTROL).or_insert(control);
    headers.extend(rates::headers(&met.counted()));
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    compress::mark(&mut response, &method);
    response
}

/// Runs a request unless its address sent too many, or too many run.
async fn admitted(
    api: &Api,
    in_flight: &Semaphore,
    met: &Met,
    route: &str,
    request: Request,
    next: Next,
) -> Response {
    // Revocation lists are for everybody, through whatever hides them; they come from memory.
    if !route.starts_with("/crl/")
        && let Some(address) = Trail::current().and_then(|trail| trail.address)
        && let Some(counted) = api.rates.address(address).await
    {
        met.counts(counted);
        if let Err(problem) = counted.admit() {
            return problem.into_response();
        }
    }
    run(in_flight, request, next).await
}

async fn run(in_flight: &Semaphore, request: Request, next: Next) -> Response {
    // Refusing at once beats a queue in which everybody waits until nobody does any more.
    let Ok(_permit) = in_flight.try_acquire() else {
        return Problem::new(Code::Busy, "too many requests at once").into_response();
    };
    let work = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(REQUEST_TIME_MAX, work).await {
        Ok(Ok(response)) => response,
        Ok(Err(_panic)) => Problem::internal("the handler panicked").into_response(),
        Err(_) => {
            let detail = "the request took more than 10 seconds; it may be repeated";
            Problem::new(Code::TimedOut, detail).into_response()
        }
    }
}

/// Where the request came from, for the audit.
fn trail(api: &Api, request: &Request, id: &str) -> Trail {
    let peer = request.extensions().get::<Peer>();
    let caller = peer.map(|peer| api.proxies.caller(peer.0, request.headers()));
    let user_agent = request.headers().get(header::USER_AGENT);
    Trail::new(id, caller, user_agent.and_then(|value| value.to_str().ok()))
}

/// The caller's own id if it is short and plain, so that one id can be followed through several
/// services; else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    let plain = |text: &&str| {
        (8..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    given
        .filter(plain)
        .map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned)
}

fn count(api: &Api, method: &Method, route: &str, status: u16, code: Option<Code>, took: Duration) {
    // A method is any text a stranger likes; a label must not be.
    let method = match *method {
        Method::GET
        | Method::POST
        | Method::PATCH
        | Method::PUT
        | Method::DELETE
        | Method::HEAD
        | Method::OPTIONS => method.as_str(),
        _ => "other",
    };
    let code = code.map_or("ok", Code::as_str);
    let status = status.to_string();
    api.metrics
        .requests
        .with_label_values(&[method, route, &status, code])
        .inc();
    api.metrics
        .request_seconds
        .with_label_values(&[method, route])
        .observe(took.as_secs_f64());
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}
