//! Ids of organizations, groups, members and invitations in a path.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use uuid::Uuid;

use crate::domain::account_id::AccountId;
use crate::domain::group_id::GroupId;
use crate::domain::organization_id::OrganizationId;
use crate::domain::uuid_id;
use crate::problem::{Code, FieldError, Problem};

/// `{id}` of an organization's path.
pub(crate) struct OrganizationPath(pub(crate) OrganizationId);

/// `{id}` of a group's path.
pub(crate) struct GroupPath(pub(crate) GroupId);

/// `{id}` and `{accountId}` of the path of an organization's member.
pub(crate) struct OrganizationMemberPath(pub(crate) OrganizationId, pub(crate) AccountId);

/// `{id}` and `{accountId}` of the path of a group's member.
pub(crate) struct GroupMemberPath(pub(crate) GroupId, pub(crate) AccountId);

/// `{id}` and `{invitationId}` of an invitation's path.
pub(crate) struct InvitationPath(pub(crate) OrganizationId, pub(crate) Uuid);

/// The segments of a path that are ids; every wrong one is told.
struct Segments {
    params: RawPathParams,
    errors: Vec<FieldError>,
}

impl Segments {
    async fn of<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match RawPathParams::from_request_parts(parts, state).await {
            Ok(params) => Ok(Self {
                params,
                errors: Vec::new(),
            }),
            Err(rejection) => {
                let detail = "the path is not percent-encoded UTF-8";
                Err(Problem::new(Code::RouteNotFound, detail).because(rejection))
            }
        }
    }

    fn read<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let mut params = self.params.iter();
        let value = params.find(|(each, _)| *each == name);
        match parse(value.map_or("", |(_, value)| value)) {
            Ok(id) => Some(id),
            Err(error) => {
                self.errors.push(FieldError {
                    field: name.to_owned(),
                    detail: error.to_string(),
                });
                None
            }
        }
    }

    fn wrong(self) -> Problem {
        Problem::invalid(self.errors)
    }
}

/// An extractor of one id.
macro_rules! one_id {
    ($path:ident, $id:ty) => {
        impl<S: Send + Sync> FromRequestParts<S> for $path {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
                let mut segments = Segments::of(parts, state).await?;
                let id = segments.read("id", <$id>::from_str);
                id.map(Self).ok_or_else(|| segments.wrong())
            }
        }
    };
}

/// An extractor of two ids.
macro_rules! two_ids {
    ($path:ident, $id:ty, $name:literal, $parse:expr) => {
        impl<S: Send + Sync> FromRequestParts<S> for $path {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
                let mut segments = Segments::of(parts, state).await?;
                let id = segments.read("id", <$id>::from_str);
                let second = segments.read($name, $parse);
                let both = id.zip(second);
                both.map(|(id, second)| Self(id, second))
                    .ok_or_else(|| segments.wrong())
            }
        }
    };
}

one_id!(OrganizationPath, OrganizationId);
one_id!(GroupPath, GroupId);
two_ids!(
    OrganizationMemberPath,
    OrganizationId,
    "accountId",
    AccountId::from_str
);
two_ids!(GroupMemberPath, GroupId, "accountId", AccountId::from_str);
two_ids!(
    InvitationPath,
    OrganizationId,
    "invitationId",
    uuid_id::parse
);
