//! One connection: finding it an upstream, and both its directions.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::faults::{Entry, Faults};
use crate::pump::pump;
use crate::random::Random;
use crate::totals::{Counters, add};

/// An upstream on this machine accepts at once or not at all.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);

/// What all connections of a proxy share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) upstreams: watch::Receiver<Vec<SocketAddr>>,
    pub(crate) faults: watch::Receiver<Faults>,
    pub(crate) next: AtomicUsize,
    pub(crate) counters: Counters,
    pub(crate) seed: u64,
}

/// Serves one connection to its end, or until `cut`.
pub(crate) async fn relay(mut client: TcpStream, shared: Arc<Shared>, cut: CancellationToken) {
    let number = shared.counters.accepted.fetch_add(1, Ordering::SeqCst);
    let mut upstream = None;
    let was_cut = tokio::select! {
        () = cut.cancelled() => true,
        () = both(&mut client, &mut upstream, &shared, number) => false,
    };
    if was_cut {
        add(&shared.counters.cut, 1);
        reset(&client);
        if let Some(upstream) = &upstream {
            reset(upstream);
        }
    }
    drop((client, upstream));
    add(&shared.counters.ended, 1);
}

async fn both(
    client: &mut TcpStream,
    upstream: &mut Option<TcpStream>,
    shared: &Arc<Shared>,
    number: u64,
) {
    let mut entry = shared.faults.clone();
    if entry
        .wait_for(|faults| faults.entry != Entry::Hang)
        .await
        .is_err()
    {
        return;
    }
    drop(entry);
    let Some(stream) = connect(shared).await else {
        add(&shared.counters.without_upstream, 1);
        reset(client);
        return;
    };
    // A lost optimisation, never a reason to fail.
    let _ = client.set_nodelay(true);
    let _ = stream.set_nodelay(true);
    let stream = upstream.insert(stream);
    let (from_client, to_client) = client.split();
    let (from_upstream, to_upstream) = stream.split();
    let mut random = Random::new(shared.seed ^ number.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let other = Random::new(random.next());
    let (up, down) = (
        pump(
            from_client,
            to_upstream,
            |faults| faults.up,
            shared.faults.clone(),
            random,
            &shared.counters.bytes_up,
        ),
        pump(
            from_upstream,
            to_client,
            |faults| faults.down,
            shared.faults.clone(),
            other,
            &shared.counters.bytes_down,
        ),
    );
    // An error of one side ends both, as a reset would.
    let _ = tokio::try_join!(up, down);
}

/// The next upstream in turn that accepts.
async fn connect(shared: &Shared) -> Option<TcpStream> {
    let upstreams = shared.upstreams.borrow().clone();
    let first = shared.next.fetch_add(1, Ordering::SeqCst);
    for offset in 0..upstreams.len() {
        let address = upstreams[(first.wrapping_add(offset)) % upstreams.len()];
        if let Ok(Ok(stream)) = timeout(CONNECT_TIME_MAX, TcpStream::connect(address)).await {
            return Some(stream);
        }
    }
    None
}

/// Makes the close that follows a reset.
fn reset(stream: &TcpStream) {
    // A socket that is gone already needs none.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}
