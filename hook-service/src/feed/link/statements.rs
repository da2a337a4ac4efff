//! What is asked many times a second, prepared once a link: a statement that is sent as text costs a
//! round trip of its own each time, and on a busy machine each of them can wait for a processor twice.

use tokio_postgres::Statement;

use super::super::{FeedError, head, lease, log, rows, within};
use super::{Link, STATEMENT_TIME_MAX};

/// The prepared statements of a link.
#[derive(Debug)]
pub(in crate::feed) struct Statements {
    pub(in crate::feed) head: Statement,
    pub(in crate::feed) headers: Statement,
    pub(in crate::feed) items: Statement,
    pub(in crate::feed) devices: Statement,
    pub(in crate::feed) tell: Statement,
    /// For the connection of renewals.
    pub(in crate::feed) renew: Statement,
}

impl Statements {
    /// Prepares them, each on its connection.
    pub(in crate::feed) async fn prepare(link: &Link) -> Result<Self, FeedError> {
        let (client, renewals) = (link.client(), &link.renewals().client);
        let prepared = async {
            futures::try_join!(
                client.prepare(head::HEAD),
                client.prepare(log::HEADERS),
                client.prepare(log::ITEMS),
                client.prepare(rows::DEVICES),
                client.prepare(lease::TELL),
                renewals.prepare(lease::RENEW),
            )
        };
        let (head, headers, items, devices, tell, renew) =
            within(STATEMENT_TIME_MAX, prepared).await?;
        Ok(Self {
            head,
            headers,
            items,
            devices,
            tell,
            renew,
        })
    }
}
