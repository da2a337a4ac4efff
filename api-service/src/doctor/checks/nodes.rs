//! The nodes of a cluster.

use crate::doctor::facts::Facts;
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&DOWN, &DIFFER];

pub(super) static DOWN: Rule = Rule {
    code: "emqx_node_down",
    severity: Severity::Error,
    why: "nobody can tell it to end a session, so no revoke becomes `complete`, and its clients may still be there",
    source: "design section 7",
    mend: "start the node, or take it out of the cluster: emqx ctl cluster force-leave <node>",
};

pub(super) static DIFFER: Rule = Rule {
    code: "emqx_nodes_differ",
    severity: Severity::Warning,
    why: "clients meet other rules on each node, and a restart brings the file back that the node has",
    source: "5.8.9 seen: emqx.conf outranks what the cluster was told",
    mend: "the same emqx.conf on every node, then restart the one that differs",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for broker in &facts.brokers {
        for node in broker.nodes.iter().filter(|node| !node.running) {
            found.push(DOWN.at(&broker.name, format!("{} does not run", node.name)));
        }
        for other in &broker.differs_from {
            found.push(DIFFER.at(&broker.name, format!("{other} has another configuration")));
        }
    }
    found
}
