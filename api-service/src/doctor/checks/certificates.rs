//! When certificates end, and whether devices take the broker's.

use time::Duration;

use crate::doctor::facts::{Facts, Role, SeenCertificate};
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&EXPIRED, &EXPIRING, &EARLY, &SHORT, &REFUSED, &SERVICE];

pub(super) static EXPIRED: Rule = Rule {
    code: "certificate_expired",
    severity: Severity::Error,
    why: "whoever checks it refuses it: devices cannot connect, or cannot be given certificates",
    source: "RFC 5280, 4.1.2.5",
    mend: "certs: issue a new one, and install it where it is named",
};

pub(super) static EXPIRING: Rule = Rule {
    code: "certificate_expiring",
    severity: Severity::Warning,
    why: "the day it ends is the day everything that rests on it stops",
    source: "RFC 5280, 4.1.2.5",
    mend: "certs: rotate it with overlap before that day",
};

pub(super) static EARLY: Rule = Rule {
    code: "certificate_not_yet_valid",
    severity: Severity::Error,
    why: "it is refused until then, or a clock is wrong",
    source: "RFC 5280, 4.1.2.5",
    mend: "set the clocks; issue it anew if they are right",
};

pub(super) static SHORT: Rule = Rule {
    code: "ca_ends_before_leaves",
    severity: Severity::Warning,
    why: "certificates that are issued now would outlive their issuer, and end with it",
    source: "API_DEVICE_CERT_DAYS",
    mend: "rotate the device authority, or lower API_DEVICE_CERT_DAYS",
};

pub(super) static REFUSED: Rule = Rule {
    code: "broker_certificate_refused",
    severity: Severity::Error,
    why: "devices trust API_SERVER_CA_CERT_FILE alone and check the name: they refuse this broker",
    source: "seen by connecting",
    mend: "certs broker --dir DIR --name <the host that devices use>, with leaf and server CA in certfile",
};

pub(super) static SERVICE: Rule = Rule {
    code: "service_certificate_expiring",
    severity: Severity::Warning,
    why: "that service client can no longer connect; without the gateway commands and telemetry stop",
    source: "hooks deny an ended certificate",
    mend: "certs service, then api-service service-client add",
};

/// Rotating an authority takes a release of everything that trusts it.
const AUTHORITY_NOTICE: Duration = Duration::days(90);
/// A leaf is replaced in a day.
const LEAF_NOTICE: Duration = Duration::days(30);

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for certificate in &facts.certificates {
        found.extend(of_certificate(certificate, facts));
    }
    let services = facts
        .feed
        .iter()
        .flat_map(|feed| &feed.service_certificates);
    for service in services {
        let ends_soon = service
            .not_after
            .is_none_or(|end| end - facts.now < LEAF_NOTICE);
        if ends_soon {
            let seen = service.not_after.map_or_else(
                || "it has no active certificate".to_owned(),
                |end| format!("its last certificate ends {}", end.date()),
            );
            found.push(SERVICE.at(format!("service client {}", service.name), seen));
        }
    }
    found
}

fn of_certificate(certificate: &SeenCertificate, facts: &Facts) -> Vec<Finding> {
    let place = format!("{} ({})", certificate.place, certificate.subject);
    let left = certificate.not_after - facts.now;
    let notice = match certificate.role {
        Role::Broker => LEAF_NOTICE,
        Role::DeviceAuthority | Role::Authority => AUTHORITY_NOTICE,
    };
    let mut found = Vec::new();
    let ends = format!("it ends {}", certificate.not_after.date());
    let days = facts
        .settings
        .device_cert_days
        .map(|days| Duration::days(i64::from(days)));
    if left <= Duration::ZERO {
        found.push(EXPIRED.at(&place, format!("it ended {}", certificate.not_after.date())));
    } else if left < notice {
        found.push(EXPIRING.at(&place, ends));
    } else if certificate.role == Role::DeviceAuthority && days.is_some_and(|days| left < days) {
        found.push(SHORT.at(&place, ends));
    }
    if certificate.not_before > facts.now {
        let seen = format!("it begins {}", certificate.not_before.date());
        found.push(EARLY.at(&place, seen));
    }
    if let Some(reason) = &certificate.refused {
        found.push(REFUSED.at(&place, reason));
    }
    found
}
