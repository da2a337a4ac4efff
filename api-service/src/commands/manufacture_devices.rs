//! `POST /api/v1/manufacturing/devices/bulk`: a factory registers thousands of devices in one call.
//!
//! Lines go in and lines come out, in the same order, each with its number: a registered device, or why
//! it was not. What is wrong with one line stops no other. Some dozens of lines share a transaction, and
//! an answer leaves only after its commit. The request is read on while answers wait to be fetched, so a
//! caller that first sends everything and then reads is served too.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::sync::mpsc;

use self::answer::AnswerLine;
use self::records::Format;
use self::work::Work;
use crate::api::Api;
use crate::domain::rights::Right;
use crate::domain::trail::Trail;
use crate::edge::account::Account;
use crate::problem::{Code, Problem, ProblemView, Refusals};

mod answer;
mod batch;
mod csv;
mod records;
mod work;

/// Most lines of a call.
const LINES_MAX: usize = 10_000;

/// Most bytes of a call: a line with a P-256 signing request has 1 KiB.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// Longest line, in bytes: the longest signing request in PEM, escaped, and what is around it.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// Calls at once.
pub(crate) const CALLS_MAX: usize = 4;

/// A caller that neither sends nor fetches anything for so long is given up.
const STALLED: Duration = Duration::from_secs(30);

/// The media type of the answer, and of one of the two forms of the request.
const NDJSON: &str = "application/x-ndjson";

/// One device a line; of nothing, nothing is registered.
#[derive(utoipa::ToSchema)]
#[schema(as = DeviceLines, max_length = 16777216)]
#[expect(dead_code, reason = "describes the body that is read line by line")]
struct Lines(String);

/// Registers many devices.
#[utoipa::path(
    post, path = "/api/v1/manufacturing/devices/bulk", operation_id = "manufactureDevices",
    tag = "manufacturing", security(("bearer" = [])),
    request_body(
        content(
            (Lines = "application/x-ndjson"),
            (Lines = "text/csv"),
        ),
        description = "One device a line: as JSON the body of `manufactureDevice` without `renew`, or \
            CSV (RFC 4180) whose first line names the columns deviceId, model, csr, and perhaps \
            firmwareVersion and qrType. At most 10,000 lines of 16 KiB, 16 MiB in all",
    ),
    responses(
        (status = 200, body = AnswerLine, content_type = "application/x-ndjson",
            description = "One line for each line, in their order, and a last one with the sums"),
        Refusals,
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    request: Request,
) -> Result<Response, Problem> {
    account.require(Right::Enrol)?;
    let format = Format::of(request.headers()).ok_or_else(|| {
        let detail = "send the lines as application/x-ndjson or text/csv";
        Problem::new(Code::MediaTypeUnsupported, detail)
    })?;
    let slots = api.bulk_slots.clone();
    let slot = slots.try_acquire_owned().map_err(|_| {
        let detail = "other bulk registrations are under way; try again in a minute";
        Problem::new(Code::Busy, detail)
    })?;
    let (lines, answers) = mpsc::channel(32);
    let work = Work {
        api,
        account: account.id(),
        lines,
        trail: Trail::current(),
    };
    let body = request.into_body();
    // The answer has begun when this returns; what is left ends with the caller's connection.
    tokio::spawn(async move {
        work.run(body, format).await;
        drop(slot);
    });
    let answers = stream::unfold(answers, async |mut answers| {
        let line: Vec<u8> = answers.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(line), answers))
    });
    Ok(([(header::CONTENT_TYPE, NDJSON)], Body::from_stream(answers)).into_response())
}
