//! A live cluster: its nodes, the configuration of each, and what runs now.
//!
//! `GET /configs` tells everything but zones (read in 5.3.2, 5.8.9 and 6.3: a hidden root), so they
//! come from a file or are reported as unseen. The pages of single sections are laid over it: they
//! tell what holds now, also where somebody changed it through the API.

use emqx_config::hocon::{self, Value};
use serde_json::Value as Json;

use super::management::{Management, Unread};
use super::tree::{of_json, put};
use super::{Looked, conf};
use crate::broker::BrokerConfig;
use crate::doctor::facts::{Broker, Missing, Node, Version};

/// Most nodes that are looked at.
const NODES_MAX: usize = 64;

/// Pages of sections, where they belong in the tree, and whether old versions lack them.
const PAGES: &[(&[&str], &[&str], bool)] = &[
    (&["authentication"], &["authentication"], false),
    (
        &["authentication", "settings"],
        &["authentication_settings"],
        true,
    ),
    (&["authorization", "settings"], &["authorization"], false),
    (&["authorization", "sources"], &["authorization"], false),
    (
        &["authorization", "node_cache"],
        &["authorization", "node_cache"],
        true,
    ),
    (&["configs", "global_zone"], &[], false),
    (&["mqtt", "delayed"], &["delayed"], false),
    (&["mqtt", "topic_rewrite"], &["rewrite"], false),
];

/// Asks every cluster.
pub(super) async fn ask_all(
    clusters: &[(String, BrokerConfig)],
    zones: Option<&Value>,
) -> Looked<Broker> {
    let mut looked = Looked::nothing();
    if clusters.is_empty() {
        let reason = "API_BROKER_URL is not set, so no broker was looked at and none can be told to \
                      end a session";
        looked.miss(Missing::NoBroker, "API_BROKER_URL", reason);
    }
    for (name, config) in clusters {
        if let Err(unread) = ask(name, config, zones, &mut looked).await {
            looked.miss(Missing::Broker, name.as_str(), unread.to_string());
        }
    }
    looked
}

async fn ask(
    cluster: &str,
    config: &BrokerConfig,
    zones: Option<&Value>,
    looked: &mut Looked<Broker>,
) -> Result<(), Unread> {
    let management = Management::new(config).map_err(Unread::Failed)?;
    let nodes = nodes(&management.json(&["nodes"]).await?);
    if nodes.is_empty() {
        return Err(Unread::Failed("/nodes lists no node".to_owned()));
    }
    let running = management.json(&["listeners"]).await;
    if let Err(unread) = &running {
        looked.miss(Missing::Broker, cluster, format!("/listeners: {unread}"));
    }
    let version = nodes
        .iter()
        .filter(|n| n.running)
        .filter_map(|n| n.version)
        .min();
    let mut found: Vec<(Value, Broker)> = Vec::new();
    for node in nodes.iter().filter(|node| node.running).take(NODES_MAX) {
        let subject = format!("{cluster} {}", node.name);
        let mut tree = match management.configuration(&node.name).await {
            Ok(text) => match hocon::parse(&text) {
                Ok(tree) => tree,
                Err(error) => {
                    let reason = format!("/configs cannot be read: {error}");
                    looked.miss(Missing::Broker, subject, reason);
                    continue;
                }
            },
            Err(unread) => {
                looked.miss(Missing::Broker, subject, unread.to_string());
                continue;
            }
        };
        if let Ok(running) = &running {
            mark_stopped(&mut tree, running, &node.name);
        }
        if let Some(zones) = zones {
            put(&mut tree, &["zones"], zones.clone());
        }
        if let Some((first, broker)) = found.first_mut() {
            // The same configuration is judged once.
            if comparable(first) == comparable(&tree) {
                continue;
            }
            broker.differs_from.push(node.name.clone());
        }
        let as_told = tree.clone();
        if found.is_empty() {
            overlay(&management, cluster, &mut tree, looked).await;
        }
        let mut strange = Vec::new();
        let conf = conf::read(&tree, &mut strange);
        for reason in strange {
            looked.miss(Missing::BrokerSetting, subject.as_str(), reason);
        }
        if conf.zones.is_none() && found.is_empty() {
            let reason = "EMQX's management API does not tell zones: give the node's file with \
                          --emqx-conf";
            looked.miss(Missing::Zones, cluster, reason);
        }
        let broker = Broker {
            name: subject,
            nodes: if found.is_empty() {
                nodes.clone()
            } else {
                Vec::new()
            },
            version: node.version.or(version),
            conf,
            differs_from: Vec::new(),
        };
        found.push((as_told, broker));
    }
    looked
        .found
        .extend(found.into_iter().map(|(_, broker)| broker));
    Ok(())
}

/// What one node's configuration has in common with another's that is meant to be the same.
fn comparable(tree: &Value) -> Vec<Option<&Value>> {
    [
        "listeners",
        "authentication",
        "authorization",
        "mqtt",
        "flapping_detect",
        "delayed",
        "rewrite",
    ]
    .map(|root| tree.get(root))
    .to_vec()
}

fn nodes(json: &Json) -> Vec<Node> {
    let nodes = json.as_array().map_or(&[][..], Vec::as_slice);
    nodes
        .iter()
        .filter_map(|node| {
            Some(Node {
                name: node["node"].as_str()?.to_owned(),
                version: node["version"]
                    .as_str()
                    .and_then(|text| text.parse::<Version>().ok()),
                running: node["node_status"].as_str() == Some("running"),
            })
        })
        .collect()
}

/// `running: false` where the cluster says so of this node, or of the whole when it tells no nodes.
fn mark_stopped(tree: &mut Value, listeners: &Json, node: &str) {
    for listener in listeners.as_array().map_or(&[][..], Vec::as_slice) {
        let id = listener["id"].as_str().and_then(|id| id.split_once(':'));
        let Some((kind, name)) = id else { continue };
        let here = listener["node_status"]
            .as_array()
            .and_then(|nodes| nodes.iter().find(|at| at["node"] == node));
        let status = here.map_or(&listener["status"], |at| &at["status"]);
        if status["running"] == false && tree.get(&format!("listeners.{kind}.{name}")).is_some() {
            put(
                tree,
                &["listeners", kind, name, "running"],
                Value::Bool(false),
            );
        }
    }
}

async fn overlay(
    management: &Management<'_>,
    cluster: &str,
    tree: &mut Value,
    looked: &mut Looked<Broker>,
) {
    for (page, place, may_lack) in PAGES {
        match management.json(page).await {
            Ok(json) => put(tree, place, of_json(&json)),
            Err(Unread::NoSuchPage) if *may_lack => {}
            Err(unread) => {
                let reason = format!("/{}: {unread}", page.join("/"));
                looked.miss(Missing::Broker, cluster, reason);
            }
        }
    }
}
