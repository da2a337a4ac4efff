//! Organizations, groups, members, invitations and rights, as people meet them.

mod deleting;
mod explaining;
mod groups;
mod invitations;
mod members;
mod moving;
mod people;
mod strangers;
