//! Devices that connect, stay a while, leave and come back, and tell the oracle everything.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};

use crate::device::{Answer, Device, Target, connect};
use crate::oracle::Oracle;

/// How a crowd behaves.
#[derive(Debug, Clone, Copy)]
pub struct Manners {
    /// How long a device stays connected before it leaves by itself; `None` is until it is ended.
    pub stay: Option<Duration>,
    /// Between the end of a session, or a refusal, and the next connect.
    pub pause: Duration,
    /// Most connects in a second, of the whole crowd: the load shares its cores with the broker.
    pub connects_per_second: u32,
}

/// Running devices. Dropping it ends them at once.
#[derive(Debug)]
pub struct Crowd {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
    turns: Arc<Turns>,
    target: Target,
    oracle: Arc<Oracle>,
    manners: Manners,
}

/// Hands out permission to connect, at most so many in a second and never in bursts.
#[derive(Debug)]
struct Turns(tokio::sync::Mutex<tokio::time::Interval>);

impl Turns {
    fn new(per_second: u32) -> Self {
        let every = Duration::from_secs(1) / per_second.max(1);
        let mut interval = interval_at(Instant::now(), every);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self(tokio::sync::Mutex::new(interval))
    }

    async fn next(&self) {
        self.0.lock().await.tick().await;
    }
}

impl Crowd {
    /// An empty crowd.
    pub fn new(target: Target, oracle: Arc<Oracle>, manners: Manners) -> Self {
        Self {
            tasks: JoinSet::new(),
            stop: watch::channel(false).0,
            turns: Arc::new(Turns::new(manners.connects_per_second)),
            target,
            oracle,
            manners,
        }
    }

    /// Lets a device join.
    pub fn join(&mut self, device: Arc<Device>) {
        let one = One {
            device,
            target: self.target.clone(),
            oracle: Arc::clone(&self.oracle),
            turns: Arc::clone(&self.turns),
            manners: self.manners,
            stop: self.stop.subscribe(),
        };
        self.tasks.spawn(one.live());
    }

    /// Lets everybody leave in an orderly way, and waits for it.
    pub async fn leave(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

struct One {
    device: Arc<Device>,
    target: Target,
    oracle: Arc<Oracle>,
    turns: Arc<Turns>,
    manners: Manners,
    stop: watch::Receiver<bool>,
}

impl One {
    async fn live(mut self) {
        let id = self.device.id.clone();
        while !*self.stop.borrow() {
            self.turns.next().await;
            if let Some(mut session) =
                judged_connect(&self.target, &self.device, &self.oracle).await
            {
                let left = tokio::select! {
                    () = session.ended() => false,
                    () = stay(self.manners.stay) => true,
                    () = stopped(&mut self.stop) => true,
                };
                if left {
                    session.goodbye().await;
                }
                self.oracle.ended(&id);
            }
            // Woken early by the end.
            let _ = timeout(self.manners.pause, stopped(&mut self.stop)).await;
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error is the end of the crowd.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn stay(time: Option<Duration>) {
    match time {
        Some(time) => sleep(time).await,
        None => std::future::pending().await,
    }
}

/// Connects once and tells the oracle what came of it.
pub async fn judged_connect(
    target: &Target,
    device: &Device,
    oracle: &Oracle,
) -> Option<crate::device::Session> {
    let attempt = oracle.begins();
    match connect(target, device).await {
        Answer::Accepted(session) => {
            oracle.accepted(&device.id, attempt);
            Some(session)
        }
        Answer::Refused(_) => {
            oracle.refused(&device.id, attempt);
            None
        }
        Answer::Nothing(_) => {
            oracle.unanswered();
            None
        }
    }
}
