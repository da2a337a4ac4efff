//! One direction of one connection: read, hold as long as the faults say, write.
//!
//! The queue between reading and writing is bounded; when it is full the sender feels it through TCP.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use crate::faults::{Direction, Faults};
use crate::random::Random;
use crate::totals::add;

/// Bytes of one piece.
const PIECE_BYTES_MAX: usize = 16 * 1024;
/// Pieces on their way in one direction of one connection: 1 MiB at most.
const PIECES_MAX: usize = 64;

/// Which direction of [`Faults`] counts here.
pub(crate) type Way = fn(&Faults) -> Direction;

struct Piece {
    due: Instant,
    bytes: Bytes,
}

/// Forwards until the sender has ended its side, and ends the other side then.
pub(crate) async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    way: Way,
    mut faults: watch::Receiver<Faults>,
    mut random: Random,
    counter: &AtomicU64,
) -> std::io::Result<()> {
    let (queue, mut pieces) = mpsc::channel::<Piece>(PIECES_MAX);
    let seen = faults.clone();
    let read = async move {
        let mut due = Instant::now();
        loop {
            let mut bytes = BytesMut::with_capacity(PIECE_BYTES_MAX);
            let count = from.read_buf(&mut bytes).await?;
            if count == 0 {
                return std::io::Result::Ok(());
            }
            add(counter, count);
            let delay = random.draw(way(&seen.borrow()).delay);
            // Never before the piece in front: a connection keeps its order.
            due = due.max(Instant::now() + delay);
            let bytes = bytes.freeze();
            if queue.send(Piece { due, bytes }).await.is_err() {
                return Ok(()); // the writer has failed and says why
            }
        }
    };
    let write = async move {
        while let Some(piece) = pieces.recv().await {
            sleep_until(piece.due).await;
            audible(way, &mut faults).await;
            let limit = way(&faults.borrow_and_update()).bytes_per_second;
            match limit {
                None => to.write_all(&piece.bytes).await?,
                Some(limit) => {
                    // In tenths of a second, so that a slow line trickles instead of jumping.
                    let share = usize::try_from(limit.get().div_ceil(10)).unwrap_or(usize::MAX);
                    for part in piece.bytes.chunks(share) {
                        to.write_all(part).await?;
                        let bytes = u32::try_from(part.len()).unwrap_or(u32::MAX);
                        tokio::time::sleep(Duration::from_secs(1) * bytes / limit.get()).await;
                    }
                }
            }
        }
        audible(way, &mut faults).await;
        to.shutdown().await
    };
    tokio::try_join!(read, write).map(|_| ())
}

/// Waits while this direction is silent.
async fn audible(way: Way, faults: &mut watch::Receiver<Faults>) {
    // An error is the end of the proxy, and then of this connection.
    let _ = faults.wait_for(|faults| !way(faults).silent).await;
}
