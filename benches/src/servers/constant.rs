//! The same hyper stack as hook-service's listener, answering a constant: what the library costs.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use hook_service::threads::Threads;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use super::Constants;
use crate::machine;

/// The command of the process.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// The bodies to answer, JSON with `authn` and `authz`
    #[arg(long)]
    pub(crate) bodies: String,
    /// End when standard input ends
    #[arg(long)]
    pub(crate) tied: bool,
}

/// Runs until it is killed.
pub(crate) fn serve(arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.tied {
        super::child::tie_to_parent();
    }
    let constants = Constants::from_argument(&arguments.bodies)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    runtime.block_on(async {
        let address = start(constants).await?;
        super::announce(&json!({ "http": address }))?;
        std::future::pending().await
    })
}

/// Binds and serves. Must be called within a runtime.
pub(crate) async fn start(constants: Constants) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("binding")?;
    let address = listener.local_addr()?;
    let threads = Threads::start(machine::cores()).context("starting threads")?;
    let bodies = Arc::new((Bytes::from(constants.authn), Bytes::from(constants.authz)));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let bodies = Arc::clone(&bodies);
            let (Ok(()), Ok(stream)) = (stream.set_nodelay(true), stream.into_std()) else {
                continue;
            };
            let (thread, place) = threads.take_place();
            thread.runtime.spawn(async move {
                let Ok(stream) = TcpStream::from_std(stream) else {
                    return;
                };
                let service = service_fn(move |request| answer(request, Arc::clone(&bodies)));
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(Duration::from_secs(600))
                    .max_headers(64)
                    .max_buf_size(256 * 1024)
                    .pipeline_flush(true)
                    .serve_connection(TokioIo::new(stream), service);
                // A generator that leaves is no fault.
                let _ = connection.await;
                drop(place);
            });
        }
    });
    Ok(address)
}

async fn answer(
    request: Request<Incoming>,
    bodies: Arc<(Bytes, Bytes)>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = if request.uri().path() == "/authz" {
        &bodies.1
    } else {
        &bodies.0
    };
    let body = Full::new(body.clone());
    // Read as a whole, as a hook must, and not looked at.
    let _ = request.into_body().collect().await;
    let mut response = Response::new(body);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}
