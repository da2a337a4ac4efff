//! The paths of what people have: plans, balances, and what is held on them.

use utoipa::OpenApi;

use crate::commands::plans::{change_plan, create_plan, delete_plan, give_plan};
use crate::commands::{enter_balance, erase_account};
use crate::queries::{balance, personal_export, plan_use, plans};

#[derive(OpenApi)]
#[openapi(paths(
    plans::list,
    create_plan::handler,
    plans::one,
    change_plan::handler,
    delete_plan::handler,
    plan_use::own,
    plan_use::of_user,
    give_plan::to_user,
    plan_use::of_organization,
    give_plan::to_organization,
    balance::one,
    balance::entries,
    enter_balance::handler,
    erase_account::own,
    erase_account::by_admin,
    personal_export::own,
    personal_export::of_user
))]
pub(super) struct People;
