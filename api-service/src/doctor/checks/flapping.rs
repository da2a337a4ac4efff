//! Flapping detection: a ban that strangers can cause.

use emqx_config::contract;

use crate::doctor::facts::Facts;
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&STRANGERS, &SERVICE, &OFF];

pub(super) static STRANGERS: Rule = Rule {
    code: "emqx_flapping_strangers",
    severity: Severity::Error,
    why: "refused connects count under the client id that was asked for, so 16 of them from a stranger get the live device banned",
    source: "5.8.9 seen",
    mend: "flapping_detect.enable = false, and true in zones.device alone",
};

pub(super) static SERVICE: Rule = Rule {
    code: "emqx_flapping_service",
    severity: Severity::Warning,
    why: "a restart loop gets our own gateway banned, and the product stops",
    source: "5.8.9 seen",
    mend: "zones.service.flapping_detect.enable = false",
};

pub(super) static OFF: Rule = Rule {
    code: "emqx_flapping_off",
    severity: Severity::Note,
    why: "a device that reconnects in a loop loads the broker and the hooks without an end",
    source: "5.8.9 seen",
    mend: "zones.device.flapping_detect { enable = true, window_time = 1m, max_count = 15, ban_time = 5m }",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for broker in &facts.brokers {
        for listener in &broker.conf.listeners {
            let on = broker.conf.in_zone(&listener.zone, |zone| zone.flapping);
            let on = on.unwrap_or(false);
            let told = broker.conf.zones.is_some();
            let place = broker.listener(listener);
            let seen =
                |on: &str| format!("flapping detection is {on} in its zone {}", listener.zone);
            if on && !listener.requires_certificate() {
                found.push(STRANGERS.at(place, seen("on")));
            } else if on && listener.asks(contract::PATH_AUTHN_SERVICE) {
                found.push(SERVICE.at(place, seen("on")));
            } else if !on && told && listener.asks(contract::PATH_AUTHN_DEVICE) {
                found.push(OFF.at(place, seen("off")));
            }
        }
    }
    found
}
