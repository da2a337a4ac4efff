//! The nodes of a cluster, and what EMQX 5.9 and later keep of the hooks' answers.

use reqwest::Method;
use serde::Deserialize;

use super::version::Version;
use super::{Broker, BrokerError};

/// The node-wide cache of authentication and authorization answers exists since then, and is on by
/// default since 6.2.
const NODE_CACHE_SINCE: Version = Version::of(5, 9, 0);

/// A node as its cluster sees it.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Its name.
    pub(crate) name: String,
    /// Whether it answers its cluster.
    pub(crate) runs: bool,
    /// Its version; none if it is not told in numbers.
    pub(crate) version: Option<Version>,
}

#[derive(Deserialize)]
struct Shown {
    node: String,
    #[serde(default)]
    node_status: String,
    #[serde(default)]
    version: String,
}

impl Node {
    /// Whether it may keep answers of the hooks.
    pub(crate) fn has_cache(&self) -> bool {
        self.version
            .is_some_and(|version| version >= NODE_CACHE_SINCE)
    }
}

impl Broker {
    /// All nodes that the cluster knows.
    pub(super) async fn nodes(&self) -> Result<Vec<Node>, BrokerError> {
        let answer = self.call(Method::GET, &["nodes"], &[], None).await?;
        let shown: Vec<Shown> = self.read(answer).await?;
        if shown.is_empty() {
            return Err(BrokerError::Unreadable);
        }
        Ok(shown
            .into_iter()
            .map(|node| Node {
                runs: node.node_status.eq_ignore_ascii_case("running"),
                version: Version::parse(&node.version),
                name: node.node,
            })
            .collect())
    }

    /// Forgets every answer of the hooks on every node. EMQX cannot do it for one client.
    pub(super) async fn reset_node_caches(&self) -> Result<(), BrokerError> {
        for chain in ["authentication", "authorization"] {
            let path = [chain, "node_cache", "reset"];
            let answer = self.call(Method::POST, &path, &[], None).await?;
            if !answer.status().is_success() {
                return Err(self.refusal(answer).await);
            }
        }
        Ok(())
    }
}
