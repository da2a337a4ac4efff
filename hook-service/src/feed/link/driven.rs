//! One driven connection.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Connection};
use tokio_util::sync::CancellationToken;

/// A driven connection.
#[derive(Debug)]
pub(in crate::feed) struct Driven {
    pub(in crate::feed) client: Client,
    /// Set by every notification; several between two looks are one.
    hint: Arc<Notify>,
    broken: CancellationToken,
    driver: JoinHandle<()>,
}

impl Driven {
    /// The connection must be driven before anything is awaited on its client.
    pub(super) fn new<S, T>(client: Client, mut connection: Connection<S, T>) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let hint = Arc::new(Notify::new());
        let broken = CancellationToken::new();
        let (hinted, ended) = (Arc::clone(&hint), broken.clone());
        let driver = tokio::spawn(async move {
            loop {
                match std::future::poll_fn(|cx| connection.poll_message(cx)).await {
                    // What it says is not read: a hint is never data.
                    Some(Ok(AsyncMessage::Notification(_))) => hinted.notify_one(),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => {
                        tracing::debug!(%error, "the connection to the database ended");
                        break;
                    }
                    None => break,
                }
            }
            ended.cancel();
        });
        Self {
            client,
            hint,
            broken,
            driver,
        }
    }

    /// Waits for a hint.
    pub(super) async fn hinted(&self) {
        self.hint.notified().await;
    }

    /// Waits for the connection's end.
    pub(super) async fn broken(&self) {
        self.broken.cancelled().await;
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
