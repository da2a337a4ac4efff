//! `GET /crl/{issuer}/{file}`: one revocation list. Public, and over plain http where EMQX asks for it:
//! the list is signed, and whoever verified the connection's certificate by this list would wait for
//! itself (RFC 5280 section 8).
//!
//! `/crl/device.pem` and `/crl/device.der` are the whole lists of the device authorities, under the
//! names they had before there were shards.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use time::OffsetDateTime;

use crate::api::Api;
use crate::crl::shelf::{Found, ServedList};
use crate::domain::key_id::KeyId;
use crate::edge::conditional::Document;
use crate::problem::{Code, Problem, ProblemView};
use crate::store::crl_list::ListId;

const PEM: &str = "application/x-pem-file";
/// RFC 2585 section 4.2.
const DER: &str = "application/pkix-crl";

/// A list of one authority. `{file}` is the shard's number, 0 for the whole list, and `.pem`, or
/// `.crl` for DER.
#[utoipa::path(
    get, path = "/crl/{issuer}/{file}", operation_id = "getCrl", tag = "certificates",
    params(
        ("issuer" = String, Path, pattern = "^[0-9a-f]{40}$", example = "5e7d0c2b9a4f1e8d3c6b5a4938271605f4e3d2c1", description = "The authority's key identifier, 40 lower-case hexadecimal digits"),
        ("file" = String, Path, pattern = "^[0-9]{1,5}\\.(pem|crl)$", example = "0.pem", description = "`<shard>.pem` or `<shard>.crl` (DER); shard 0 is the whole list"),
    ),
    responses(
        (status = 200, description = "The newest list",
            content((Vec<u8> = "application/pkix-crl"), (Vec<u8> = "application/x-pem-file"))),
        (status = 304, description = "The caller has it already"),
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 503, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(api): State<Api>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path((issuer, file)) = path.map_err(|_| unknown())?;
    let (id, content_type) = parse(&issuer, &file).ok_or_else(unknown)?;
    let list = find(&api, &id)?;
    let body = if content_type == PEM {
        list.pem.clone()
    } else {
        list.der.clone()
    };
    Ok(answer(&api, &headers, &[list], content_type, body))
}

/// The whole lists of all device authorities of this service, the signing one's first, as PEM.
#[utoipa::path(
    get, path = "/crl/device.pem", operation_id = "getDeviceCrlPem", tag = "certificates",
    responses(
        (status = 200, content_type = "application/x-pem-file", body = String, description = "The newest lists"),
        (status = 304, description = "The caller has it already"),
        (status = 503, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn pem(State(api): State<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    let whole = |issuer| find(&api, &ListId { issuer, shard: 0 });
    let lists = api.signer.issuers().into_iter().map(whole);
    let lists = lists.collect::<Result<Vec<_>, _>>()?;
    let body: Vec<u8> = lists.iter().flat_map(|list| list.pem.to_vec()).collect();
    Ok(answer(&api, &headers, &lists, PEM, body.into()))
}

/// The whole list of the device authority that signs, as DER.
#[utoipa::path(
    get, path = "/crl/device.der", operation_id = "getDeviceCrlDer", tag = "certificates",
    responses(
        (status = 200, content_type = "application/pkix-crl", body = Vec<u8>, description = "The newest list"),
        (status = 304, description = "The caller has it already"),
        (status = 503, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn der(State(api): State<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    let issuer = api.signer.issuer();
    let list = find(&api, &ListId { issuer, shard: 0 })?;
    let body = list.der.clone();
    Ok(answer(&api, &headers, &[list], DER, body))
}

fn find(api: &Api, id: &ListId) -> Result<Arc<ServedList>, Problem> {
    match api.lists.shelf.get(id) {
        Found::List(list) => Ok(list),
        // It is made within moments of the service's first start.
        Found::Unknown if id.shard == 0 && api.signer.issuers().contains(&id.issuer) => {
            Err(not_yet())
        }
        Found::Unknown => Err(unknown()),
        Found::NotYet => Err(not_yet()),
    }
}

fn answer(
    api: &Api,
    headers: &HeaderMap,
    lists: &[Arc<ServedList>],
    content_type: &'static str,
    body: Bytes,
) -> Response {
    let now: OffsetDateTime = (api.clock)().into();
    let half =
        |list: &Arc<ServedList>| list.this_update + (list.next_update - list.this_update) / 2;
    let form = if content_type == PEM { "p" } else { "d" };
    let tags = lists.iter().map(|list| list.tag.as_str());
    let document = Document {
        content_type,
        body,
        tag: tags.chain([form]).collect(),
        modified: lists
            .iter()
            .map(|list| list.this_update)
            .max()
            .unwrap_or(now),
        fresh_until: lists.iter().map(half).min().unwrap_or(now),
    };
    document.answer(headers, now)
}

fn parse(written: &str, file: &str) -> Option<(ListId, &'static str)> {
    let issuer = KeyId::parse(written).ok()?;
    let (number, ending) = file.split_once('.')?;
    let content_type = match ending {
        "pem" => PEM,
        "crl" => DER,
        _ => return None,
    };
    let shard: u16 = number.parse().ok()?;
    // One list has one path.
    let id = ListId {
        issuer,
        shard: shard.into(),
    };
    (issuer.to_string() == written && shard.to_string() == number).then_some((id, content_type))
}

fn unknown() -> Problem {
    Problem::new(
        Code::ListNotFound,
        "there is no revocation list of this authority and shard",
    )
}

fn not_yet() -> Problem {
    Problem::new(
        Code::DatabaseUnavailable,
        "the revocation lists were not read from the database yet; try again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_one_path_in_each_form() {
        let issuer = "00ff10a9b8c7d6e5f40123456789abcdef001122";
        for (file, shard, content_type) in [
            ("0.pem", 0, PEM),
            ("17.pem", 17, PEM),
            ("17.crl", 17, DER),
            ("65535.crl", 65_535, DER),
        ] {
            let (id, found) = parse(issuer, file).unwrap();
            assert_eq!((id.shard, found), (shard, content_type));
            assert_eq!(id.issuer.to_string(), issuer);
        }
        for bad in [
            "",
            "1",
            "1.der",
            "01.pem",
            "+1.pem",
            "-1.pem",
            "65536.pem",
            "1.pem.pem",
        ] {
            assert_eq!(parse(issuer, bad), None, "{bad}");
        }
        for bad in ["device", &issuer.to_uppercase(), &issuer[1..]] {
            assert_eq!(parse(bad, "1.pem"), None, "{bad}");
        }
    }
}
