//! `DELETE /api/v1/groups/{id}?confirm=..`: a group is deleted with all groups below it. Their devices
//! go up, to what the group was below.

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;

use super::losing::{end_sessions, persons};
use super::shape::{lock_group, parent_path};
use super::{GROUP, entry};
use crate::api::Api;
use crate::commands::run::{Command, Failure, to_its_end};
use crate::domain::access::{Because, Level, Place, access};
use crate::domain::group_id::GroupId;
use crate::edge::account::Account;
use crate::edge::confirm::Confirm;
use crate::edge::organization_path::GroupPath;
use crate::outbox::worker;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::store::access::Asker;

/// Most devices that one deletion moves up.
const DEVICES_MAX: i64 = 10_000;

/// Deletes a group and all below it. Needs the right `manage` on what it is below, and the `confirm`
/// of `GET .../deletion`.
#[utoipa::path(
    delete, path = "/api/v1/groups/{id}", operation_id = "deleteGroup",
    tag = "groups", security(("bearer" = [])),
    params(
        ("id" = String, Path, format = "uuid", description = "The group's id"),
        ("confirm" = Option<String>, Query, max_length = 128,
            description = "`confirm` of the preview, which tells what goes along"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "What goes along was not confirmed, devices are being bound into it, or it has more than 10,000"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    GroupPath(id): GroupPath,
    confirm: Confirm,
) -> Result<StatusCode, Problem> {
    let asker = account.asker();
    to_its_end(&api, &Delete { id, asker, confirm }).await?;
    worker::wake(&api.outbox_wake);
    Ok(StatusCode::NO_CONTENT)
}

struct Delete {
    id: GroupId,
    asker: Asker,
    confirm: Confirm,
}

impl Command for Delete {
    type Done = ();

    async fn once(&self, api: &Api) -> Result<(), Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("delete_group").await?;
        let (organization, place) = lock_group(&tx, self.asker, self.id, Level::See).await?;
        let above = place.path[1..].to_vec();
        let parent = above.first().copied();
        parent_path(&tx, self.asker, organization, parent).await?;
        let along = tx.reader().along_with_group(self.id).await?;
        if along.bindings > 0 {
            let detail = "devices are being bound into it; cancel that or wait for its end";
            return Err(Problem::new(Code::BindingUnderWay, detail).into());
        }
        if along.devices > DEVICES_MAX {
            let detail = format!("it has more than {DEVICES_MAX} devices; move some before");
            return Err(Problem::new(Code::TooManyDevices, detail).into());
        }
        self.confirm.check(&along)?;
        let touched = [along.groups.clone(), above.clone()].concat();
        let memberships = tx.reader().memberships_in(&touched).await?;
        let after = Place {
            owner: None,
            organization: Some(organization),
            path: above,
        };
        let persons = persons(&memberships, organization);
        let lost = persons.iter().filter(|person| {
            let left = access(person, &after).map(|access| access.level);
            let mut gone = person.groups.iter();
            gone.any(|&(id, role)| {
                along.groups.contains(&id) && Some(Because::Group(id, role).level()) > left
            })
        });
        let lost: Vec<_> = lost.map(|person| person.account).collect();
        tx.delete_groups(&along.groups, parent).await?;
        end_sessions(&tx, lost).await?;
        let id = self.id.to_string();
        let went = json!({"groups": along.groups.len(), "devices": along.devices,
            "members": along.members});
        let entry = entry(self.asker, "group.delete", GROUP, &id);
        tx.audit(entry.changed(went, json!({}))).await?;
        Ok(tx.commit().await?)
    }
}
