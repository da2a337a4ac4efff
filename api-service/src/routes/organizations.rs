//! Organizations, groups, members, invitations, and the explanation of rights.

use axum::Router;
use axum::routing::{delete, get, post, put};

use crate::api::Api;
use crate::commands::organizations as commands;
use crate::queries::organizations as queries;

/// The routes of this part.
pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route(
            "/api/v1/organizations",
            get(queries::list::handler).post(commands::create_organization::handler),
        )
        .route(
            "/api/v1/organizations/{id}",
            get(queries::organization::handler)
                .patch(commands::change_organization::handler)
                .delete(commands::delete_organization::handler),
        )
        .route(
            "/api/v1/organizations/{id}/deletion",
            get(queries::organization_deletion::handler),
        )
        .route(
            "/api/v1/organizations/{id}/members",
            get(queries::organization_members::handler),
        )
        .route(
            "/api/v1/organizations/{id}/members/{accountId}",
            put(commands::put_organization_member::handler)
                .delete(commands::remove_organization_member::handler),
        )
        .route(
            "/api/v1/organizations/{id}/groups",
            get(queries::organization_groups::handler).post(commands::create_group::handler),
        )
        .route(
            "/api/v1/organizations/{id}/invitations",
            get(queries::invitations::handler).post(commands::invite::handler),
        )
        .route(
            "/api/v1/organizations/{id}/invitations/{invitationId}",
            delete(commands::revoke_invitation::handler),
        )
        .route("/api/v1/groups", get(queries::groups::handler))
        .route(
            "/api/v1/groups/{id}",
            get(queries::group::handler)
                .patch(commands::change_group::handler)
                .delete(commands::delete_group::handler),
        )
        .route(
            "/api/v1/groups/{id}/deletion",
            get(queries::group_deletion::handler),
        )
        .route(
            "/api/v1/groups/{id}/move",
            post(commands::move_group::handler),
        )
        .route(
            "/api/v1/groups/{id}/members",
            get(queries::group_members::handler),
        )
        .route(
            "/api/v1/groups/{id}/members/{accountId}",
            put(commands::put_group_member::handler).delete(commands::remove_group_member::handler),
        )
        .route(
            "/api/v1/invitations/accept",
            post(commands::accept_invitation::handler),
        )
        .route("/api/v1/access/explain", post(queries::explain::handler))
}
