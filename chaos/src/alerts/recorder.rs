//! Scrapes every service of a stack twice a second and shows the rules what came.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chaos::stack::{Stack, scrape};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::history::{History, Labels};
use super::rules::Rules;

const SCRAPE_EVERY: Duration = Duration::from_millis(500);
/// A service that does not answer within this is down.
const SCRAPE_TIME_MAX: Duration = Duration::from_millis(400);

/// A service that is scraped, with the labels that Prometheus gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    job: &'static str,
    instance: String,
    ops: SocketAddr,
}

/// The task that scrapes.
#[derive(Debug)]
pub(crate) struct Recorder {
    targets: watch::Sender<Vec<Target>>,
    during: Arc<Mutex<&'static str>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Rules>,
}

impl Recorder {
    pub(crate) fn new(mut rules: Rules) -> Self {
        rules.begin_anew();
        let (targets, seen) = watch::channel(Vec::new());
        let (stop, stopped) = watch::channel(false);
        let during = Arc::new(Mutex::new("the start"));
        let task = tokio::spawn(record(rules, seen, stopped, Arc::clone(&during)));
        Self {
            targets,
            during,
            stop,
            task,
        }
    }

    /// Scrapes what is where now.
    pub(crate) fn look_at(&self, stack: &Stack) {
        let replicas = stack.replicas.iter().map(|replica| Target {
            job: "hook-service",
            instance: replica.name.clone(),
            ops: replica.ops,
        });
        let api = Target {
            job: "api-service",
            instance: "api".to_owned(),
            ops: stack.api.ops,
        };
        self.targets
            .send_replace(replicas.chain(std::iter::once(api)).collect());
    }

    /// What happens from now on.
    pub(crate) fn during(&self, fault: &'static str) {
        *self.during.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// Ends, and gives the rules back.
    pub(crate) async fn end(self) -> Rules {
        self.stop.send_replace(true);
        self.task.await.expect("the recorder does not panic")
    }
}

async fn record(
    mut rules: Rules,
    targets: watch::Receiver<Vec<Target>>,
    mut stop: watch::Receiver<bool>,
    during: Arc<Mutex<&'static str>>,
) -> Rules {
    let mut history = History::default();
    let mut tick = interval(SCRAPE_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return rules,
            _ = tick.tick() => {}
        }
        let wanted = targets.borrow().clone();
        let mut scrapes: JoinSet<_> = wanted
            .into_iter()
            .map(|target| async move {
                let scraped = timeout(SCRAPE_TIME_MAX, scrape(target.ops)).await;
                (target, scraped.ok().and_then(Result::ok))
            })
            .collect();
        while let Some(Ok((target, scraped))) = scrapes.join_next().await {
            let at = Instant::now();
            let own = Labels::from([
                ("job".to_owned(), target.job.to_owned()),
                ("instance".to_owned(), target.instance),
            ]);
            let up = if scraped.is_some() { 1.0 } else { 0.0 };
            history.add(at, "up", own.clone(), up);
            for sample in scraped.into_iter().flatten() {
                let mut labels = sample.labels;
                labels.extend(own.clone());
                history.add(at, &sample.name, labels, sample.value);
            }
        }
        let during = *during.lock().unwrap_or_else(PoisonError::into_inner);
        rules.look(&history, Instant::now(), during);
    }
}
