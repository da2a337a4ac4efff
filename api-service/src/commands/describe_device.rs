//! `PATCH /api/v1/devices/{id}`: what an owner calls a device, and what they note about it.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use schema::DeviceId;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::binding::DEVICE;
use super::run::{Command, Failure, to_its_end};
use crate::api::Api;
use crate::domain::access::Level;
use crate::domain::audit::{Actor, Entry};
use crate::domain::note::{DeviceName, Metadata};
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::fields::Fields;
use crate::edge::path::DevicePath;
use crate::edge::require::require_device;
use crate::edge::version::{IfMatch, etag};
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::access::Asker;
use crate::store::device::DeviceRow;
use crate::views::DeviceView;

/// What is to change; what is left out stays.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = DescribeDevice,
    example = json!({"name": "Greenhouse, left", "metadata": {"row": 7}})
)]
#[expect(
    dead_code,
    reason = "describes the body that `Notes::read` reads field by field"
)]
pub(crate) struct Wire {
    /// Its name; `null` takes it away.
    #[schema(min_length = 1, max_length = 128, example = "Greenhouse, left")]
    name: Option<String>,
    /// An object of the owner's own, which takes the place of the one before: at most 8,192 bytes and
    /// nested at most 8 deep.
    metadata: Option<Map<String, Value>>,
}

/// Names and describes a device.
#[utoipa::path(
    patch, path = "/api/v1/devices/{id}", operation_id = "describeDevice",
    tag = "devices", security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "The device's id"),
        ("If-Match" = Option<String>, Header,
            description = "The `ETag` of the device as you know it: refused if it changed since"),
    ),
    request_body = Wire,
    responses(
        (status = 200, body = DeviceView, description = "As it is now, with its new `ETag`"),
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 412, body = ProblemView, content_type = "application/problem+json",
            description = "It changed since"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    DevicePath(id): DevicePath,
    if_match: IfMatch,
    Body(fields): Body,
) -> Result<Response, Problem> {
    let notes = Notes::read(fields)?;
    let describe = Describe {
        id: &id,
        asker: account.asker(),
        if_match,
        notes,
    };
    let row = to_its_end(&api, &describe).await?;
    let tag = etag(row.version);
    Ok(([tag], Json(DeviceView::from(row))).into_response())
}

struct Notes {
    /// `Some(None)` takes it away.
    name: Option<Option<DeviceName>>,
    metadata: Option<Metadata>,
}

impl Notes {
    fn read(mut fields: Fields) -> Result<Self, Problem> {
        let name = fields.nullable("name", DeviceName::parse);
        let metadata = fields.object("metadata", Metadata::new);
        fields.finish()?;
        Ok(Self { name, metadata })
    }
}

struct Describe<'a> {
    id: &'a DeviceId,
    asker: Asker,
    if_match: IfMatch,
    notes: Notes,
}

impl Command for Describe<'_> {
    type Done = DeviceRow;

    async fn once(&self, api: &Api) -> Result<DeviceRow, Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("describe_device").await?;
        let device = tx.lock_device(self.id).await?;
        let device = device.ok_or_else(Problem::unknown_device)?;
        require_device(&tx, self.asker, self.id, Level::Control).await?;
        self.if_match.check(device.version)?;
        let name = self.notes.name.as_ref();
        let name = name.map(|name| name.as_ref().map(DeviceName::as_str));
        let metadata = self.notes.metadata.as_ref().map(Metadata::value);
        let row = tx.describe_device(self.id, name, metadata).await?;
        let row = row.ok_or_else(Problem::unknown_device)?;
        // What people write may name somebody, so the audit has only that it changed.
        let changed = json!({"name": name.is_some(), "metadata": metadata.is_some()});
        let actor = Actor::Account(self.asker.account.uuid());
        let entry = Entry::done(actor, "device.describe", DEVICE, self.id.as_str());
        tx.audit(entry.changed(None, json!({"changed": changed, "version": row.version})))
            .await?;
        tx.commit().await?;
        Ok(row)
    }
}
