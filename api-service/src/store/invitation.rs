//! Invitations: open until somebody accepts one, it is revoked, or its time is over.
//!
//! Of the token only the SHA-256 is here.

use schema::OrganizationRole;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::reader::Reader;
use super::row::get;
use super::{StoreError, Tx};
use crate::domain::account_id::AccountId;
use crate::domain::group_id::GroupId;
use crate::domain::organization_id::OrganizationId;

const INSERT: &str = "
-- store::invitation::insert
INSERT INTO invitation (organization_id, group_id, role, email, token_hash, invited_by, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(hours => $7))
RETURNING invitation_id, organization_id, group_id, role, email, invited_by, created_at, expires_at";

const OPEN: &str = "
-- store::invitation::open
SELECT invitation_id, organization_id, group_id, role, email, invited_by, created_at, expires_at
  FROM invitation
 WHERE organization_id = $1
   AND ended_at IS NULL
   AND expires_at > now()
   AND ($2::uuid IS NULL OR group_id = $2)
   AND invitation_id > $3
 ORDER BY invitation_id
 LIMIT $4";

const COUNT_OPEN: &str = "
-- store::invitation::count_open
SELECT count(*) AS invitations
  FROM invitation
 WHERE organization_id = $1
   AND ended_at IS NULL
   AND expires_at > now()";

const GET_OPEN: &str = "
-- store::invitation::get_open
SELECT invitation_id, organization_id, group_id, role, email, invited_by, created_at, expires_at
  FROM invitation
 WHERE invitation_id = $1
   AND organization_id = $2
   AND ended_at IS NULL
   AND expires_at > now()";

const BY_TOKEN: &str = "
-- store::invitation::by_token
SELECT invitation_id, organization_id, group_id, role, email, invited_by, created_at, expires_at
  FROM invitation
 WHERE token_hash = $1
   AND ended_at IS NULL
   AND expires_at > now()";

const END: &str = "
-- store::invitation::end
UPDATE invitation
   SET ended_at = now(), accepted_by = $2, email = NULL
 WHERE invitation_id = $1
   AND ended_at IS NULL
   AND expires_at > now()";

/// Who lost a right must not come back by an invitation of their own.
const END_OF_INVITER: &str = "
-- store::invitation::end_of_inviter
UPDATE invitation
   SET ended_at = now(), email = NULL
 WHERE organization_id = $1
   AND invited_by = $2
   AND ended_at IS NULL";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[
    INSERT,
    OPEN,
    COUNT_OPEN,
    GET_OPEN,
    BY_TOKEN,
    END,
    END_OF_INVITER,
];

/// An invitation as stored.
#[derive(Debug, Clone)]
pub(crate) struct InvitationRow {
    pub(crate) invitation_id: Uuid,
    pub(crate) organization_id: OrganizationId,
    pub(crate) group_id: Option<GroupId>,
    pub(crate) role: OrganizationRole,
    pub(crate) email: Option<String>,
    pub(crate) invited_by: AccountId,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
}

/// An invitation about to be stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewInvitation<'a> {
    pub(crate) organization: OrganizationId,
    pub(crate) group: Option<GroupId>,
    pub(crate) role: OrganizationRole,
    pub(crate) email: Option<&'a str>,
    pub(crate) token_hash: &'a [u8; 32],
    pub(crate) invited_by: AccountId,
    pub(crate) hours: u32,
}

impl TryFrom<&Row> for InvitationRow {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            invitation_id: get(row, "invitation_id")?,
            organization_id: OrganizationId::from(get::<Uuid>(row, "organization_id")?),
            group_id: get::<Option<Uuid>>(row, "group_id")?.map(GroupId::from),
            role: get(row, "role")?,
            email: get(row, "email")?,
            invited_by: AccountId::from(get::<Uuid>(row, "invited_by")?),
            created_at: get(row, "created_at")?,
            expires_at: get(row, "expires_at")?,
        })
    }
}

impl Reader<'_> {
    /// A page of an organization's open invitations, or of one group's.
    pub(crate) async fn open_invitations(
        self,
        of: OrganizationId,
        group: Option<GroupId>,
        after: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<InvitationRow>, StoreError> {
        let group = group.map(GroupId::uuid);
        let after = after.unwrap_or_default();
        let rows = self
            .rows(OPEN, &[&of.uuid(), &group, &after, &limit])
            .await?;
        rows.iter().map(InvitationRow::try_from).collect()
    }

    /// An open invitation of an organization.
    pub(crate) async fn open_invitation(
        self,
        of: OrganizationId,
        id: Uuid,
    ) -> Result<Option<InvitationRow>, StoreError> {
        let row = self.row(GET_OPEN, &[&id, &of.uuid()]).await?;
        row.as_ref().map(InvitationRow::try_from).transpose()
    }

    /// The open invitation of a token.
    pub(crate) async fn invitation_of_token(
        self,
        token_hash: &[u8; 32],
    ) -> Result<Option<InvitationRow>, StoreError> {
        let row = self.row(BY_TOKEN, &[&token_hash.as_slice()]).await?;
        row.as_ref().map(InvitationRow::try_from).transpose()
    }
}

impl Tx<'_> {
    /// How many invitations of an organization are open.
    pub(crate) async fn count_open_invitations(
        &self,
        of: OrganizationId,
    ) -> Result<i64, StoreError> {
        let column = "invitations";
        let row = self.row(COUNT_OPEN, &[&of.uuid()]).await?;
        get(&row.ok_or(StoreError::Row { column })?, column)
    }

    /// Stores an invitation.
    pub(crate) async fn insert_invitation(
        &self,
        new: NewInvitation<'_>,
    ) -> Result<InvitationRow, StoreError> {
        let group = new.group.map(GroupId::uuid);
        let hours = i32::try_from(new.hours).unwrap_or(i32::MAX);
        let row = self
            .row(
                INSERT,
                &[
                    &new.organization.uuid(),
                    &group,
                    &new.role,
                    &new.email,
                    &new.token_hash.as_slice(),
                    &new.invited_by.uuid(),
                    &hours,
                ],
            )
            .await?;
        let column = "invitation_id";
        InvitationRow::try_from(&row.ok_or(StoreError::Row { column })?)
    }

    /// Ends an open invitation, accepted or revoked. `false`: somebody else ended it before.
    pub(crate) async fn end_invitation(
        &self,
        id: Uuid,
        accepted_by: Option<AccountId>,
    ) -> Result<bool, StoreError> {
        let accepted_by = accepted_by.map(AccountId::uuid);
        Ok(self.change(END, &[&id, &accepted_by]).await? == 1)
    }

    /// Ends every open invitation into an organization that an account made.
    pub(crate) async fn end_invitations_by(
        &self,
        inviter: AccountId,
        of: OrganizationId,
    ) -> Result<u64, StoreError> {
        let (of, inviter) = (of.uuid(), inviter.uuid());
        self.change(END_OF_INVITER, &[&of, &inviter]).await
    }
}
