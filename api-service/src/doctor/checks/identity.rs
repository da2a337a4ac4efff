//! Whether EMQX sends what `HOOK_DEVICE_IDENTITY` is judged by.

use emqx_config::contract;

use crate::doctor::facts::{Facts, Hook, Identity, Version};
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&MISMATCH, &BY_NAME, &NEEDLESS];

pub(super) static MISMATCH: Rule = Rule {
    code: "identity_mismatch",
    severity: Severity::Error,
    why: "hook-service looks for something that EMQX does not send, and denies every device",
    source: "5.8.9 seen; HOOK_DEVICE_IDENTITY",
    mend: "HOOK_DEVICE_IDENTITY=cert_pem with the file for 5.8, cn_and_password with the file for 5.3",
};

pub(super) static BY_NAME: Rule = Rule {
    code: "identity_by_name",
    severity: Severity::Note,
    why: "certificates of a device cannot overlap at renewal, and revocation is per device only",
    source: "design section 4",
    mend: "EMQX 5.8 with HOOK_DEVICE_IDENTITY=cert_pem",
};

pub(super) static NEEDLESS: Rule = Rule {
    code: "identity_by_name_needless",
    severity: Severity::Warning,
    why: "this EMQX could show the hook the certificate itself; a name and a fingerprint in a password prove less",
    source: "5.8.0 read, 5.8.9 seen",
    mend: "the shipped file for 5.8, with HOOK_DEVICE_IDENTITY=cert_pem",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for broker in &facts.brokers {
        let devices = |hook: &&Hook| hook.is_ours() && hook.path() == contract::PATH_AUTHN_DEVICE;
        for hook in broker.conf.hooks().filter(devices) {
            let place = broker.hook(hook);
            let sends = if hook.body.contains_key("cert_pem") {
                Identity::CertPem
            } else {
                Identity::CnAndPassword
            };
            let wanted = facts.settings.identity.unwrap_or(sends);
            let able = broker
                .version
                .is_some_and(|version| version >= Version(5, 8, 0));
            if wanted != sends {
                let seen = format!("hook-service wants {wanted:?}, EMQX sends for {sends:?}");
                found.push(MISMATCH.at(place, seen));
            } else if sends == Identity::CnAndPassword {
                let rule = if able { &NEEDLESS } else { &BY_NAME };
                found.push(rule.at(place, "devices are told apart by name and password"));
            }
        }
    }
    found
}
