//! `POST /api/v1/organizations`: an organization is founded, and its founder owns it.

use axum::extract::State;
use axum::http::{StatusCode, header};
use schema::OrganizationRole;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ORGANIZATION, entry, unnoted};
use crate::api::Api;
use crate::commands::keyed::{Answer, Given, Keyed, once_by_key};
use crate::commands::run::Failure;
use crate::domain::access::Level;
use crate::domain::idempotency::request_hash;
use crate::domain::name::{Description, Name};
use crate::domain::organization_id::OrganizationId;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::key::{KeyHeader, MaybeKey};
use crate::edge::version::etag;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::store::Tx;
use crate::store::access::Asker;
use crate::views::organization::OrganizationView;

/// Most organizations that one account owns.
const OWNED_MAX: i64 = 100;

/// What the caller sends.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = CreateOrganization,
    example = json!({"name": "Acme Greenhouses", "description": "Tomatoes"})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct Wire {
    /// Its name; another may have the same.
    #[schema(min_length = 1, max_length = 128, example = "Acme Greenhouses")]
    name: String,
    /// What it is.
    #[schema(min_length = 1, max_length = 1024)]
    description: Option<String>,
}

/// Founds an organization. The caller becomes its owner.
#[utoipa::path(
    post, path = "/api/v1/organizations", operation_id = "createOrganization",
    tag = "organizations", security(("bearer" = [])),
    params(KeyHeader),
    request_body = Wire,
    responses(
        (status = 201, body = OrganizationView, description = "Founded; `ETag` is its version"),
        Refusals,
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "The caller owns 100 organizations"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    key: MaybeKey,
    Body(mut fields): Body,
) -> Result<Given, Problem> {
    let hash = request_hash(&[b"create_organization", &fields.hash()]);
    let name = fields.required("name", Name::parse);
    let description = fields.optional("description", Description::parse);
    fields.finish()?;
    let create = Create {
        id: OrganizationId::from(Uuid::now_v7()),
        asker: account.asker(),
        name: name.ok_or_else(unnoted)?,
        description,
    };
    once_by_key(&api, key.claim(&account, hash), &create).await
}

struct Create {
    id: OrganizationId,
    asker: Asker,
    name: Name,
    description: Option<Description>,
}

impl Keyed for Create {
    const NAME: &'static str = "create_organization";

    async fn work(&self, _: &Api, tx: &Tx<'_>) -> Result<Answer, Failure> {
        let founder = self.asker.account;
        if tx.owned_organizations(founder).await? >= OWNED_MAX {
            let detail = format!("one account owns at most {OWNED_MAX} organizations");
            return Err(Problem::new(Code::TooManyOrganizations, detail).into());
        }
        // Erased since the token was looked at: nothing is founded by them.
        if !tx.has_account(founder).await? {
            return Err(Problem::account_erased().into());
        }
        let description = self.description.as_ref().map(Description::as_str);
        tx.insert_organization(self.id, self.name.as_str(), description)
            .await?;
        tx.put_in_organization(self.id, founder, OrganizationRole::Owner)
            .await?;
        let row = tx.reader().organization(self.id).await?;
        let row = row.ok_or_else(Problem::unknown_organization)?;
        let id = self.id.to_string();
        tx.audit(entry(self.asker, "organization.create", ORGANIZATION, &id))
            .await?;
        let version = etag(row.version);
        let view = OrganizationView::new(row, Level::Own);
        let answer = Answer::new(StatusCode::CREATED, &view)?.header(version);
        let location = format!("/api/v1/organizations/{id}");
        Ok(answer.header((header::LOCATION, location)))
    }
}
