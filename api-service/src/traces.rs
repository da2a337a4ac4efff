//! Traces: one span for each request, sent to an OpenTelemetry collector (OTLP over HTTP, protobuf) if
//! `API_OTLP_ENDPOINT` names one.
//!
//! A caller's `traceparent` is continued (W3C Trace Context). A span says the method, the route, the status,
//! the problem's code and the request's id. It holds no path as sent, no query, no header and no account:
//! collectors are often somebody else's.

use std::time::Duration;

use axum::http::{HeaderMap, Method, StatusCode};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span, SpanKind, Status, TraceId, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{self, Sampler, SdkTracer, SdkTracerProvider};
use url::Url;

use self::post::Post;
use crate::problem::Code;

mod post;

/// What is not sent by then at the end is lost.
const FLUSH_MAX: Duration = Duration::from_secs(5);

/// Where traces go, and how many.
#[derive(Debug, Clone)]
pub(crate) struct TracesConfig {
    /// The collector's address, without `/v1/traces`.
    pub(crate) endpoint: Url,
    /// Of a hundred requests that no caller decided about.
    pub(crate) percent: u8,
}

/// Why there can be no traces.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TracesError {
    /// The HTTP client.
    #[error("the client for traces cannot be made")]
    Client(#[from] reqwest::Error),
    /// The exporter.
    #[error("the exporter of traces cannot be made")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// The maker of spans; of none without a collector.
#[derive(Clone, Default)]
pub(crate) struct Traces(Option<On>);

#[derive(Clone)]
struct On {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// The span of a request under way.
pub(crate) struct Traced(trace::Span);

impl Traces {
    /// Begins to send to a collector, if there is one. Spans wait in a bounded queue for a thread that sends
    /// them; what does not fit is dropped, and nobody waits.
    pub(crate) fn new(config: Option<TracesConfig>) -> Result<Self, TracesError> {
        let Some(config) = config else {
            return Ok(Self(None));
        };
        let endpoint = config.endpoint.as_str().trim_end_matches('/');
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Post::new()?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .build()?;
        let share = f64::from(config.percent) / 100.0;
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share)));
        // `OTEL_RESOURCE_ATTRIBUTES` adds where it runs, as everywhere.
        let resource = Resource::builder()
            .with_service_name("api-service")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(sampler)
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("api-service");
        Ok(Self(Some(On { provider, tracer })))
    }

    /// Begins the span of a request.
    pub(crate) fn begin(
        &self,
        headers: &HeaderMap,
        method: &Method,
        route: Option<&str>,
    ) -> Option<Traced> {
        let on = self.0.as_ref()?;
        let caller = TraceContextPropagator::new()
            .extract_with_context(&Context::new(), &HeaderExtractor(headers));
        // A method is any text a stranger likes.
        let method = match *method {
            Method::GET | Method::POST | Method::PATCH | Method::PUT | Method::DELETE => {
                method.as_str()
            }
            _ => "_OTHER",
        };
        let mut attributes = vec![KeyValue::new("http.request.method", method.to_owned())];
        let name = match route {
            Some(route) => {
                attributes.push(KeyValue::new("http.route", route.to_owned()));
                format!("{method} {route}")
            }
            None => method.to_owned(),
        };
        let builder = on.tracer.span_builder(name);
        let builder = builder
            .with_kind(SpanKind::Server)
            .with_attributes(attributes);
        Some(Traced(builder.start_with_context(&on.tracer, &caller)))
    }

    /// Sends what waits, and nothing after it.
    pub(crate) async fn stop(&self) {
        let Some(On { provider, .. }) = self.0.clone() else {
            return;
        };
        // The provider blocks its caller until its thread is done.
        let flush = move || provider.shutdown_with_timeout(FLUSH_MAX);
        match tokio::task::spawn_blocking(flush).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last traces were not sent"),
            Err(error) => tracing::error!(%error, "the last traces were not sent"),
        }
    }
}

impl Traced {
    /// The trace that it belongs to.
    pub(crate) fn id(&self) -> TraceId {
        self.0.span_context().trace_id()
    }

    /// Ends it with what came of the request.
    pub(crate) fn end(mut self, status: StatusCode, code: Option<Code>, request_id: &str) {
        let span = &mut self.0;
        let number = i64::from(status.as_u16());
        span.set_attribute(KeyValue::new("http.response.status_code", number));
        span.set_attribute(KeyValue::new("iot_hub.request_id", request_id.to_owned()));
        if let Some(code) = code {
            span.set_attribute(KeyValue::new("error.type", code.as_str()));
        }
        // What a caller does wrong is no error of ours (semantic conventions of HTTP server spans).
        if status.is_server_error() {
            span.set_status(Status::error(code.map_or("", Code::as_str)));
        }
        span.end();
    }
}
