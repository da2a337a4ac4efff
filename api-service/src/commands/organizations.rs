//! Commands over organizations, their groups, members and invitations.
//!
//! Each holds the organization's row while it looks and acts, asks for the caller's right under that
//! lock, and ends in the same transaction the sessions of those who lost something.

pub(crate) mod accept_invitation;
pub(crate) mod change_group;
pub(crate) mod change_organization;
pub(crate) mod create_group;
pub(crate) mod create_organization;
pub(crate) mod delete_group;
pub(crate) mod delete_organization;
pub(crate) mod invite;
pub(crate) mod move_group;
pub(crate) mod put_group_member;
pub(crate) mod put_organization_member;
pub(crate) mod remove_group_member;
pub(crate) mod remove_organization_member;
pub(crate) mod revoke_invitation;

mod losing;
mod shape;

use crate::domain::audit::{Actor, Entry};
use crate::problem::{Code, Problem};
use crate::store::access::Asker;

/// What an audit entry is about.
const ORGANIZATION: &str = "organization";
const GROUP: &str = "group";

/// An entry of what a caller did.
fn entry<'a>(asker: Asker, action: &'static str, kind: &'static str, id: &'a str) -> Entry<'a> {
    Entry::done(Actor::Account(asker.account.uuid()), action, kind, id)
}

/// A parsed body field that `finish` found missing never gets here.
fn unnoted() -> Problem {
    Problem::internal("a missing field was not noted")
}

/// Nobody may be left who decides about an organization.
fn last_owner() -> Problem {
    let detail = "the organization's last owner stays; make somebody else an owner first";
    Problem::new(Code::LastOwner, detail)
}

fn unknown_member() -> Problem {
    Problem::new(
        Code::MemberNotFound,
        "no such account is a member; people are invited",
    )
}
