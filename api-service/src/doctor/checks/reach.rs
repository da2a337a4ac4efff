//! Who reaches a listener, and how fast.

use crate::doctor::facts::Facts;
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&PROXY, &RATE, &STOPPED];

pub(super) static PROXY: Rule = Rule {
    code: "emqx_proxy_protocol",
    severity: Severity::Warning,
    why: "a client's own header is believed, with v2 also its common name, unless the port is reachable from the proxy alone; and cert_pem is empty",
    source: "5.3.0 and 6.3 read",
    mend: "listeners.<type>.<name>.proxy_protocol = false",
};

pub(super) static RATE: Rule = Rule {
    code: "emqx_no_connect_rate",
    severity: Severity::Warning,
    why: "after an outage the whole fleet connects at once, and its handshakes starve the clients that are in",
    source: "5.8.9 loaded; unlimited by default",
    mend: "listeners.<type>.<name>.max_conn_rate = \"1000/s\", or what a node of yours can do",
};

pub(super) static STOPPED: Rule = Rule {
    code: "emqx_listener_stopped",
    severity: Severity::Error,
    why: "it is enabled and does not run: its port is taken, or its certificate cannot be read",
    source: "5.8.9 read",
    mend: "read the node's log, then POST /listeners/<id>/start",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for broker in &facts.brokers {
        for listener in &broker.conf.listeners {
            let place = broker.listener(listener);
            if listener.proxy_protocol {
                found.push(PROXY.at(&place, "proxy_protocol = true"));
            }
            if !listener.rate_limited {
                found.push(RATE.at(&place, "max_conn_rate is not set"));
            }
            if !listener.running {
                found.push(STOPPED.at(&place, "the cluster says that it does not run"));
            }
        }
    }
    found
}
