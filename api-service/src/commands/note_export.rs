//! Somebody's data are about to be told to them or to an admin: that is entered into the audit first.

use super::run::{Command, Failure, to_its_end};
use crate::api::Api;
use crate::domain::account_id::AccountId;
use crate::domain::audit::{Actor, Entry};
use crate::problem::Problem;

/// Enters that what is held on an account is read. Refuses if there is no such account.
pub(crate) async fn note_export(
    api: &Api,
    actor: AccountId,
    account: AccountId,
) -> Result<(), Problem> {
    to_its_end(api, &Note { actor, account }).await
}

struct Note {
    actor: AccountId,
    account: AccountId,
}

impl Command for Note {
    type Done = ();

    async fn once(&self, api: &Api) -> Result<(), Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("note_export").await?;
        let row = tx.lock_user(self.account).await?;
        row.ok_or_else(Problem::unknown_account)?;
        let id = self.account.to_string();
        let actor = Actor::Account(self.actor.uuid());
        tx.audit(Entry::done(actor, "account.export", "account", &id))
            .await?;
        Ok(tx.commit().await?)
    }
}
