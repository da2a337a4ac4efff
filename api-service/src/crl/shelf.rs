//! The lists as they are served: in memory, in both forms, as the database has them.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, PoisonError, RwLock};

use axum::body::Bytes;
use certs::RevocationList;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::domain::key_id::KeyId;
use crate::store::crl_list::{ListId, NumberRow};
use crate::store::{Store, StoreError};

/// All lists that can be served; `None` until they were read for the first time.
#[derive(Default)]
pub(crate) struct Shelf(RwLock<Option<HashMap<ListId, Shelved>>>);

/// A list on the shelf.
#[derive(Clone)]
struct Shelved {
    /// Whether its authority has a certificate that has not ended: else the list may grow old.
    living: bool,
    list: Arc<ServedList>,
}

/// A list in both forms.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServedList {
    /// Its number.
    pub(crate) number: i64,
    /// `thisUpdate`.
    pub(crate) this_update: OffsetDateTime,
    /// `nextUpdate`.
    pub(crate) next_update: OffsetDateTime,
    /// The beginning of the SHA-256 of its DER: names this list among all.
    pub(crate) tag: String,
    /// What EMQX reads.
    pub(crate) pem: Bytes,
    /// What RFC 5280 section 4.2.1.13 speaks of.
    pub(crate) der: Bytes,
}

/// What the shelf has of a list.
#[derive(Debug)]
pub(crate) enum Found {
    /// The lists were not read yet.
    NotYet,
    /// There is no such list, or it was never signed.
    Unknown,
    /// The newest.
    List(Arc<ServedList>),
}

impl Shelf {
    /// A list.
    pub(crate) fn get(&self, id: &ListId) -> Found {
        let lists = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match &*lists {
            None => Found::NotYet,
            Some(lists) => match lists.get(id) {
                Some(shelved) => Found::List(Arc::clone(&shelved.list)),
                None => Found::Unknown,
            },
        }
    }

    /// The earliest `nextUpdate` of the lists that somebody may need: those of the authority that
    /// signs, and those of others with certificates that have not ended.
    pub(crate) fn first_next_update(&self, signing: &KeyId) -> Option<OffsetDateTime> {
        let lists = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let needed = lists
            .iter()
            .flatten()
            .filter(|(id, shelved)| shelved.living || id.issuer == *signing);
        needed.map(|(_, shelved)| shelved.list.next_update).min()
    }

    /// Takes from the database what is newer there. A list is never followed by one of a lower
    /// number: a database that was put back makes its next list with a higher one.
    pub(crate) async fn refresh(
        &self,
        store: &Store,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let connection = store.connect().await?;
        let mut lists = HashMap::new();
        for NumberRow { id, number, living } in connection.list_numbers(now).await? {
            let list = match self.get(&id) {
                Found::List(list) if list.number >= number => list,
                _ => match connection.list(&id).await? {
                    Some(der) => Arc::new(ServedList::read(&der)?),
                    None => continue,
                },
            };
            lists.insert(id, Shelved { living, list });
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(lists);
        Ok(())
    }
}

impl ServedList {
    fn read(der: &[u8]) -> Result<Self, StoreError> {
        let damaged = || StoreError::Row { column: "der" };
        let list = RevocationList::parse(der).map_err(|_| damaged())?;
        let number = list.number().and_then(|number| i64::try_from(number).ok());
        let tag = Sha256::digest(der)[..16]
            .iter()
            .fold(String::new(), |mut tag, byte| {
                write!(tag, "{byte:02x}").expect("a String takes everything");
                tag
            });
        Ok(Self {
            number: number.ok_or_else(damaged)?,
            this_update: list.this_update(),
            next_update: list.next_update().ok_or_else(damaged)?,
            tag,
            pem: list.pem().into(),
            der: Bytes::copy_from_slice(der),
        })
    }
}
