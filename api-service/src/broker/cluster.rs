//! A cluster as the workers use it: bounded in calls at once, asked once for what many want to know.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, Semaphore};

use super::nodes::Node;
use super::{Broker, BrokerConfig, BrokerError, Session};
use crate::metrics::Metrics;
use crate::outbox::grouped::{Failed, Grouped};

/// Calls at once. Above that they wait for each other here and not in EMQX's one HTTP pool.
const CALLS_MAX: usize = 64;

/// Client ids of one bulk kick. EMQX names no limit; a hundred took 10 ms (5.8.9), and each that is
/// stuck in an authorization call adds up to five seconds.
const BULK_IDS_MAX: usize = 100;

/// Bulk kicks at once.
const BULK_CALLS_MAX: usize = 4;

/// Those who share one call that is the same for all.
const ASKERS_MAX: usize = 1024;

/// How long what was seen of the nodes' versions is used.
const VERSIONS_KEPT: Duration = Duration::from_secs(60);

/// A cluster of the broker.
#[derive(Clone)]
pub(crate) struct Cluster(Arc<Parts>);

struct Parts {
    broker: Broker,
    gate: Arc<Semaphore>,
    count: Count,
    versions: Mutex<Option<(Instant, Arc<Vec<Node>>)>>,
    nodes: Grouped<(), Arc<Vec<Node>>, BrokerError>,
    resets: Grouped<(), (), BrokerError>,
    kicks: Grouped<String, (), BrokerError>,
}

/// A grouped call's failure.
pub(crate) type GroupError = Failed<BrokerError>;

impl Cluster {
    /// A cluster. It is connected to when first used.
    pub(crate) fn new(config: BrokerConfig, metrics: Metrics) -> Result<Self, reqwest::Error> {
        let broker = Broker::new(config)?;
        let gate = Arc::new(Semaphore::new(CALLS_MAX));
        let count = Count {
            metrics,
            cluster: broker.name().to_owned(),
        };
        let (asked, counted) = (broker.clone(), count.clone());
        let nodes = Grouped::start(1, ASKERS_MAX, move |askers: Vec<()>| {
            let (broker, count) = (asked.clone(), counted.clone());
            async move {
                let nodes = Arc::new(count.the("nodes", broker.nodes().await)?);
                Ok::<_, BrokerError>(vec![nodes; askers.len()])
            }
        });
        let (reset, counted) = (broker.clone(), count.clone());
        let resets = Grouped::start(1, ASKERS_MAX, move |askers: Vec<()>| {
            let (broker, count) = (reset.clone(), counted.clone());
            async move {
                count.the("forget", broker.reset_node_caches().await)?;
                Ok::<_, BrokerError>(askers)
            }
        });
        let (kicked, counted) = (broker.clone(), count.clone());
        let kicks = Grouped::start(BULK_CALLS_MAX, BULK_IDS_MAX, move |ids: Vec<String>| {
            let (broker, count) = (kicked.clone(), counted.clone());
            async move {
                let answers = vec![(); ids.len()];
                count.the("kick_bulk", broker.kick_many(ids).await)?;
                Ok::<_, BrokerError>(answers)
            }
        });
        Ok(Self(Arc::new(Parts {
            broker,
            gate,
            count,
            versions: Mutex::default(),
            nodes,
            resets,
            kicks,
        })))
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        self.0.broker.name()
    }

    /// Bans a client id until a time (seconds since 1970), which ends its session.
    pub(crate) async fn ban(
        &self,
        client_id: &str,
        reason: &str,
        until_s: i64,
    ) -> Result<(), BrokerError> {
        self.counted("ban", self.0.broker.ban(client_id, reason, until_s))
            .await
    }

    /// Lifts a ban of ours.
    pub(crate) async fn lift_ban(&self, client_id: &str) -> Result<bool, String> {
        let nodes = self.versions().await.map_err(|error| said(&error))?;
        // During an upgrade the oldest node decides what may be asked.
        let oldest = nodes.iter().map(|node| node.version).min().flatten();
        let lifted = self.0.broker.lift_ban(client_id, oldest);
        self.counted("lift", lifted).await.map_err(|e| said(&e))
    }

    /// Ends a session; says whether there was one.
    pub(crate) async fn kick(&self, client_id: &str) -> Result<bool, BrokerError> {
        self.counted("kick", self.0.broker.kick(client_id)).await
    }

    /// Ends a session together with others, in one call.
    pub(crate) async fn kick_in_bulk(&self, client_id: &str) -> Result<(), GroupError> {
        self.0.kicks.ask(client_id.to_owned()).await
    }

    /// A client's session.
    pub(crate) async fn look(&self, client_id: &str) -> Result<Option<Session>, BrokerError> {
        self.counted("look", self.0.broker.look(client_id)).await
    }

    /// The client ids of every session whose id begins so.
    pub(crate) async fn sessions_with_prefix(
        &self,
        prefix: &str,
    ) -> Result<Vec<String>, BrokerError> {
        self.counted("list", self.0.broker.sessions_with_prefix(prefix))
            .await
    }

    /// Removes what is retained on a topic.
    pub(crate) async fn clear_retained(&self, topic: &str) -> Result<(), BrokerError> {
        self.counted("clear", self.0.broker.clear_retained(topic))
            .await
    }

    /// Makes every node that keeps answers of the hooks forget them.
    pub(crate) async fn forget_answers(&self) -> Result<(), GroupError> {
        let nodes = self.versions().await?;
        if nodes.iter().any(Node::has_cache) {
            self.0.resets.ask(()).await?;
        }
        Ok(())
    }

    /// The name of a node that does not run, as the cluster sees it now.
    pub(crate) async fn missing_node(&self) -> Result<Option<String>, GroupError> {
        let nodes = self.0.nodes.ask(()).await?;
        let missing = nodes.iter().find(|node| !node.runs);
        let missing = missing.map(|node| node.name.clone());
        self.keep(nodes).await;
        Ok(missing)
    }

    async fn versions(&self) -> Result<Arc<Vec<Node>>, GroupError> {
        let kept = self.0.versions.lock().await.clone();
        if let Some((at, nodes)) = kept
            && at.elapsed() < VERSIONS_KEPT
        {
            return Ok(nodes);
        }
        let nodes = self.0.nodes.ask(()).await?;
        self.keep(Arc::clone(&nodes)).await;
        Ok(nodes)
    }

    async fn keep(&self, nodes: Arc<Vec<Node>>) {
        *self.0.versions.lock().await = Some((Instant::now(), nodes));
    }

    async fn counted<T>(
        &self,
        call: &str,
        work: impl Future<Output = Result<T, BrokerError>>,
    ) -> Result<T, BrokerError> {
        let permit = self.0.gate.acquire().await;
        let result = work.await;
        drop(permit);
        self.0.count.the(call, result)
    }
}

/// Counts calls of a cluster; what many share is one.
#[derive(Clone)]
struct Count {
    metrics: Metrics,
    cluster: String,
}

impl Count {
    fn the<T>(&self, call: &str, result: Result<T, BrokerError>) -> Result<T, BrokerError> {
        let outcome = if result.is_ok() { "ok" } else { "failed" };
        let calls = &self.metrics.broker_calls;
        calls
            .with_label_values(&[self.cluster.as_str(), call, outcome])
            .inc();
        result
    }
}

fn said(error: &(dyn std::error::Error + 'static)) -> String {
    crate::problem::chain(error)
}
