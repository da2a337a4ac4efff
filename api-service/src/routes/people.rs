//! What people have, plans and balances, and what is held on them.

use axum::Router;
use axum::routing::{delete, get, post, put};

use crate::api::Api;
use crate::commands::plans::{change_plan, create_plan, delete_plan, give_plan};
use crate::commands::{enter_balance, erase_account};
use crate::queries::{balance, personal_export, plan_use, plans};

/// The routes of this part.
pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/v1/plans", get(plans::list).post(create_plan::handler))
        .route(
            "/api/v1/plans/{plan}",
            get(plans::one)
                .patch(change_plan::handler)
                .delete(delete_plan::handler),
        )
        .route("/api/v1/auth/plan", get(plan_use::own))
        .route(
            "/api/v1/users/{id}/plan",
            get(plan_use::of_user).put(give_plan::to_user),
        )
        .route(
            "/api/v1/organizations/{id}/plan",
            get(plan_use::of_organization),
        )
        .route(
            "/api/v1/organizations/{id}/plan",
            put(give_plan::to_organization),
        )
        .route("/api/v1/auth/me", delete(erase_account::own))
        .route("/api/v1/auth/export", get(personal_export::own))
        .route("/api/v1/users/{id}/erase", post(erase_account::by_admin))
        .route("/api/v1/users/{id}/export", get(personal_export::of_user))
        .route("/api/v1/users/{id}/balance", get(balance::one))
        .route(
            "/api/v1/users/{id}/balance/entries",
            get(balance::entries).post(enter_balance::handler),
        )
}
