//! What new certificates name: one of a number of shards of the authority that signs them.
//!
//! Shards are rows that stay. Another number of shards or another address makes new ones for new
//! certificates; those that are out keep the URL they have, and its list goes on being made.

use std::sync::Arc;

use certs::CrlUrl;
use tokio::sync::OnceCell;

use crate::config::CrlBase;
use crate::domain::key_id::KeyId;
use crate::store::crl_list::ShardRow;
use crate::store::{Store, StoreError};

/// Where a certificate's revocation will be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Point {
    /// The shard's number.
    pub(crate) shard: i32,
    /// Its URL.
    pub(crate) url: CrlUrl,
}

/// The shards that new certificates are spread over.
pub(crate) struct Points {
    issuer: KeyId,
    base: Option<CrlBase>,
    count: u16,
    known: OnceCell<Arc<[Point]>>,
}

impl Points {
    /// `count` shards of an authority under an address; without one, certificates name no list.
    pub(crate) fn new(issuer: KeyId, base: Option<CrlBase>, count: u16) -> Self {
        Self {
            issuer,
            base,
            count,
            known: OnceCell::new(),
        }
    }

    /// The shard for a new certificate. `roll` is any number; equal chances for all of them.
    pub(crate) async fn draw(&self, store: &Store, roll: u64) -> Result<Option<Point>, StoreError> {
        let points = self.all(store).await?;
        let count = u64::try_from(points.len()).unwrap_or(u64::MAX).max(1);
        let slot = usize::try_from(roll % count).unwrap_or(0);
        Ok(points.get(slot).cloned())
    }

    /// All of them, made if they are missing; none without an address. Asks the database once.
    pub(crate) async fn all(&self, store: &Store) -> Result<Arc<[Point]>, StoreError> {
        let Some(base) = &self.base else {
            return Ok(Arc::default());
        };
        let read = async {
            let rows = store
                .connect()
                .await?
                .shards(&self.issuer, base.as_str(), i32::from(self.count))
                .await?;
            let point = |row: ShardRow| -> Result<Point, StoreError> {
                let url = row.url.parse();
                let url = url.map_err(|_| StoreError::Row { column: "url" })?;
                Ok(Point {
                    shard: row.shard,
                    url,
                })
            };
            rows.into_iter()
                .map(point)
                .collect::<Result<Arc<[Point]>, StoreError>>()
        };
        self.known.get_or_try_init(|| read).await.cloned()
    }
}
