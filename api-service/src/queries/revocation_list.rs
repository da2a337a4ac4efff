//! `GET /crl/device.pem` and `/crl/device.der`: the revocation list of the device authority. Public,
//! over plain http where EMQX asks for it: the list is signed.

use axum::extract::State;
use axum::http::{HeaderName, header};

use crate::api::Api;
use crate::problem::{Problem, ProblemView};

/// For so long anybody between may keep the list, which is how long this service does.
const CACHE: (HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=60");

/// The list as PEM.
#[utoipa::path(
    get, path = "/crl/device.pem", operation_id = "getDeviceCrlPem", tag = "certificates",
    responses(
        (status = 200, content_type = "application/x-pem-file", body = String),
        (status = 503, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn pem(
    State(api): State<Api>,
) -> Result<([(HeaderName, &'static str); 2], String), Problem> {
    let list = api
        .lists
        .get(&api.store, &api.signer, (api.clock)().into())
        .await?;
    Ok((
        [(header::CONTENT_TYPE, "application/x-pem-file"), CACHE],
        list.pem(),
    ))
}

/// The list as DER (RFC 2585 section 4.2).
#[utoipa::path(
    get, path = "/crl/device.der", operation_id = "getDeviceCrlDer", tag = "certificates",
    responses(
        (status = 200, content_type = "application/pkix-crl", body = Vec<u8>),
        (status = 503, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn der(
    State(api): State<Api>,
) -> Result<([(HeaderName, &'static str); 2], Vec<u8>), Problem> {
    let list = api
        .lists
        .get(&api.store, &api.signer, (api.clock)().into())
        .await?;
    Ok((
        [(header::CONTENT_TYPE, "application/pkix-crl"), CACHE],
        list.der().to_vec(),
    ))
}
