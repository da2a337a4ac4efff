//! One list, from its row's lock to its commit.

use std::collections::HashSet;

use certs::{CrlUrl, RevocationList, RevokedEntry, Serial};
use time::OffsetDateTime;

use crate::api::Api;
use crate::signing::{ListSpec, SigningError};
use crate::store::StoreError;
use crate::store::crl_list::ListId;

/// Why a list was not made.
#[derive(Debug, thiserror::Error)]
pub(super) enum MakeError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The signature, or a list over a limit.
    #[error(transparent)]
    Signing(#[from] SigningError),
}

/// Makes a list anew if it is old or lacks something. Says whether a list was signed.
///
/// The row's lock keeps other replicas away. What says that something is missing is taken before what
/// is revoked is read, and both count together or not at all: nothing that is revoked in between can be
/// forgotten.
pub(super) async fn make(api: &Api, id: &ListId, now: OffsetDateTime) -> Result<bool, MakeError> {
    let valid = api.lists.valid;
    let mut connection = api.store.connect().await?;
    let tx = connection.begin("make_crl").await?;
    let Some(locked) = tx.lock_list(id).await? else {
        return Ok(false);
    };
    let old = locked.before.is_old(now, valid);
    let lacks = tx.take_due(id).await?;
    if !old && !lacks {
        return Ok(false);
    }
    let since = locked.before.entries_end(now, valid);
    let entries = tx.revoked(&id.issuer, id.shard, since).await?;
    if !old && names_all(locked.der.as_deref(), &entries) {
        tx.commit().await?;
        return Ok(false);
    }
    let shard = match &locked.url {
        Some(url) => {
            let url = url.parse::<CrlUrl>();
            Some(url.map_err(|_| StoreError::Row { column: "url" })?)
        }
        None => None,
    };
    let next = locked.before.next(now, valid);
    let count = i32::try_from(entries.len()).unwrap_or(i32::MAX);
    let number = u64::try_from(next.number).map_err(|_| StoreError::Row { column: "number" })?;
    let spec = ListSpec {
        issuer: id.issuer,
        number,
        this_update: next.this_update,
        next_update: next.next_update,
        shard,
    };
    let list = api.signer.sign_list(spec, entries).await?;
    tx.keep_list(id, now, next, count, list.der()).await?;
    tx.commit().await?;
    api.metrics
        .signatures
        .with_label_values(&["revocation_list"])
        .inc();
    tracing::info!(
        issuer = %id.issuer,
        shard = id.shard,
        number,
        entries = count,
        "a revocation list was signed"
    );
    Ok(true)
}

/// Whether the list before names all of these already. What has left needs no hurry.
fn names_all(before: Option<&[u8]>, entries: &[RevokedEntry]) -> bool {
    let Some(Ok(list)) = before.map(RevocationList::parse) else {
        return false;
    };
    let named: HashSet<Serial> = list.entries().map(|entry| entry.serial).collect();
    entries.iter().all(|entry| named.contains(&entry.serial))
}
