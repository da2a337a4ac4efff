//! How TLS is spoken on listeners.

use crate::doctor::facts::{Broker, Facts, Listener, Version};
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&REUSE, &OLD, &DEPTH, &RENEGOTIATION, &CRL, &CRL_KEY];

pub(super) static REUSE: Rule = Rule {
    code: "emqx_session_reuse",
    severity: Severity::Warning,
    why: "a resumed TLS session shows no certificate again, so neither the chain nor a revocation list is looked at",
    source: "OTP behaviour; reuse_sessions is on by default in 5.3.0 and 5.8.9, read",
    mend: "ssl_options.reuse_sessions = false, and on 6.x ssl_options.session_tickets = disabled",
};

pub(super) static OLD: Rule = Rule {
    code: "emqx_tls_old",
    severity: Severity::Error,
    why: "TLS 1.0 and 1.1 are broken and forbidden (RFC 8996)",
    source: "5.8.9 loaded",
    mend: "ssl_options.versions = [\"tlsv1.3\", \"tlsv1.2\"]",
};

pub(super) static DEPTH: Rule = Rule {
    code: "emqx_tls_depth",
    severity: Severity::Note,
    why: "our chains have one issuing CA between root and leaf; longer ones are accepted for nothing",
    source: "5.8.9 seen; 10 by default",
    mend: "ssl_options.depth = 1",
};

pub(super) static RENEGOTIATION: Rule = Rule {
    code: "emqx_tls_renegotiation",
    severity: Severity::Note,
    why: "a renegotiation of TLS 1.2 costs the broker more than the client: a cheap way to load it",
    source: "5.8.9 loaded; on by default",
    mend: "ssl_options.client_renegotiation = false",
};

pub(super) static CRL: Rule = Rule {
    code: "emqx_crl_check",
    severity: Severity::Note,
    why: "the check looks only at handshakes, refuses everybody while the list cannot be fetched, and never ends a session",
    source: "5.8.9 and 6.3 read; emqx/emqx#10992, #16151",
    mend: "ssl_options.enable_crl_check = false, or know it: emqx-config/README.md, \"The CRL switch\"",
};

pub(super) static CRL_KEY: Rule = Rule {
    code: "emqx_crl_cache_key",
    severity: Severity::Warning,
    why: "this version keeps lists under the path of their address alone, so lists of two servers or shards are taken for each other",
    source: "read; emqx/emqx#13922, mended in 5.8.2",
    mend: "EMQX 5.8.2 or later, or ssl_options.enable_crl_check = false",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for broker in &facts.brokers {
        let listeners = broker.conf.listeners.iter();
        for listener in listeners.filter(|listener| listener.kind.is_tls()) {
            let place = broker.listener(listener);
            let mut say = |rule: &'static Rule, seen: String| found.push(rule.at(&place, seen));
            reuse(broker, listener, &mut say);
            for version in &listener.versions {
                if matches!(version.as_str(), "tlsv1" | "tlsv1.1" | "sslv3") {
                    say(&OLD, format!("ssl_options.versions has {version}"));
                }
            }
            if listener.depth.is_none_or(|depth| depth > 1) {
                say(&DEPTH, "ssl_options.depth is more than 1".to_owned());
            }
            if listener.client_renegotiation != Some(false) && speaks_1_2(listener) {
                let seen = "ssl_options.client_renegotiation is not false";
                say(&RENEGOTIATION, seen.to_owned());
            }
            if listener.crl_check {
                say(&CRL, "ssl_options.enable_crl_check = true".to_owned());
                if broker
                    .version
                    .is_some_and(|version| version < Version(5, 8, 2))
                {
                    say(&CRL_KEY, "ssl_options.enable_crl_check = true".to_owned());
                }
            }
        }
    }
    found
}

fn reuse(broker: &Broker, listener: &Listener, say: &mut impl FnMut(&'static Rule, String)) {
    // Off by default on the line of 6.x, read; a file that does not say for which it is may be older.
    let default = broker.version < Some(Version(6, 0, 0));
    if listener.reuse_sessions.unwrap_or(default) && speaks_1_2(listener) {
        say(&REUSE, "ssl_options.reuse_sessions is not false".to_owned());
    }
    if let Some(tickets) = &listener.session_tickets {
        say(&REUSE, format!("ssl_options.session_tickets = {tickets}"));
    }
}

/// Whether TLS 1.2 or older is spoken; it is by default.
fn speaks_1_2(listener: &Listener) -> bool {
    listener.versions.is_empty() || listener.versions.iter().any(|version| version != "tlsv1.3")
}
